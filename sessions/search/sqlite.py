"""The index on SQLite: two FTS5 tables without a copy of the texts, kept by triggers.

An entry's rowid is its owner's id and, in the lower 40 bits, the id of the message or of the name.
So one owner's entries are a range in the order in which they came, which FTS5 walks from its end.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from django.db.backends.utils import CursorWrapper

from sessions.models.message import Message
from sessions.models.session import Session
from sessions.search.source import FEW, Asked, Source, of_few_sessions
from sessions.search.words import LONGEST_INDEXED, UNSPACED, Phrase

MESSAGES, NAMES = "research_message_words", "research_name_words"
NAME_OF_HIT = NAME_IDS = "research_name"  # a session's number: its own rowid may change with VACUUM
# Hits that are looked at: so many first, with filters, and if too few pass them. They are read one by one, as needed.
EXAMINED = (20_000, 20_000, 100_000)

_MESSAGE, _SESSION = Message._meta.db_table, Session._meta.db_table
_MESSAGE_TEXTS, _NAME_TEXTS = "research_message_text", "research_name_text"
_BITS = 40
_LARGEST = (1 << _BITS) - 1
_LOOKED_UP = 1000  # messages at each end, by `differences`
_CHUNK = 400  # characters; within one, substr() is quick
PERHAPS_UNSPACED = "[\u0e00-\u17ff\u3005-\U0003ffff]"  # all of UNSPACED and more, in a fifth of GLOB's time


def _text(column: str) -> str:
    """The text as it is indexed: scripts without spaces doubled, everything else as it is."""
    short = f"substr({column}, 1, {LONGEST_INDEXED})"
    is_ascii = f"length(CAST({short} AS BLOB)) = length({short})"
    is_spaced = f"{is_ascii} OR {short} NOT GLOB '*{PERHAPS_UNSPACED}*' OR {short} NOT GLOB '*{UNSPACED}*'"
    return f"""CASE WHEN {is_spaced} THEN {short} ELSE (
    WITH RECURSIVE
    parts(number, part) AS (
        SELECT 0, substr({short}, 1, {_CHUNK})
        UNION ALL SELECT number + 1, substr({short}, (number + 1) * {_CHUNK} + 1, {_CHUNK})
        FROM parts WHERE length(part) = {_CHUNK}
    ),
    places(place) AS (SELECT 1 UNION ALL SELECT place + 1 FROM places WHERE place < {_CHUNK}),
    characters(place, letter) AS (
        SELECT number * {_CHUNK} + place, substr(part, place, 1)
        FROM parts CROSS JOIN places WHERE place <= length(part)
    ),
    known(place, letter, is_unspaced, was_unspaced) AS (
        SELECT place, letter, letter GLOB '{UNSPACED}', lag(letter GLOB '{UNSPACED}', 1, 0) OVER (ORDER BY place)
        FROM characters
    )
    SELECT group_concat(
        CASE WHEN is_unspaced <> was_unspaced THEN ' ' ELSE '' END
        || CASE WHEN is_unspaced THEN letter || ' ' || letter ELSE letter END, '')
    FROM (SELECT * FROM known ORDER BY place)
    ) END"""


def _tables() -> dict[str, str]:
    return {
        NAME_IDS: f"TABLE {NAME_IDS} (id INTEGER PRIMARY KEY, session_id char(32) NOT NULL UNIQUE)",
        **{
            name: f"VIRTUAL TABLE {name} USING fts5(text, content='', columnsize=0, "
            "tokenize='unicode61 remove_diacritics 2')"
            for name in (MESSAGES, NAMES)
        },
    }


def _views() -> dict[str, str]:
    return {
        _MESSAGE_TEXTS: f"VIEW {_MESSAGE_TEXTS} AS SELECT (s.owner_id << {_BITS}) | m.id AS entry, m.id AS id, "
        f"m.session_id AS session_id, {_text('m.content')} AS text "
        f"FROM {_MESSAGE} m JOIN {_SESSION} s ON s.id = m.session_id",
        _NAME_TEXTS: f"VIEW {_NAME_TEXTS} AS SELECT (s.owner_id << {_BITS}) | n.id AS entry, "
        f"s.id AS session_id, {_text('s.name')} AS text FROM {NAME_IDS} n JOIN {_SESSION} s ON s.id = n.session_id",
    }


def _add(index: str, texts: str, condition: str) -> str:
    return f"INSERT INTO {index}(rowid, text) SELECT entry, text FROM {texts} WHERE {condition};"


def _remove(index: str, texts: str, condition: str) -> str:
    """FTS5 forgets an entry if it is told its text; that is why removing comes before the change."""
    return f"INSERT INTO {index}({index}, rowid, text) SELECT 'delete', entry, text FROM {texts} WHERE {condition};"


def _triggers() -> dict[str, str]:
    message, session = (MESSAGES, _MESSAGE_TEXTS, "id = {}.id"), (MESSAGES, _MESSAGE_TEXTS, "session_id = {}.id")
    name = (NAMES, _NAME_TEXTS, "session_id = {}.id")
    moved = "WHEN OLD.content IS NOT NEW.content OR OLD.session_id IS NOT NEW.session_id"
    renamed = "WHEN OLD.name IS NOT NEW.name OR OLD.owner_id IS NOT NEW.owner_id"
    given = "WHEN OLD.owner_id IS NOT NEW.owner_id"

    def add(what: tuple[str, str, str]) -> str:
        return _add(what[0], what[1], what[2].format("NEW"))

    def remove(what: tuple[str, str, str]) -> str:
        return _remove(what[0], what[1], what[2].format("OLD"))

    number = f"INSERT INTO {NAME_IDS}(session_id) VALUES (NEW.id);"
    forget = f"DELETE FROM {NAME_IDS} WHERE session_id = OLD.id;"
    bodies = {
        f"message_in AFTER INSERT ON {_MESSAGE}": add(message),
        f"message_out BEFORE DELETE ON {_MESSAGE}": remove(message),
        f"message_was BEFORE UPDATE OF content, session_id ON {_MESSAGE} {moved}": remove(message),
        f"message_is AFTER UPDATE OF content, session_id ON {_MESSAGE} {moved}": add(message),
        f"session_in AFTER INSERT ON {_SESSION}": number + add(name) + add(session),
        f"session_out BEFORE DELETE ON {_SESSION}": remove(name) + remove(session) + forget,
        f"session_was BEFORE UPDATE OF name, owner_id ON {_SESSION} {renamed}": remove(name),
        f"session_is AFTER UPDATE OF name, owner_id ON {_SESSION} {renamed}": add(name),
        f"owner_was BEFORE UPDATE OF owner_id ON {_SESSION} {given}": remove(session),
        f"owner_is AFTER UPDATE OF owner_id ON {_SESSION} {given}": add(session),
    }
    return {
        f"research_search_{event.split()[0]}": f"TRIGGER research_search_{event} BEGIN {body} END"
        for event, body in bodies.items()
    }


def is_whole(cursor: CursorWrapper) -> bool:
    """Whether everything is there as this release makes it."""
    cursor.execute("SELECT name, sql FROM sqlite_master WHERE name LIKE 'research!_%%' ESCAPE '!'", [])
    found = dict(cursor.fetchall())
    wanted = _tables() | _views() | _triggers()
    return all(found.get(name) == f"CREATE {made}" for name, made in wanted.items())


def drop_triggers(cursor: CursorWrapper) -> None:
    """Take away what names the tables of the models, which SQLite can't rebuild otherwise."""
    for name in _triggers():
        cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
    for name in _views():
        cursor.execute(f"DROP VIEW IF EXISTS {name}")


