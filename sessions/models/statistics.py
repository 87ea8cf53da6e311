"""A session's statistics in two statements: what was counted, and which models worked on it."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from sessions.models.membership import Membership
from sessions.models.message import Message, Role, tokens_in
from sessions.models.model_usage import ModelKind, ModelUsage
from sessions.models.processing_stats import COUNTERS, ProcessingStats
from sessions.models.rows import db_id, time_of
from sessions.models.session import Session
from sessions.models.vector_collection import VectorCollection
from sessions.models.vector_rows import COLLECTION_COLUMNS, Collection, collection_from

_MESSAGE, _SESSION, _STATS, _COLLECTION = (
    model._meta.db_table for model in (Message, Session, ProcessingStats, VectorCollection)
)
_READ, _WRITTEN = (
    f"(SELECT COALESCE(sum({tokens_in(column)}), 0) FROM {_MESSAGE} m WHERE m.session_id = s.id)"
    for column in ("m.prompt_eval_count", "m.eval_count")
)
_COUNTED = (
    f"SELECT {', '.join(f'COALESCE(p.{name}, 0)' for name in COUNTERS)}, CAST(p.last_processing_time AS text), "
    f"{_READ}, {_WRITTEN}, "
    f"(SELECT count(*) FROM {Membership._meta.db_table} w WHERE w.session_id = s.id), {COLLECTION_COLUMNS} "
    f"FROM {_SESSION} s LEFT JOIN {_STATS} p ON p.session_id = s.id "
    f"LEFT JOIN {_COLLECTION} ON {_COLLECTION}.session_id = s.id WHERE s.id = %s"
)
_ANSWERS = (
    'SELECT model, created_at, CASE WHEN lag(model) OVER (ORDER BY "index") <> model THEN 1 ELSE 0 END AS switched '
    f"FROM {_MESSAGE} WHERE session_id = %s AND role = '{Role.ASSISTANT.value}' AND model <> ''"
)
_USED = (
    f"SELECT '{ModelKind.LLM.value}', model, count(*), sum(switched), CAST(min(created_at) AS text), "
    f"CAST(max(created_at) AS text) FROM ({_ANSWERS}) answers GROUP BY model UNION ALL "
    "SELECT kind, name, uses, switches, CAST(first_used_at AS text), CAST(last_used_at AS text) "
    f"FROM {ModelUsage._meta.db_table} WHERE session_id = %s"
)


@dataclass(frozen=True, slots=True)
class Usage:
    """One model's part in a session."""

    kind: str
    name: str
    uses: int
    first_used_at: datetime
    last_used_at: datetime


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is known about a session in numbers. `people` counts the owner too; tokens are those of its messages."""

    counters: dict[str, int]
    last_processing_time: datetime | None
    prompt_tokens: int
    answer_tokens: int
    people: int
    collection: Collection | None
    usage: list[Usage]
    switches: dict[str, int]


def read_statistics(session_id: UUID) -> Statistics:
    """Read them for a session that exists. Uses are the messages that name a model, and what was reported."""
    session = db_id(session_id)
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED, [session])
        row = cursor.fetchone()
        cursor.execute(_USED, [session, session])
        used = cursor.fetchall()
    at = len(COUNTERS)
    last, prompt, answers, members = row[at : at + 4]
    return Statistics(
        counters=dict(zip(COUNTERS, map(int, row[:at]), strict=True)),
        last_processing_time=time_of(last) if last else None,
        prompt_tokens=int(prompt),
        answer_tokens=int(answers),
        people=members + 1,
        collection=collection_from(session_id, row[at + 4 :]) if row[at + 4] is not None else None,
        usage=_joined(used),
        switches=_switches(used),
    )


def _joined(rows: list[tuple[Any, ...]]) -> list[Usage]:
    """Reports and messages about the same model together; the most used first."""
    found: dict[tuple[str, str], Usage] = {}
    for kind, name, uses, _, first, last in rows:
        usage = Usage(kind, name, int(uses), time_of(first), time_of(last))
        other = found.get((kind, name))
        if other is not None:
            earliest, latest = (
                min(other.first_used_at, usage.first_used_at),
                max(other.last_used_at, usage.last_used_at),
            )
            usage = Usage(kind, name, other.uses + usage.uses, earliest, latest)
        found[kind, name] = usage
    return sorted(found.values(), key=lambda usage: (-usage.uses, usage.kind, usage.name))


def _switches(rows: list[tuple[Any, ...]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for kind, _, _, switches, _, _ in rows:
        total[kind] += int(switches)
    return {kind.value: total[kind.value] for kind in ModelKind}
