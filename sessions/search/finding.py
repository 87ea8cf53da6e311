"""What a search finds: messages and sessions by name, ranked within the newest thousand of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import connection

from sessions.models.membership import MEMBERSHIP, is_member
from sessions.models.message import Message
from sessions.models.rows import Row, RowReader, db_id, db_time
from sessions.models.session import Session, SessionTag, Status
from sessions.models.session_filter import Scope, places
from sessions.models.tag import Tag
from sessions.search import snippets
from sessions.search.index import vendor
from sessions.search.query import Query
from sessions.search.source import FEW, Asked, Source
from sessions.search.words import LONGEST_INDEXED, Phrase

RANKED = 1_000  # messages, and as many names: the newest that match, of which the best come first
MOST_SHARERS = 50  # people whose sessions are searched beside one's own
SHOWN_STATUSES = (Status.ACTIVE.value, Status.ARCHIVED.value)  # the trash must be asked for

_READ = 2_000  # characters of a message that its rank depends on
_MESSAGE, _SESSION = Message._meta.db_table, Session._meta.db_table
_NAME_FIELDS = ["id", "name", "status", "created_at"]
_message = RowReader(Message, ["id", "index", "role", "created_at"], "m")
_session = RowReader(Session, _NAME_FIELDS, "s")
_TAGGED = (
    f"EXISTS (SELECT 1 FROM {Tag._meta.db_table} t JOIN {SessionTag._meta.db_table} st ON st.tag_id = t.id "
    "WHERE st.session_id = s.id AND t.owner_id = s.owner_id AND t.name = %s)"
)
_BEGINS = "substr(lower({}.model), 1, %s) = %s"


@dataclass(frozen=True)
class Whose:
    """Which sessions a user may find: their own and what others share with them, perhaps one of all these alone.

    They have one of these statuses; what lies in the trash only its owner finds.
    """

    user_id: int
    only_session: UUID | None = None
    statuses: Sequence[str] = SHOWN_STATUSES
    scope: Scope = "all"

    @cached_property
    def owners(self) -> list[int]:
        """Whose sessions these are: the index is read for one owner after the other."""
        own = [] if self.scope == "shared" else [self.user_id]
        return own if self.scope == "owned" else [*own, *self._sharers[:MOST_SHARERS]]

    @property
    def are_all_searched(self) -> bool:
        """Whether no more people share with the user than are searched."""
        return self.scope == "owned" or len(self._sharers) <= MOST_SHARERS

    @cached_property
    def _sharers(self) -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT DISTINCT s.owner_id FROM {MEMBERSHIP} m JOIN {_SESSION} s ON s.id = m.session_id "
                "WHERE m.user_id = %s AND s.status <> %s AND s.owner_id <> %s ORDER BY s.owner_id DESC LIMIT %s",
                [self.user_id, Status.DELETED.value, self.user_id, MOST_SHARERS + 1],
            )
            return [owner_id for (owner_id,) in cursor.fetchall()]

    def condition(self, owner_id: int) -> tuple[str, list[Any]]:
        """What must hold of a session `s` of this owner."""
        statuses = list(self.statuses)
        condition, values = "s.owner_id = %s", list[Any]([owner_id])
        if owner_id != self.user_id:
            statuses = [status for status in statuses if status != Status.DELETED]
            condition += f" AND {is_member('s.id')}"
            values.append(self.user_id)
        condition += f" AND s.status IN ({places(statuses)})" if statuses else " AND 1 = 0"
        values += statuses
        if self.only_session is not None:
            condition += " AND s.id = %s"
            values.append(db_id(self.only_session))
        return condition, values


@dataclass(frozen=True, slots=True)
class Hit:
    """A message, or a session's name, as it is ranked: what the database gave is read when it is shown."""

    id: int
    is_name: bool
    score: float
    row: Sequence[Any]

    @property
    def rank(self) -> tuple[float, int, int]:
        """The best first; of equals the sessions before the messages, and the newest first."""
        return -self.score, 0 if self.is_name else 1, -self.id

    @property
    def session(self) -> Row:
        """The session's id, name, status and created_at."""
        return _session.read(self.row[1 if self.is_name else len(_message.names) :])

    @property
    def message(self) -> Row:
        """The message's id, index, role and created_at."""
        return _message.read(self.row)


@dataclass(frozen=True, slots=True)
class Hits:
    """Hits in no order, and whether these are all."""

    hits: list[Hit] = field(default_factory=list)
    are_all: bool = True


