"""A page of the session list: ranges of an index, whatever the number of sessions.

Every combination of pin and status is a range of one index, already in order. A page takes the
first rows of each range after the cursor and merges them: one statement, no sorting of more
than a few pages, no OFFSET. (docs/decisions/0005-lists.md)
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.contrib.auth import get_user_model
from django.db import connection

from sessions.models.membership import MEMBERSHIP, has_members, role_in
from sessions.models.rows import Row, RowReader
from sessions.models.session import Session
from sessions.models.session_count import SessionCount
from sessions.models.session_filter import TAGS_OF_SESSION, Position, SessionFilter

SORT_FIELDS = ("updated_at", "created_at", "last_accessed", "name")
DEFAULT_SORT = "-updated_at"

_SESSION = Session._meta.db_table
_USER = get_user_model()._meta.db_table
_MEMBERS = (
    f"SELECT u.username AS name FROM {MEMBERSHIP} m JOIN {_USER} u ON u.id = m.user_id "
    "WHERE m.session_id = s.id ORDER BY u.username"
)
_PEOPLE = {
    "sqlite": f"(SELECT json_group_array(name) FROM ({_MEMBERS}) members)",
    "postgresql": f"COALESCE(CAST((SELECT json_agg(name) FROM ({_MEMBERS}) members) AS text), '[]')",
}
PEOPLE_FIELDS = ("owner_name", "role", "is_shared")  # role: None for the owner
LIST_FIELDS = [field.name for field in Session._meta.concrete_fields if field.name != "name_is_automatic"]


@dataclass(frozen=True, slots=True)
class SessionPage:
    """Rows in order (each with `tags` and PEOPLE_FIELDS), and where the next page starts, None on the last one."""

    rows: list[Row]
    next: Position | None


@dataclass(frozen=True, slots=True)
class SessionValues:
    """A page as `session_row` reads it: the database's own values in order, and how many there are on all pages."""

    rows: list[tuple[Any, ...]]
    next: Position | None
    count: int | None


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
    with_people: bool = False,
) -> SessionPage:
    """Return one page, pinned ones first, then in the order of `sort` (a field of SORT_FIELDS, `-` for descending).

    With people, `is_shared` is not only whether it has members but the list of their names.
    """
    reader = session_reader(fields)
    page = _read_page(
        wanted, reader, sort=sort, limit=limit, after=after, offset=offset, with_people=with_people, with_count=False
    )
    rows = reader.read_all(page.rows, *PEOPLE_FIELDS, "tags")
    for row in rows:
        row["tags"] = orjson.loads(row["tags"])
        if isinstance(row["is_shared"], str):
            row["is_shared"] = orjson.loads(row["is_shared"])
    return SessionPage(rows, page.next)


def list_values(
    wanted: SessionFilter,
    *,
    sort: str = DEFAULT_SORT,
    limit: int = 50,
    after: Position | None = None,
    offset: int = 0,
    with_count: bool = True,
) -> SessionValues:
    """The same page as values that nothing was made of yet, and with it the number of sessions on all pages."""
    page = _read_page(
        wanted,
        session_reader(LIST_FIELDS),
        sort=sort,
        limit=limit,
        after=after,
        offset=offset,
        with_people=False,
        with_count=with_count,
    )
    if with_count and page.count is None:  # no row could say it
        return replace(page, count=count_sessions(wanted))
    return page


def session_row(values: tuple[Any, ...]) -> Row:
    """A row of `list_sessions` from values of `list_values`."""
    row = session_reader(LIST_FIELDS).read(values, *PEOPLE_FIELDS, "tags")
    row["tags"] = orjson.loads(row["tags"])
    return row


