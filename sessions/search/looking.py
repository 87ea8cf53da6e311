"""Looking into the index: a few entries of each owner first, more of those where too few pass the filters.

Messages and names are read in one statement, and it takes two at most for one's own sessions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import connection

from sessions.models.message import Message
from sessions.models.rows import db_time
from sessions.search.index import vendor
from sessions.search.source import FEW, Asked, Source
from sessions.search.whose import MOST_SHARERS, Whose

_MESSAGE = Message._meta.db_table
_FOUND, _LOOKED_AT, _SHARER, _CUT = range(4)  # what a row of the statement is


# The newest message before a moment, if messages follow each other in time, as all but imported ones do.
_NEWEST_BEFORE = (
    "WITH RECURSIVE halves(low, step) AS (SELECT CAST(0 AS bigint), CAST(549755813888 AS bigint) UNION ALL "
    f"SELECT CASE WHEN (SELECT m.created_at < %s FROM {_MESSAGE} m WHERE m.id >= low + step ORDER BY m.id LIMIT 1) "
    "THEN low + step ELSE low END, step / 2 FROM halves WHERE step > 0) SELECT max(low) FROM halves"
)


@dataclass(frozen=True, slots=True)
class Columns:
    """A select list, and how many columns it has."""

    select_list: str
    width: int

    @property
    def nothing(self) -> str:
        """As many empty ones."""
        return ", ".join(["NULL"] * self.width)


@dataclass(frozen=True, slots=True)
class Kind:
    """Messages or names: in which index, what is asked of it, and from where the rows of its entries `h` are read."""

    index: str
    asked: Asked
    columns: Columns
    source: str
    values: Sequence[Any]
    has_filters: bool
    before: datetime | None = None  # if the entries follow each other as these times do, nearly


@dataclass(frozen=True, slots=True)
class Looked:
    """Rows of entries of one kind, and whether these are all."""

    rows: list[Sequence[Any]] = field(default_factory=list)
    are_all: bool = True


@dataclass(frozen=True, slots=True)
class _Attempt:
    """How many entries to look at: of few sessions, the newest of all, or those that were new at the time `before`."""

    limit: int
    is_of_few: bool = False
    is_further_back: bool = False


@dataclass(slots=True)
class _Part:
    """One owner's entries of one kind, and what was found of them."""

    kind: Kind
    owner_id: int
    attempts: list[_Attempt]
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    examined: int = 0
    are_all: bool = False

    def take(self, rows: list[tuple[Any, ...]], most: int) -> None:
        """Take what an attempt found, and leave the others out if they would find no more."""
        attempt = self.attempts.pop(0)
        is_whole = self.examined < attempt.limit
        self.rows = list(dict.fromkeys([*self.rows, *rows])) if attempt.is_further_back else rows
        self.are_all = is_whole and len(rows) <= most and not attempt.is_further_back
        if is_whole or (len(rows) > most and not attempt.is_of_few):
            self.attempts.clear()


def look(kinds: Sequence[Kind], whose: Whose, *, most: int, owner_id: int | None = None) -> list[Looked]:
    """Rows of what matches, `most` of each owner and kind; of this owner's alone if one is given.

    With tags, what the rarest has is looked at, unless that is much, and so for statuses. Of all else the newest.
    """
    with_others = owner_id is None and whose.scope != "owned"
    first = [] if owner_id is None and whose.scope == "shared" else [owner_id or whose.user_id]
    parts = [_Part(kind, owner, _attempts(kind)) for kind in kinds for owner in first]
    sharers, cut = _read(parts, whose, most, with_sharers=with_others)
    parts += [_Part(kind, sharer, _attempts(kind, is_own=False)) for kind in kinds for sharer in sharers[:MOST_SHARERS]]
    while left := [part for part in parts if part.attempts]:
        _, cut = _read(left, whose, most, cut=cut)
    looked = []
    for kind in kinds:
        own = [part for part in parts if part.kind is kind]
        are_all = all(part.are_all for part in own) and len(sharers) <= MOST_SHARERS
        looked.append(Looked([row for part in own for row in part.rows[:most]], are_all))
    return looked


