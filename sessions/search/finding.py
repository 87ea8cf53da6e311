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
from sessions.search.looking import Columns, Kind, Looked, look
from sessions.search.query import Query
from sessions.search.source import Asked
from sessions.search.whose import Whose
from sessions.search.words import LONGEST_INDEXED, Phrase

RANKED = 1_000  # messages, and as many names: the newest that match, of which the best come first

_READ = 2_000  # characters of a message that its rank depends on
_MESSAGE, _SESSION = Message._meta.db_table, Session._meta.db_table
_message = RowReader(Message, ["id", "index", "role", "created_at"], "m")
_session = RowReader(Session, ["id", "name", "status", "created_at"], "s")
_TAGGED = (
    f"EXISTS (SELECT 1 FROM {Tag._meta.db_table} t JOIN {SessionTag._meta.db_table} st ON st.tag_id = t.id "
    "WHERE st.session_id = s.id AND t.owner_id = s.owner_id AND t.name = %s)"
)
_BEGINS = "substr(lower({}.model), 1, %s) = %s"


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
        return _session.read(self.row[len(_message.names) :])

    @property
    def message(self) -> Row:
        """The message's id, index, role and created_at."""
        return _message.read(self.row)


@dataclass(frozen=True, slots=True)
class Hits:
    """Hits in no order, and whether these are all."""

    hits: list[Hit] = field(default_factory=list)
    are_all: bool = True

    @property
    def newest(self) -> int:
        """The largest id among them; 0 if there are none."""
        return max((hit.id for hit in self.hits), default=0)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The largest ids of messages and of names that a search may find."""

    message: int | None = None
    name: int | None = None


def find(query: Query, whose: Whose, newest: Bounds) -> tuple[Hits, Hits]:
    """The newest RANKED messages that match, and as many names."""
    width = len(_message.names) + len(_session.names) + 1
    of_message = f"{_message.columns()}, {_session.columns()}, substr(m.content, 1, {_READ})"
    no_message = "CAST(NULL AS integer), CAST(NULL AS text), CAST(NULL AS text)"  # so that one statement reads both
    of_name = f"n.id, {no_message}, {_session.columns()}, s.name"
    messages, names = _look(query, whose, newest, Columns(of_message, width), Columns(of_name, width), RANKED)
    said = replace(query, phrases=_for_messages(query.phrases))
    return _hits(messages, said, is_name=False), _hits(names, query, is_name=True)


def find_sessions(query: Query, whose: Whose) -> tuple[list[str], bool]:
    """The ids of the sessions of the newest messages and names that match, and whether these are all."""
    column = Columns("CAST(s.id AS text)", 1)
    messages, names = _look(query, whose, Bounds(), column, column, RANKED)
    return sorted({row[0] for row in (*messages.rows, *names.rows)}), messages.are_all and names.are_all


def _hits(looked: Looked, query: Query, *, is_name: bool) -> Hits:
    """The newest RANKED of what was found at several owners."""
    hits = [Hit(row[0], is_name, snippets.score(row[-1], query), row) for row in looked.rows]
    if len(hits) <= RANKED:
        return Hits(hits, looked.are_all)
    return Hits(sorted(hits, key=lambda hit: -hit.id)[:RANKED], False)


def _look(
    query: Query, whose: Whose, newest: Bounds, of_message: Columns, of_name: Columns, most: int
) -> tuple[Looked, Looked]:
    if not query.phrases or not whose.statuses:
        return Looked(), Looked()
    owner_id = oldest = None
    if whose.only_session is not None:
        owner_id, oldest, last = _ids_of(whose.only_session)
        newest = replace(newest, message=last if newest.message is None else min(newest.message, last))
    statuses = () if Status.ACTIVE in whose.statuses else whose.statuses  # most sessions are active
    asked = Asked(0, query.phrases, query.without, tags=query.tags, statuses=statuses)
    messages = _messages(query, replace(asked, oldest=oldest, newest=newest.message), of_message)
    if query.roles:  # names have none
        return look([messages], whose, most=most, owner_id=owner_id)[0], Looked()
    names = _names(query, replace(asked, newest=newest.name), of_name)
    found = look([messages, names], whose, most=most, owner_id=owner_id)
    return found[0], found[1]


def _messages(query: Query, asked: Asked, columns: Columns) -> Kind:
    conditions, values = _conditions(query, moment="m.created_at", model=(_BEGINS.format("m"),))
    if query.roles:
        conditions += f" AND m.role IN ({places(query.roles)})"
        values += query.roles
    if query.without_roles:
        conditions += f" AND m.role NOT IN ({places(query.without_roles)})"
        values += query.without_roles
    source = f"{_MESSAGE} m CROSS JOIN {_SESSION} s WHERE m.id = h.id AND s.id = m.session_id{conditions}"
    asked = replace(asked, phrases=_for_messages(query.phrases))
    before = None if asked.oldest is not None else query.before
    return Kind(vendor().MESSAGES, asked, columns, source, values, has_filters=query.has_any_filter, before=before)


def _names(query: Query, asked: Asked, columns: Columns) -> Kind:
    conditions, values = _conditions(query, moment="s.created_at")
    source = f"{vendor().NAME_OF_HIT} n CROSS JOIN {_SESSION} s WHERE n.id = h.id AND s.id = n.session_id{conditions}"
    return Kind(vendor().NAMES, asked, columns, source, values, has_filters=query.has_any_filter)


def read_texts(hits: Sequence[Hit], query: Query) -> dict[int, str]:
    """The texts of these messages, by their ids, for their snippets: of long ones as much as is needed."""
    texts = {hit.id: str(hit.row[-1]) for hit in hits if not hit.is_name}
    cut = [number for number, text in texts.items() if len(text) >= _READ and not snippets.has_all(text, query)]
    if cut:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id, substr(content, 1, {LONGEST_INDEXED}) FROM {_MESSAGE} WHERE id IN ({places(cut)})", cut
            )
            texts.update(cursor.fetchall())
    return texts


def _for_messages(phrases: Sequence[Phrase]) -> list[Phrase]:
    """With one letter given of a word, messages must have that letter as a word; names may begin with it."""
    return [(phrase.is_vague and Phrase.of(phrase.text)) or phrase for phrase in phrases]


def _ids_of(session_id: UUID) -> tuple[int, int, int]:
    """A session's owner, and the smallest and the largest id of its messages; zeros if there is no such session."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT s.owner_id, min(m.id), max(m.id) FROM {_SESSION} s LEFT JOIN {_MESSAGE} m ON m.session_id = s.id "
            "WHERE s.id = %s GROUP BY s.owner_id",
            [db_id(session_id)],
        )
        owner_id, first, last = cursor.fetchone() or (0, 0, 0)
    return owner_id, first or 0, last or 0


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