def _read_page(
    wanted: SessionFilter,
    reader: RowReader,
    *,
    sort: str,
    limit: int,
    after: Position | None,
    offset: int,
    with_people: bool,
    with_count: bool,
) -> SessionValues:
    column, descending = sort.removeprefix("-"), sort.startswith("-")
    direction = "DESC" if descending else "ASC"
    ranges: list[str] = []
    values: list[Any] = []
    pins = "" if wanted.matching is None else 's."pinned" DESC, '  # else a range has one pin, and its index an order
    for found in wanted.ranges(column, descending=descending, after=after):
        ranges.append(
            f'SELECT * FROM (SELECT s."id", s."pinned", s."{column}" FROM {found.source} WHERE {found.condition} '
            f'ORDER BY {pins}s."{column}" {direction}, s."id" {direction} LIMIT %s) r{len(ranges)}'
        )
        values += [*found.values, offset + limit + 1]
    if not ranges:
        return SessionValues([], None, None)
    count = _count(wanted) if with_count else Counting("NULL", [])
    order = f'"pinned" DESC, "{column}" {direction}, "id" {direction}'
    people = _PEOPLE[connection.vendor] if with_people else has_members("s.id")
    statement = (
        f"SELECT {reader.columns()}, owner.username, {role_in('s.id')}, {people}, "
        f"{TAGS_OF_SESSION[connection.vendor]}, {count.expression} "
        f"FROM (SELECT * FROM ({' UNION ALL '.join(ranges)}) u ORDER BY {order} LIMIT %s OFFSET %s) page "
        f"JOIN {_SESSION} s ON s.id = page.id JOIN {_USER} owner ON owner.id = s.owner_id "
        f'ORDER BY s."pinned" DESC, s."{column}" {direction}, s."id" {direction}'
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [wanted.user_id, *count.values, *values, limit + 1, offset])
        return _page_of(cursor.fetchall(), reader, limit, column)


def _page_of(rows: list[tuple[Any, ...]], reader: RowReader, limit: int, column: str) -> SessionValues:
    """A page of rows of which the last value is the count, and of which one more than asked for may have come."""
    count = rows[0][-1] if rows else None
    following = None
    if len(rows) > limit:
        rows = rows[:limit]
        last = reader.read(rows[-1])
        following = Position(last["pinned"], last[column], UUID(last["id"]))
    return SessionValues([row[:-1] for row in rows], following, None if count is None else int(count))


@dataclass(frozen=True, slots=True)
class Counting:
    """A number as an SQL expression, with its parameters."""

    expression: str
    values: list[Any]


def _count(wanted: SessionFilter) -> Counting:
    """How many sessions the filter lets through: the kept counts, where they know it, else counted."""
    if wanted.is_plain:
        return Counting(*SessionCount.objects.sum_of(wanted.user_id, wanted.statuses, wanted.pinned))
    if wanted.scope == "all" and replace(wanted, scope="owned").is_plain:
        parts = [_count(replace(wanted, scope="owned")), _count(replace(wanted, scope="shared"))]
    else:
        parts = [
            Counting(f"(SELECT count(*) FROM {found.source} WHERE {found.condition})", found.values)
            for found in wanted.ranges("updated_at", descending=True)
        ]
    expression = " + ".join(part.expression for part in parts) or "0"
    return Counting(f"({expression})", [value for part in parts for value in part.values])


def count_sessions(wanted: SessionFilter) -> int:
    """The exact number of sessions that the filter lets through."""
    if wanted.lets_nothing_through:
        return 0
    count = _count(wanted)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {count.expression}", count.values)
        return int(cursor.fetchone()[0])


def encode_position(position: Position, sort: str) -> bytes:
    """The position as JSON, with the sort order that it belongs to."""
    return orjson.dumps([sort, position.pinned, position.value, position.session_id], option=orjson.OPT_UTC_Z)


def decode_position(data: bytes, sort: str) -> Position:
    """Read what `encode_position` wrote. Raises ValueError for anything else, or for another sort order."""
    match orjson.loads(data):
        case [str(kept_sort), bool(pinned), str(value), str(session_id)] if kept_sort == sort and "\x00" not in value:
            return Position(pinned, value if sort.endswith("name") else _aware_time(value), UUID(session_id))
    raise ValueError("not a position in this order")


def _aware_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time without its zone")
    return time
