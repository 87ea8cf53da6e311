"""The statistics of a session in an archive (`statistics.json`): out as they are, in as far as they fit."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sessions.formats.document import Tally
from sessions.formats.values import dict_in, list_in, text_of, time_of, whole_number
from sessions.models import ModelKind, ModelUsage, ProcessingStats
from sessions.models.bulk_rows import insert_object, insert_rows
from sessions.models.processing_stats import COUNTERS

_LARGEST = 2**53  # of a counter in a file: fifty of them still add up
_USAGE_COLUMNS = ("kind", "name", "uses", "switches", "first_used_at", "last_used_at")
_USAGE_NAMES = ("model_type", "model_name", *_USAGE_COLUMNS[2:])  # as the API calls them


def statistics_of(session_id: UUID) -> dict[str, Any] | None:
    """A session's counters and reported uses of models; None without any. What its messages tell isn't repeated."""
    columns = (*COUNTERS, "last_processing_time")
    counters = ProcessingStats.objects.filter(pk=session_id).values(*columns).first()
    usage = ModelUsage.objects.filter(session_id=session_id).order_by("kind", "name")
    found = [dict(zip(_USAGE_NAMES, row, strict=True)) for row in usage.values_list(*_USAGE_COLUMNS)]
    return {"counters": counters, "model_usage": found} if counters or found else None


def store_statistics(session_id: UUID, statistics: Mapping[str, Any], tally: Tally, now: datetime) -> None:
    """Give a new session the statistics that a file tells of; what doesn't fit is counted and left out."""
    if counters := dict_in(statistics, "counters"):
        counted = {name: _count(counters.get(name), tally) for name in COUNTERS}
        last = time_of(counters.get("last_processing_time"))
        at = None if last is None else min(last, now)
        insert_object(ProcessingStats(session_id=session_id, last_processing_time=at, **counted))
    rows = _usage_rows(statistics, tally, now)
    insert_rows(ModelUsage, ["session", *_USAGE_COLUMNS], ((session_id, *row) for row in rows))


def _count(value: Any, tally: Tally) -> int:
    number = whole_number(value)
    if number is None or number > _LARGEST:
        tally.drop("statistics")
        return 0
    return number


def _usage_rows(statistics: Mapping[str, Any], tally: Tally, now: datetime) -> Iterator[tuple[Any, ...]]:
    """A row for each model, once."""
    seen: set[tuple[str, str]] = set()
    for found in list_in(statistics, "model_usage"):
        row = _usage_row(found, now) if isinstance(found, dict) else None
        if row is None or row[:2] in seen:
            tally.drop("statistics")
            continue
        seen.add(row[:2])
        yield row


def _usage_row(found: Mapping[str, Any], now: datetime) -> tuple[Any, ...] | None:
    kind, name = text_of(found.get("model_type")), text_of(found.get("model_name"), 255).strip()
    uses, switches = whole_number(found.get("uses")), whole_number(found.get("switches"))
    first, last = time_of(found.get("first_used_at")), time_of(found.get("last_used_at"))
    if kind not in ModelKind.values or not name or first is None or last is None:
        return None
    if uses is None or switches is None or max(uses, switches) > _LARGEST:
        return None
    return kind, name, uses, switches, min(first, now), min(last, now)