def find_messages(query: Query, whose: Whose, *, newest: int | None = None) -> Hits:
    """The newest RANKED messages that match, none with an id beyond `newest`."""
    columns = f"{_message.columns()}, {_session.columns()}, substr(m.content, 1, {_READ})"
    query = _for_messages(query)
    rows, are_all = _message_rows(query, whose, columns, newest=newest, most=RANKED)
    return _hits([Hit(row[0], False, snippets.score(row[-1], query), row) for row in rows], are_all)


def find_names(query: Query, whose: Whose, *, newest: int | None = None) -> Hits:
    """The newest RANKED sessions whose name matches, none with a number beyond `newest`."""
    rows, are_all = _name_rows(query, whose, f"n.id, {_session.columns()}", newest=newest, most=RANKED)
    place = 1 + _session.names.index("name")
    return _hits([Hit(row[0], True, snippets.score(row[place], query), row) for row in rows], are_all)


def _hits(hits: list[Hit], are_all: bool) -> Hits:
    """The newest RANKED of what was found at several owners."""
    if len(hits) <= RANKED:
        return Hits(hits, are_all)
    return Hits(sorted(hits, key=lambda hit: -hit.id)[:RANKED], False)


def find_sessions(query: Query, whose: Whose, *, most: int) -> tuple[list[str], bool]:
    """The ids of the sessions of the newest messages and names that match, and whether these are all."""
    column = "CAST(s.id AS text)"
    names, are_all_names = _name_rows(query, whose, column, newest=None, most=most)
    messages, are_all = _message_rows(_for_messages(query), whose, column, newest=None, most=most)
    return sorted({row[0] for row in (*names, *messages)}), are_all and are_all_names


def _message_rows(
    query: Query, whose: Whose, columns: str, *, newest: int | None, most: int
) -> tuple[list[Sequence[Any]], bool]:
    oldest = None
    if whose.only_session is not None:
        oldest, last = _ids_of(whose.only_session)
        newest = last if newest is None else min(newest, last)
    conditions, values = _conditions(query, moment="m.created_at", model=(_BEGINS.format("m"),))
    if query.roles:
        conditions += f" AND m.role IN ({places(query.roles)})"
        values += query.roles
    if query.without_roles:
        conditions += f" AND m.role NOT IN ({places(query.without_roles)})"
        values += query.without_roles
    source = f"{_MESSAGE} m CROSS JOIN {_SESSION} s WHERE m.id = h.id AND s.id = m.session_id{conditions}"
    asked = Asked(whose.user_id, query.phrases, query.without, oldest, newest, query.tags)
    return _rows(vendor().MESSAGES, asked, whose, _Select(columns, source, values, most))


def _name_rows(
    query: Query, whose: Whose, columns: str, *, newest: int | None, most: int
) -> tuple[list[Sequence[Any]], bool]:
    if query.roles:
        return [], True  # names have none
    conditions, values = _conditions(query, moment="s.created_at")
    source = f"{vendor().NAME_OF_HIT} n CROSS JOIN {_SESSION} s WHERE n.id = h.id AND s.id = n.session_id{conditions}"
    asked = Asked(whose.user_id, query.phrases, query.without, None, newest, query.tags)
    return _rows(vendor().NAMES, asked, whose, _Select(columns, source, values, most))


def read_texts(hits: Sequence[Hit]) -> dict[int, str]:
    """As much as is indexed of the texts of these messages, by their ids, for their snippets."""
    texts = {hit.id: str(hit.row[-1]) for hit in hits if not hit.is_name}
    cut = [number for number, text in texts.items() if len(text) >= _READ]
    if cut:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id, substr(content, 1, {LONGEST_INDEXED}) FROM {_MESSAGE} WHERE id IN ({places(cut)})", cut
            )
            texts.update(cursor.fetchall())
    return texts


def _for_messages(query: Query) -> Query:
    """With one letter given of a word, messages must have that letter as a word; names may begin with it."""
    if not any(phrase.is_vague for phrase in query.phrases):
        return query
    return replace(query, phrases=[_closed(phrase) if phrase.is_vague else phrase for phrase in query.phrases])


def _closed(phrase: Phrase) -> Phrase:
    return Phrase.of(phrase.text) or phrase