def _attempts(kind: Kind, *, is_own: bool = True) -> list[_Attempt]:
    """What to look at, in turn. Of others' sessions as much as with filters at once: it takes no more statements."""
    few, filtered, most = vendor().EXAMINED
    of_few = [_Attempt(FEW, is_of_few=True)] if kind.asked.has_few else []
    if not is_own:
        return [*of_few, _Attempt(filtered)]
    newest = [] if of_few else [_Attempt(filtered if kind.has_filters else few)]
    return [*of_few, *newest, _Attempt(most, is_further_back=kind.before is not None)]


def _read(
    parts: Sequence[_Part], whose: Whose, most: int, *, with_sharers: bool = False, cut: int | None = None
) -> tuple[list[int], int | None]:
    """Make the next attempt of each part, in one statement; the owners of what is shared, and where to go on before."""
    statements: list[str] = []
    values: list[Any] = []
    for number, part in enumerate(parts):
        statement, own = _of_part(part, number, whose, most, cut)
        statements.append(f"SELECT * FROM ({statement}) part{number}")
        values += own
    nothing = parts[0].kind.columns.nothing if parts else "NULL"
    if with_sharers:
        sharers, own = whose.sharers()
        statements.append(f"SELECT {_SHARER}, owner_id, 0, {nothing} FROM ({sharers}) sharers")
        values += own
    before = next((part.kind.before for part in parts if part.kind.before), None)
    if before is not None and cut is None:
        statements.append(f"SELECT {_CUT}, ({_NEWEST_BEFORE}), 0, {nothing}")
        values.append(db_time(before))
    return _take(parts, statements, values, most)


def _take(
    parts: Sequence[_Part], statements: Sequence[str], values: Sequence[Any], most: int
) -> tuple[list[int], int | None]:
    found: list[list[tuple[Any, ...]]] = [[] for _ in parts]
    sharers, cut = list[int](), None
    for what, number, examined, *row in _execute(statements, values):
        if what == _FOUND:
            found[number].append(tuple(row))
        elif what == _LOOKED_AT:
            parts[number].examined = int(examined)
        elif what == _SHARER:
            sharers.append(number)
        else:
            cut = number
    for part, rows in zip(parts, found, strict=True):
        part.take(rows, most)
    return sharers, cut


def _execute(statements: Sequence[str], values: Sequence[Any]) -> list[Any]:
    if not statements:
        return []
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(statements), values)
        return list(cursor.fetchall())


def _of_part(part: _Part, number: int, whose: Whose, most: int, cut: int | None) -> tuple[str, list[Any]]:
    """A SELECT of what the part's next attempt finds, and of how many entries were looked at for it.

    SQLite reads the entries one by one, in their order, until there are enough rows: an ORDER BY
    around them would read them all.
    """
    kind, attempt = part.kind, part.attempts[0]
    asked = replace(kind.asked, owner_id=part.owner_id)
    if not attempt.is_of_few:
        asked = replace(asked, tags=(), statuses=())
    if attempt.is_further_back and cut is not None:
        asked = replace(asked, newest=cut if asked.newest is None else min(cut, asked.newest))
    entries: Source = vendor().newest_hits(kind.index, asked, limit=attempt.limit)
    condition, own = whose.condition(part.owner_id)
    order = " ORDER BY h.id DESC" if connection.vendor == "postgresql" else ""
    statement = (
        f"{entries.before}SELECT * FROM (SELECT {_FOUND} AS what, {number} AS number, 0 AS examined, "
        f"{kind.columns.select_list} FROM ({entries.rows}) h CROSS JOIN {kind.source} AND {condition}{order} "
        f"LIMIT %s) found UNION ALL SELECT {_LOOKED_AT}, {number}, count(*), {kind.columns.nothing} "
        f"FROM ({entries.looked_at or entries.rows}) h"
    )
    values = [*entries.before_values, *entries.values, *kind.values, *own, most + 1]
    return statement, values + ([] if entries.looked_at else list(entries.values))