@contextmanager
def sessions_follow(cursor: CursorWrapper) -> Iterator[None]:
    """For a transaction that writes messages before their new sessions, which take them into the index then.

    The trigger on messages would look for each one's session in vain, an eighth of the time of a bulk load.
    Nobody else can write meanwhile, and a rollback brings it back.
    """
    name = "research_search_message_in"
    cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
    yield
    cursor.execute(f"CREATE {_triggers()[name]}")


def restore_triggers(cursor: CursorWrapper) -> None:
    """Put the views and triggers in place. What changed without them is not in the index."""
    for made in (_views() | _triggers()).values():
        cursor.execute(f"CREATE {made}")


def drop(cursor: CursorWrapper) -> None:
    """Take everything away."""
    drop_triggers(cursor)
    for name in _tables():
        cursor.execute(f"DROP TABLE IF EXISTS {name}")


def build(cursor: CursorWrapper) -> None:
    """Make everything anew, from what the tables hold."""
    drop(cursor)
    for made in _tables().values():
        cursor.execute(f"CREATE {made}")
    restore_triggers(cursor)
    cursor.execute(f"INSERT INTO {NAME_IDS}(session_id) SELECT id FROM {_SESSION} ORDER BY created_at, id")
    # FTS5 wants its rowids to rise; sorting the numbers alone needs no room for the texts.
    for index, texts, numbers in (
        (NAMES, f"{_NAME_TEXTS} t ON t.session_id = k.id", f"{NAME_IDS} n JOIN {_SESSION} s ON s.id = n.session_id"),
        (MESSAGES, f"{_MESSAGE_TEXTS} t ON t.id = k.id", f"{_MESSAGE} n JOIN {_SESSION} s ON s.id = n.session_id"),
    ):
        key = "n.session_id" if index == NAMES else "n.id"
        cursor.execute(
            f"INSERT INTO {index}(rowid, text) SELECT k.entry, t.text FROM (SELECT (s.owner_id << {_BITS}) | n.id AS "
            f"entry, {key} AS id FROM {numbers} ORDER BY entry) k CROSS JOIN {texts}"
        )


