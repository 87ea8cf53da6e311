"""A page of the session list: ranges of an index, whatever the number of sessions.

Every combination of pin and status is a range of one index, already in order. A page takes the
first rows of each range after the cursor and merges them: one statement, no sorting of more
than a few pages, no OFFSET. (docs/decisions/0005-lists.md)
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from sessions.models.rows import Row, RowReader, db_id, db_time
from sessions.models.session import Session, SessionTag, Status
from sessions.models.session_count import SessionCount
from sessions.models.tag import Tag

SORT_FIELDS = ("updated_at", "created_at", "last_accessed", "name")
DEFAULT_SORT = "-updated_at"

_SESSION = Session._meta.db_table
_SESSION_TAG = SessionTag._meta.db_table
_TAG = Tag._meta.db_table
LIST_FIELDS = [
    field.name for field in Session._meta.concrete_fields if field.name != "name_is_automatic"
]


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """What a list shows. `tags` are in their one spelling; `pinned` None means both."""

    owner_id: int
    statuses: Sequence[str] = (Status.ACTIVE.value,)
    pinned: bool | None = None
    tags_any: Sequence[str] = ()
    tags_all: Sequence[str] = ()
    model: str | None = None
    phase: str | None = None
    only_session: UUID | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the kept counts answer how many there are."""
        return not (self.tags_any or self.tags_all or self.only_session) and self.model is None and self.phase is None


@dataclass(frozen=True, slots=True)
class Position:
    """The last row of a page: where the next one starts."""

    pinned: bool
    value: datetime | str
    session_id: UUID


@dataclass(frozen=True, slots=True)
class SessionPage:
    """Rows in order (each with `tags`), and where the next page starts, None on the last one."""

    rows: list[Row] = field(default_factory=list)
    next: Position | None = None


_readers: dict[tuple[str, ...], RowReader] = {}


def session_reader(fields: Sequence[str]) -> RowReader:
    """The reader for these columns of `research_session`, named `s` in the statement."""
    key = tuple(fields)
    if key not in _readers:
        _readers[key] = RowReader(Session, key, "s")
    return _readers[key]


def list_sessions(
    wanted: SessionFilter,
    *,
    sort: str = DEFAULT_SORT,
    limit: int = 50,
    after: Position | None = None,
    offset: int = 0,
    fields: Sequence[str] = LIST_FIELDS,
) -> SessionPage:
    """Return one page, pinned ones first, then in the order of `sort` (a field of SORT_FIELDS, `-` for descending)."""
    column, descending = sort.removeprefix("-"), sort.startswith("-")
    direction = "DESC" if descending else "ASC"
    reader = session_reader(fields)
    order = f'"pinned" DESC, "{column}" {direction}, "id" {direction}'
    ranges, values = [], []
    for condition, parameters in _ranges(wanted, column, descending, after):
        ranges.append(
            f'SELECT * FROM (SELECT s."id", s."pinned", s."{column}" FROM {_SESSION} s WHERE {condition} '
            f'ORDER BY s."{column}" {direction}, s."id" {direction} LIMIT %s) r{len(ranges)}'
        )
        values += [*parameters, offset + limit + 1]
    if not ranges:
        return SessionPage()
    statement = (
        f"SELECT {reader.columns()} FROM (SELECT * FROM ({' UNION ALL '.join(ranges)}) u ORDER BY {order} "
        f"LIMIT %s OFFSET %s) page JOIN {_SESSION} s ON s.id = page.id "
        f'ORDER BY s."pinned" DESC, s."{column}" {direction}, s."id" {direction}'
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, limit + 1, offset])
        rows = [reader.read(row) for row in cursor.fetchall()]
    following = None
    if len(rows) > limit:
        rows = rows[:limit]
        last = rows[-1]
        following = Position(last["pinned"], last[column], UUID(last["id"]))
    add_tags(rows)
    return SessionPage(rows, following)


def count_sessions(wanted: SessionFilter) -> int:
    """The exact number of sessions that the filter lets through."""
    if wanted.is_plain:
        return SessionCount.objects.sessions(wanted.owner_id, wanted.statuses, wanted.pinned)
    total = 0
    with connection.cursor() as cursor:
        for condition, parameters in _ranges(wanted, "updated_at", True, None):
            cursor.execute(f"SELECT count(*) FROM {_SESSION} s WHERE {condition}", parameters)
            total += cursor.fetchone()[0]
    return total


def add_tags(rows: list[Row]) -> None:
    """Give each row its tags, in alphabetical order, with one query for all."""
    tags: dict[str, list[str]] = {row["id"]: [] for row in rows}
    for row in rows:
        row["tags"] = tags[row["id"]]
    if not rows:
        return
    places = ", ".join(["%s"] * len(rows))
    as_text = "::text" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT st.session_id{as_text}, t.name FROM {_SESSION_TAG} st JOIN {_TAG} t ON t.id = st.tag_id "
            f"WHERE st.session_id IN ({places}) ORDER BY t.name",
            [UUID(row["id"]).hex for row in rows],
        )
        for session_id, name in cursor.fetchall():
            tags[str(UUID(session_id))].append(name)


def _ranges(
    wanted: SessionFilter, column: str, descending: bool, after: Position | None
) -> list[tuple[str, list[Any]]]:
    """The conditions of each range of the index that can still hold rows, with their parameters."""
    shared, shared_values = _shared_conditions(wanted)
    pins = (True, False) if wanted.pinned is None else (wanted.pinned,)
    ranges = []
    for pinned in pins:
        if after is not None and pinned and not after.pinned:
            continue  # all pinned ones came before
        for status in wanted.statuses:
            condition, values = "s.owner_id = %s AND s.status = %s AND s.pinned = %s", [wanted.owner_id, status, pinned]
            if after is not None and pinned == after.pinned:
                sign = "<" if descending else ">"
                condition += f' AND (s."{column}", s."id") {sign} (%s, %s)'
                value = after.value if isinstance(after.value, str) else db_time(after.value)
                values += [value, db_id(after.session_id)]
            ranges.append((condition + shared, values + shared_values))
    return ranges


def _shared_conditions(wanted: SessionFilter) -> tuple[str, list[Any]]:
    conditions, values = "", []
    for name in ("model", "phase"):
        if getattr(wanted, name) is not None:
            conditions += f' AND s."{name}" = %s'
            values.append(getattr(wanted, name))
    if wanted.only_session is not None:
        conditions += " AND s.id = %s"
        values.append(db_id(wanted.only_session))
    tag_groups = ([wanted.tags_any] if wanted.tags_any else []) + [[tag] for tag in wanted.tags_all]
    for group in tag_groups:
        conditions += (
            f" AND EXISTS (SELECT 1 FROM {_SESSION_TAG} st JOIN {_TAG} t ON t.id = st.tag_id "
            f"WHERE st.session_id = s.id AND t.owner_id = s.owner_id AND t.name IN ({', '.join(['%s'] * len(group))}))"
        )
        values += group
    return conditions, values


def encode_position(position: Position, sort: str) -> bytes:
    """The position as JSON, with the sort order that it belongs to."""
    return orjson.dumps([sort, position.pinned, position.value, position.session_id], option=orjson.OPT_UTC_Z)


def decode_position(data: bytes, sort: str) -> Position:
    """Read what `encode_position` wrote. Raises ValueError for anything else, or for another sort order."""
    kept_sort, pinned, value, session_id = orjson.loads(data)
    if kept_sort != sort or not isinstance(pinned, bool) or not isinstance(value, str):
        raise ValueError("not a position in this order")
    return Position(pinned, value if sort.endswith("name") else datetime.fromisoformat(value), UUID(session_id))
