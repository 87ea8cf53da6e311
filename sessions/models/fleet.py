"""The fleet: runs that go, in the order in which they need somebody. Ranges of one index, as for the session list."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import product
from typing import Any
from uuid import UUID

from django.db import connection

from sessions.models.clarification import Clarification
from sessions.models.error_entry import ErrorEntry
from sessions.models.membership import MEMBERSHIP
from sessions.models.rows import Row, RowReader, db_id, db_time
from sessions.models.run import Run, RunState
from sessions.models.session import Session, Status
from sessions.models.task import Task, TaskStatus

WAITING, FAILED, SILENT, GOING = range(4)
LOOKED_AT = 1_000  # runs of each kind, the last heard of: whatever lies in the archive, a look costs no more than that
_STATES = {
    WAITING: RunState.WAITING.value,
    FAILED: RunState.FAILED.value,
    SILENT: RunState.GOING.value,
    GOING: RunState.GOING.value,
}
_RUN, _SESSION, _TASK = (model._meta.db_table for model in (Run, Session, Task))
# One's own runs are ranges of their index; those of others are reached through one's memberships.
_WHOSE = (
    (f"{_RUN} r", "r.owner_id = %s"),
    (f"{MEMBERSHIP} m JOIN {_RUN} r ON r.session_id = m.session_id", "m.user_id = %s"),
)
_reader = RowReader(Run, ["session", "state", "started_at", "heartbeat_at", "failure_reason"], "r")
_COUNT = f"(SELECT count(*) FROM {_TASK} t WHERE t.session_id = r.session_id"
_BESIDE = {
    "group": "page.place",
    "name": "s.name",
    "phase": "s.phase",
    "tasks": f"{_COUNT})",
    "done": f"{_COUNT} AND t.status = '{TaskStatus.COMPLETED}')",
    "task": f"(SELECT t.title FROM {_TASK} t WHERE t.session_id = r.session_id AND t.status = '{TaskStatus.ACTIVE}')",
    "question": (
        f"(SELECT c.question FROM {Clarification._meta.db_table} c WHERE c.session_id = r.session_id AND c.is_pending)"
    ),
    "error": (
        f"(SELECT e.error_message FROM {ErrorEntry._meta.db_table} e WHERE e.session_id = r.session_id "
        "ORDER BY e.id DESC LIMIT 1)"
    ),
}


@dataclass(frozen=True, slots=True)
class FleetPosition:
    """The last run of a page: where the next one starts."""

    group: int
    heartbeat_at: datetime
    session_id: UUID


@dataclass(frozen=True, slots=True)
class FleetPage:
    """Runs in order, and where the next page starts, None on the last one."""

    rows: list[Row] = field(default_factory=list)
    next: FleetPosition | None = None


def read_fleet(user_id: int, *, silent_before: datetime, limit: int, after: FleetPosition | None = None) -> FleetPage:
    """Return one page of the runs in the user's sessions and in those that others share with them.

    Those that wait come first, then failed, silent, and the others; last heard of first. Stopped and
    complete runs are over, and so is what lies in the archive or the trash. Of each kind the LOOKED_AT last
    heard of are looked at, those in the archive among them.
    """
    parts: list[str] = []
    values: list[Any] = []
    for (source, whose), group in product(_WHOSE, _STATES):
        if after is None or group >= after.group:
            condition, own = _range(group, silent_before, after)
            parts.append(
                f"SELECT * FROM (SELECT {group} AS place, l.session_id, l.heartbeat_at FROM ("
                f"SELECT r.session_id, r.heartbeat_at FROM {source} WHERE {whose} AND {condition} "
                f"ORDER BY r.heartbeat_at DESC, r.session_id DESC LIMIT {LOOKED_AT}) l "
                f"JOIN {_SESSION} s ON s.id = l.session_id WHERE s.status = %s "
                f"ORDER BY l.heartbeat_at DESC, l.session_id DESC LIMIT %s) r{len(parts)}"
            )
            values += [user_id, *own, Status.ACTIVE.value, limit + 1]
    order = "place, {0}heartbeat_at DESC, {0}session_id DESC"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_reader.columns()}, {', '.join(_BESIDE.values())} "
            f"FROM (SELECT * FROM ({' UNION ALL '.join(parts)}) u ORDER BY {order.format('')} LIMIT %s) page "
            f"JOIN {_RUN} r ON r.session_id = page.session_id JOIN {_SESSION} s ON s.id = r.session_id "
            f"ORDER BY {order.format('page.')}",
            [*values, limit + 1],
        )
        rows = _reader.read_all(cursor.fetchall(), *_BESIDE)
    if len(rows) <= limit:
        return FleetPage(rows)
    last = rows[limit - 1]
    return FleetPage(rows[:limit], FleetPosition(last["group"], last["heartbeat_at"], UUID(last["session_id"])))


def _range(group: int, silent_before: datetime, after: FleetPosition | None) -> tuple[str, list[Any]]:
    condition = "r.state = %s"
    values: list[Any] = [_STATES[group]]
    if group in (SILENT, GOING):
        condition += f" AND r.heartbeat_at {'<' if group == SILENT else '>='} %s"
        values.append(db_time(silent_before))
    if after is not None and group == after.group:
        condition += " AND (r.heartbeat_at, r.session_id) < (%s, %s)"
        values += [db_time(after.heartbeat_at), db_id(after.session_id)]
    return condition, values


def read_marks(session_ids: Sequence[str]) -> dict[str, Row]:
    """By session: the state of its run, how many tasks it has and how many are done. For rows of a list."""
    if not session_ids:
        return {}
    places = ", ".join(["%s"] * len(session_ids))
    reader = RowReader(Run, ["session", "state"], "r")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {reader.columns()}, {_BESIDE['tasks']}, {_BESIDE['done']} FROM {_RUN} r "
            f"WHERE r.session_id IN ({places})",
            [db_id(UUID(session_id)) for session_id in session_ids],
        )
        rows = reader.read_all(cursor.fetchall(), "tasks", "done")
    return {row["session_id"]: row for row in rows}