def differences(cursor: CursorWrapper) -> tuple[int, int]:
    """How many names and messages have no entry, and how many names' numbers have no session.

    The index can't be read entry by entry, so messages are looked up by their first word: the
    newest and the oldest thousand of them.
    """
    cursor.execute(f"SELECT count(*) FROM {_SESSION} WHERE id NOT IN (SELECT session_id FROM {NAME_IDS})")
    (missing,) = cursor.fetchone()
    cursor.execute(f"SELECT count(*) FROM {NAME_IDS} WHERE session_id NOT IN (SELECT id FROM {_SESSION})")
    (stray,) = cursor.fetchone()
    return missing + sum(_unfindable(cursor, order) for order in ("ASC", "DESC")), stray


def _unfindable(cursor: CursorWrapper, order: str) -> int:
    cursor.execute(
        f"SELECT (s.owner_id << {_BITS}) | m.id, substr(m.content, 1, {_CHUNK}) FROM {_MESSAGE} m "
        f"JOIN {_SESSION} s ON s.id = m.session_id ORDER BY m.id {order} LIMIT {_LOOKED_UP}"
    )
    missing = 0
    for entry, text in cursor.fetchall():
        phrase = Phrase.of(text, is_prefix=True)
        if phrase is None:
            continue
        first = replace(phrase, words=phrase.words[:1], is_prefix=len(phrase.words) == 1)
        cursor.execute(f"SELECT 1 FROM {MESSAGES} WHERE {MESSAGES} MATCH %s AND rowid = %s", [*_quoted([first]), entry])
        missing += cursor.fetchone() is None
    return missing


def tidy(cursor: CursorWrapper) -> None:
    """Nothing: FTS5 merges as it goes."""


def newest_hits(index: str, asked: Asked, *, limit: int) -> Source:
    """The newest entries that match: FTS5 gives them from the end of the owner's range, one by one."""
    owner = asked.owner_id << _BITS
    newest = _LARGEST if asked.newest is None else min(asked.newest, _LARGEST)
    hits = (
        f"SELECT rowid & {_LARGEST} AS id FROM {index} WHERE {index} MATCH %s AND rowid BETWEEN %s AND %s"
        "{among} ORDER BY rowid DESC LIMIT %s"
    )
    values = [_match(asked), owner | (asked.oldest or 0), owner | newest, limit]
    if not asked.has_few:
        return Source(hits.format(among=""), values)
    table = _MESSAGE if index == MESSAGES else NAME_IDS
    of_few, chosen = of_few_sessions(asked, f"{table} e ON e.session_id = {{}}")
    few = "SELECT id FROM few"  # which SQLite keeps in order: a hit costs a step in the index and a look there
    hits = hits.format(among=f" AND (SELECT count(*) FROM few) < {FEW} AND rowid & {_LARGEST} IN ({few})")
    return Source(hits, values, before=f"WITH few AS MATERIALIZED ({of_few}) ", before_values=chosen, looked_at=few)


def _match(asked: Asked) -> str:
    wanted = " AND ".join(_quoted(asked.phrases))
    return f"({wanted}) NOT ({' OR '.join(_quoted(asked.without))})" if asked.without else wanted


def _quoted(phrases: Sequence[Phrase]) -> Iterator[str]:
    for phrase in phrases:
        yield f'"{" ".join(phrase.words)}"{" *" if phrase.is_prefix else ""}'