def _ids_of(session_id: UUID) -> tuple[int, int]:
    """The smallest and the largest id of a session's messages."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT min(id), max(id) FROM {_MESSAGE} WHERE session_id = %s", [db_id(session_id)])
        first, last = cursor.fetchone()
    return first or 0, last or 0


def _conditions(query: Query, *, moment: str, model: Sequence[str] = ()) -> tuple[str, list[Any]]:
    """What must hold of a session beside its words, and of its message."""
    conditions, values = list[str](), list[Any]()
    for tag in query.tags:
        conditions.append(_TAGGED)
        values.append(tag)
    for tag in query.without_tags:
        conditions.append(f"NOT {_TAGGED}")
        values.append(tag)
    if query.models:
        begins = [_BEGINS.format("s"), *model] * len(query.models)
        conditions.append(f"({' OR '.join(begins)})")
        values += [part for name in query.models for _ in range(1 + len(model)) for part in (len(name), name)]
    for sign, time in ((">=", query.after), ("<", query.before)):
        if time is not None:
            conditions.append(f"{moment} {sign} %s")
            values.append(db_time(time))
    return "".join(f" AND {condition}" for condition in conditions), values


@dataclass(frozen=True, slots=True)
class _Select:
    """What to read of entries `h`: columns, from where, and at most how many rows of each owner."""

    columns: str
    source: str
    values: Sequence[Any]
    most: int


def _rows(index: str, asked: Asked, whose: Whose, select: _Select) -> tuple[list[Sequence[Any]], bool]:
    """Rows of entries that match, and whether these are all.

    With tags, what the rarest has is looked at, unless that is much. Of all else a few entries
    first, more if too few of them pass the conditions.
    """
    if not asked.phrases or not whose.owners:
        return [], whose.are_all_searched
    found: dict[int, _Found] = {}
    for limit, attempt in _attempts(asked, select.most):
        found = _read(index, attempt, whose, select, limit)
        if all(one.examined < limit or (len(one.rows) > select.most and not attempt.tags) for one in found.values()):
            break
    are_all = all(one.examined < limit and len(one.rows) <= select.most for one in found.values())
    return [row for one in found.values() for row in one.rows[: select.most]], are_all and whose.are_all_searched


def _attempts(asked: Asked, most: int) -> Iterator[tuple[int, Asked]]:
    """What to ask for, and how much of it to look at."""
    if asked.tags:
        yield FEW, asked
    for limit in vendor().EXAMINED:
        yield max(limit, most + 1), replace(asked, tags=())


@dataclass(slots=True)
class _Found:
    """The rows of one owner's entries, and how many entries were looked at for them."""

    rows: list[Sequence[Any]] = field(default_factory=list)
    examined: int = 0


def _read(index: str, asked: Asked, whose: Whose, select: _Select, limit: int) -> dict[int, _Found]:
    """What each owner's entries give, in one statement.

    SQLite reads the entries one by one, in their order, until there are enough rows: an ORDER BY
    around them would read them all.
    """
    order = " ORDER BY h.id DESC" if connection.vendor == "postgresql" else ""
    nothing = ", ".join(["NULL"] * _columns_in(select.columns))
    parts: list[str] = []
    values: list[Any] = []
    for owner_id in whose.owners:
        entries: Source = vendor().newest_hits(index, replace(asked, owner_id=owner_id), limit=limit)
        condition, own = whose.condition(owner_id)
        parts.append(
            f"{entries.before}SELECT * FROM (SELECT {int(owner_id)} AS owner, 0 AS examined, {select.columns} "
            f"FROM ({entries.rows}) h CROSS JOIN {select.source} AND {condition}{order} LIMIT %s) found "
            f"UNION ALL SELECT {int(owner_id)}, count(*), {nothing} FROM ({entries.looked_at or entries.rows}) h"
        )
        values += [*entries.before_values, *entries.values, *select.values, *own, select.most + 1]
        values += [] if entries.looked_at else entries.values
    if len(parts) > 1:
        parts = [f"SELECT * FROM ({part}) part{number}" for number, part in enumerate(parts)]
    found = {owner_id: _Found() for owner_id in whose.owners}
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        for owner_id, examined, *row in cursor.fetchall():
            if row[0] is None:
                found[owner_id].examined = int(examined)
            else:
                found[owner_id].rows.append(row)
    return found


def _columns_in(columns: str) -> int:
    """How many columns a select list has: commas outside of brackets, and one."""
    depth, count = 0, 1
    for character in columns:
        depth += {"(": 1, ")": -1}.get(character, 0)
        count += character == "," and not depth
    return count
