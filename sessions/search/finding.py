"""What a search finds: messages and sessions by name, ranked within the newest thousand of each."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.db import connection

from sessions.models.message import Message
from sessions.models.rows import Row, RowReader, db_id, db_time
from sessions.models.session import Session, SessionTag, Status
from sessions.models.session_filter import places
from sessions.models.tag import Tag
from sessions.search import snippets
from sessions.search.index import vendor
from sessions.search.query import Query
from sessions.search.source import Asked, Source
from sessions.search.words import LONGEST_INDEXED, Phrase

RANKED = 1_000  # messages, and as many names: the newest that match, of which the best come first
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


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose sessions may be found: one owner's, perhaps one of them alone, with one of these statuses."""

    owner_id: int
    only_session: UUID | None = None
    statuses: Sequence[str] = SHOWN_STATUSES


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
    return Hits([Hit(row[0], False, snippets.score(row[-1], query), row) for row in rows], are_all)


def find_names(query: Query, whose: Whose, *, newest: int | None = None) -> Hits:
    """The newest RANKED sessions whose name matches, none with a number beyond `newest`."""
    rows, are_all = _name_rows(query, whose, f"n.id, {_session.columns()}", newest=newest, most=RANKED)
    place = 1 + _session.names.index("name")
    return Hits([Hit(row[0], True, snippets.score(row[place], query), row) for row in rows], are_all)


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
    conditions, values = _conditions(query, whose, moment="m.created_at", model=(_BEGINS.format("m"),))
    if query.roles:
        conditions += f" AND m.role IN ({places(query.roles)})"
        values += query.roles
    if query.without_roles:
        conditions += f" AND m.role NOT IN ({places(query.without_roles)})"
        values += query.without_roles
    source = f"{_MESSAGE} m CROSS JOIN {_SESSION} s WHERE m.id = h.id AND s.id = m.session_id AND {conditions}"
    asked = Asked(whose.owner_id, query.phrases, query.without, oldest, newest)
    return _rows(vendor().MESSAGES, asked, columns, source, values, most)


def _name_rows(
    query: Query, whose: Whose, columns: str, *, newest: int | None, most: int
) -> tuple[list[Sequence[Any]], bool]:
    if query.roles:
        return [], True  # names have none
    conditions, values = _conditions(query, whose, moment="s.created_at")
    numbers = vendor().NAME_IDS
    source = f"{numbers} n CROSS JOIN {_SESSION} s WHERE n.id = h.id AND s.id = n.session_id AND {conditions}"
    asked = Asked(whose.owner_id, query.phrases, query.without, None, newest)
    return _rows(vendor().NAMES, asked, columns, source, values, most)


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


def _conditions(query: Query, whose: Whose, *, moment: str, model: Sequence[str] = ()) -> tuple[str, list[Any]]:
    """What must hold of a session beside its words, and of its message."""
    conditions, values = ["s.owner_id = %s"], list[Any]([whose.owner_id])
    statuses = list(whose.statuses)
    conditions.append(f"s.status IN ({places(statuses)})" if statuses else "1 = 0")
    values += statuses
    if whose.only_session is not None:
        conditions.append("s.id = %s")
        values.append(db_id(whose.only_session))
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
    return " AND ".join(conditions), values


def _rows(
    index: str, asked: Asked, columns: str, source: str, values: Sequence[Any], most: int
) -> tuple[list[Sequence[Any]], bool]:
    """Up to `most` rows of entries that match, and whether these are all.

    Few entries are looked at first, more if too few of them pass the conditions.
    """
    if not asked.phrases:
        return [], True
    rows: list[Sequence[Any]] = []
    for limit in vendor().EXAMINED:
        entries = vendor().newest_hits(index, asked, limit=max(limit, most + 1))
        rows, examined = _read(entries, columns, source, values, most + 1)
        if len(rows) > most:
            return rows[:most], False
        if examined < limit:
            return rows, True
    return rows, False


def _read(
    entries: Source, columns: str, source: str, values: Sequence[Any], most: int
) -> tuple[list[Sequence[Any]], int]:
    """The rows, and how many entries there were, in one statement.

    SQLite reads the entries one by one, in their order, until there are enough rows: an ORDER BY
    around them would read them all.
    """
    order = " ORDER BY h.id DESC" if connection.vendor == "postgresql" else ""
    nothing = ", ".join(["NULL"] * _columns_in(columns))
    statement = (
        f"{entries.before}SELECT * FROM (SELECT 0 AS examined, {columns} FROM ({entries.rows}) h CROSS JOIN {source}"
        f"{order} LIMIT %s) found UNION ALL SELECT count(*), {nothing} FROM ({entries.rows}) h"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*entries.before_values, *entries.values, *values, most, *entries.values])
        *rows, last = cursor.fetchall()
    return [row[1:] for row in rows], int(last[0])


def _columns_in(columns: str) -> int:
    """How many columns a select list has: commas outside of brackets, and one."""
    depth, count = 0, 1
    for character in columns:
        depth += {"(": 1, ")": -1}.get(character, 0)
        count += character == "," and not depth
    return count
