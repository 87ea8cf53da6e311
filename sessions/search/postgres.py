"""The index on PostgreSQL: two tables of tsvectors with GIN, beside the models' tables, kept by triggers.

GIN finds all entries with a word, in no order, so looking for the newest of a million would read a
million rows. Beside its words an entry therefore holds marks: its owner, and its owner with the
number of the block of 8,192, 65,536, … ids that it lies in. A search asks for the words in the two
newest blocks first, in the two newest eight times as large next, and so on until there are enough:
it never reads many more rows than it needs, and only those of its owner.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from django.db.backends.utils import CursorWrapper

from sessions.models.message import Message
from sessions.models.session import Session
from sessions.search.source import Asked, Source
from sessions.search.words import ACCENTS, LONGEST_INDEXED, UNSPACED, Phrase

MESSAGES, NAMES = "research_message_words", "research_name_words"
NAME_IDS = NAMES
EXAMINED = (2_000, 20_000)  # hits that are looked at until enough of them pass the filters: so many, else so many

_MESSAGE, _SESSION = Message._meta.db_table, Session._meta.db_table
_BLOCKS = (13, 16, 19, 22)  # bits of an id that a block of each size leaves out
_PENDING = 1024  # kB of new entries that wait to be sorted into the index; each search reads them

# ASCII's, dashes, quotes, arrows, signs of mathematics: without them most texts are plain ASCII and need no more care.
_MARKS = r"[!-/:-@\[-`{-~\u2010-\u2027\u2030-\u205e\u2190-\u22ff]"
_TEXT = f"""
CREATE OR REPLACE FUNCTION research_search_text(body text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $function$
DECLARE told text := regexp_replace(left(body, {LONGEST_INDEXED}) COLLATE "C", '{_MARKS}', ' ', 'g');
BEGIN
    IF octet_length(told) = length(told) THEN
        RETURN lower(told COLLATE "C");
    END IF;
    told := normalize(regexp_replace(normalize(told, NFD), '([A-Za-z])[{ACCENTS}]+', '\\1', 'g'), NFC);
    told := left(regexp_replace(told, '[{ACCENTS}]+', '', 'g'), {LONGEST_INDEXED});
    told := regexp_replace(told, '({UNSPACED}+)', ' \\1 ', 'g');
    told := lower(regexp_replace(told, '({UNSPACED})', '\\1 \\1', 'g') COLLATE "und-x-icu");
    RETURN regexp_replace(translate(told, 'ς', 'σ') COLLATE "und-x-icu", '[^[:alnum:]]+', ' ', 'g');
END $function$
"""
_BLOCK_MARKS = ", ".join(f"'@' || owner::text || '/{bits}/' || (id >> {bits})::text" for bits in _BLOCKS)
_WORDS = f"""
CREATE OR REPLACE FUNCTION research_search_words(body text, owner bigint, id bigint) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $function$ -- neither STRICT nor of stable casts, so that it is inlined
    SELECT to_tsvector('pg_catalog.simple', research_search_text(body))
        || array_to_tsvector(ARRAY['@' || owner::text, {_BLOCK_MARKS}])
$function$
"""
_ADD_MESSAGES = f"""INSERT INTO {MESSAGES} (id, words)
    SELECT m.id, research_search_words(m.content, s.owner_id, m.id) FROM {{}} m
    CROSS JOIN LATERAL (SELECT owner_id FROM {_SESSION} WHERE id = m.session_id OFFSET 0) s
    ON CONFLICT (id) DO UPDATE SET words = EXCLUDED.words"""
_ADD_MESSAGE = f"""INSERT INTO {MESSAGES} (id, words)
    SELECT NEW.id, research_search_words(NEW.content, s.owner_id, NEW.id) FROM {_SESSION} s WHERE s.id = NEW.session_id
    ON CONFLICT (id) DO UPDATE SET words = EXCLUDED.words"""
_ADD_MESSAGES_OF_SESSION = f"""INSERT INTO {MESSAGES} (id, words)
    SELECT m.id, research_search_words(m.content, NEW.owner_id, m.id) FROM {_MESSAGE} m WHERE m.session_id = NEW.id
    ON CONFLICT (id) DO UPDATE SET words = EXCLUDED.words"""

_ADD_NAMES = f"""INSERT INTO {NAMES} (id, session_id, words)
    SELECT number, id, research_search_words(name, owner_id, number)
    FROM (SELECT nextval('{NAMES}_id_seq') AS number, s.id, s.name, s.owner_id FROM {{}} s) numbered"""
_ADD_NAME = _ADD_NAMES.format("(SELECT NEW.id, NEW.name, NEW.owner_id)")
_CHANGE_NAME = (
    f"UPDATE {NAMES} n SET words = research_search_words(NEW.name, NEW.owner_id, n.id) WHERE n.session_id = NEW.id"
)

# (name, table): when, what. Conditions stand in the bodies: a trigger that names a column keeps migrations from it.
_TRIGGERS = {
    ("message_in", _MESSAGE): (
        "AFTER INSERT", "REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT", _ADD_MESSAGES.format("new_rows"),
    ),
    ("message_out", _MESSAGE): (
        "AFTER DELETE", "REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT",
        f"DELETE FROM {MESSAGES} WHERE id = ANY(ARRAY(SELECT id FROM old_rows))",
    ),
    ("message_changed", _MESSAGE): (
        "AFTER UPDATE", "FOR EACH ROW",
        "IF (OLD.content, OLD.session_id) IS DISTINCT FROM (NEW.content, NEW.session_id) "
        f"THEN {_ADD_MESSAGE}; END IF",
    ),
    ("messages_emptied", _MESSAGE): ("AFTER TRUNCATE", "FOR EACH STATEMENT", f"TRUNCATE {MESSAGES}"),
    ("session_in", _SESSION): ("AFTER INSERT", "FOR EACH ROW", f"{_ADD_NAME}; {_ADD_MESSAGES_OF_SESSION}"),
    ("session_out", _SESSION): ("AFTER DELETE", "FOR EACH ROW", f"DELETE FROM {NAMES} WHERE session_id = OLD.id"),
    ("session_changed", _SESSION): (
        "AFTER UPDATE", "FOR EACH ROW",
        "IF (OLD.name, OLD.owner_id) IS DISTINCT FROM (NEW.name, NEW.owner_id) "
        f"THEN {_CHANGE_NAME}; END IF; "
        f"IF OLD.owner_id IS DISTINCT FROM NEW.owner_id THEN {_ADD_MESSAGES_OF_SESSION}; END IF",
    ),
    ("sessions_emptied", _SESSION): ("AFTER TRUNCATE", "FOR EACH STATEMENT", f"TRUNCATE {NAMES} RESTART IDENTITY"),
}  # fmt: skip


def _trigger_statements() -> Iterator[str]:
    """Each function and its trigger. Without enable_seqscan a plan made on small tables is no harm when they grow."""
    for (name, table), (when, how, body) in _TRIGGERS.items():
        trigger = f"research_search_{name}"
        yield (
            f"CREATE OR REPLACE FUNCTION {trigger}() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS "
            f"$function$ BEGIN {body}; RETURN NULL; END $function$"
        )
        yield f"CREATE TRIGGER {trigger} {when} ON {table} {how} EXECUTE FUNCTION {trigger}()"


def _table_statements() -> list[str]:
    return [
        _TEXT,
        _WORDS,
        f"CREATE TABLE {MESSAGES} (id bigint PRIMARY KEY, words tsvector NOT NULL)",
        f"CREATE TABLE {NAMES} (id bigserial PRIMARY KEY, session_id uuid NOT NULL UNIQUE, words tsvector NOT NULL)",
    ]


def _index_statements() -> list[str]:
    return [
        f"CREATE INDEX {table}_gin ON {table} USING gin (words) WITH (gin_pending_list_limit = {_PENDING})"
        for table in (MESSAGES, NAMES)
    ]


def _fingerprint() -> str:
    made = [*_table_statements(), *_index_statements(), *_trigger_statements()]
    return sha256("\n".join(made).encode()).hexdigest()


def is_whole(cursor: CursorWrapper) -> bool:
    """Whether everything is there as this release makes it; a comment on the table says how it was made."""
    cursor.execute("SELECT obj_description(to_regclass(%s), 'pg_class')", [MESSAGES])
    if cursor.fetchone() != (_fingerprint(),):
        return False
    names = [f"research_search_{name}" for name, _ in _TRIGGERS]
    cursor.execute("SELECT count(*) FROM pg_trigger WHERE tgname = ANY(%s) AND tgenabled <> 'D'", [names])
    return bool(cursor.fetchone() == (len(names),))


def drop_triggers(cursor: CursorWrapper) -> None:
    """Take the triggers away."""
    for name, table in _TRIGGERS:
        cursor.execute(f"DROP TRIGGER IF EXISTS research_search_{name} ON {table}")


def restore_triggers(cursor: CursorWrapper) -> None:
    """Put the triggers in place. What changed without them is not in the index."""
    for statement in _trigger_statements():
        cursor.execute(statement)


def drop(cursor: CursorWrapper) -> None:
    """Take everything away."""
    drop_triggers(cursor)
    for name, _ in _TRIGGERS:
        cursor.execute(f"DROP FUNCTION IF EXISTS research_search_{name}")
    cursor.execute(f"DROP TABLE IF EXISTS {MESSAGES}, {NAMES}")


def build(cursor: CursorWrapper) -> None:
    """Make everything anew, from what the tables hold; writers wait meanwhile. A GIN made at last is made fastest."""
    cursor.execute(f"LOCK TABLE {_SESSION}, {_MESSAGE} IN SHARE ROW EXCLUSIVE MODE")
    drop(cursor)
    for statement in _table_statements():
        cursor.execute(statement)
    cursor.execute(_ADD_NAMES.format(f"(SELECT * FROM {_SESSION} ORDER BY created_at, id)"))
    cursor.execute(_ADD_MESSAGES.format(f"(SELECT * FROM {_MESSAGE} ORDER BY id)"))
    cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
    for statement in _index_statements():
        cursor.execute(statement)
    restore_triggers(cursor)
    cursor.execute(f"COMMENT ON TABLE {MESSAGES} IS '{_fingerprint()}'")
    for table in (MESSAGES, NAMES):
        cursor.execute(f"ANALYZE {table}")


def differences(cursor: CursorWrapper) -> tuple[int, int]:
    """How many messages and names have no entry, and how many entries have no message or name."""
    missing = stray = 0
    for table, key, entries in ((_MESSAGE, "id", MESSAGES), (_SESSION, "session_id", NAMES)):
        without = "SELECT count(*) FROM {} a WHERE NOT EXISTS (SELECT 1 FROM {} b WHERE b.{} = a.{})"
        cursor.execute(without.format(table, entries, key, "id"))
        missing += cursor.fetchone()[0]
        cursor.execute(without.format(entries, table, "id", key))
        stray += cursor.fetchone()[0]
    return missing, stray


def tidy(cursor: CursorWrapper) -> None:
    """Sort what is new into the index, so that no append and no search has to."""
    for table in (MESSAGES, NAMES):
        cursor.execute("SELECT gin_clean_pending_list(to_regclass(%s))", [f"{table}_gin"])


def newest_hits(index: str, asked: Asked, *, limit: int) -> Source:
    """The newest entries that match, from blocks of ids that grow until there are `limit` of them."""
    words, bound = _tsquery(asked), "" if asked.newest is None else f"WHERE id <= {int(asked.newest)}"
    parts = [f"newest AS (SELECT max(id) AS id FROM {index} {bound})"]
    # `+ 0` keeps the planner from reading all ids in between from the other index
    between = "" if asked.newest is None else f"AND e.id + 0 BETWEEN {asked.oldest or 0} AND (SELECT id FROM newest)"
    values: list[Any] = []
    too_few: list[str] = []
    chosen: list[str] = []
    for number, marks in enumerate([*(_blocks(asked.owner_id, bits) for bits in _BLOCKS), f"'''@{asked.owner_id}'''"]):
        condition = " AND ".join(too_few) or "TRUE"
        parts.append(
            f"block{number} AS MATERIALIZED (SELECT e.id FROM {index} e WHERE {condition} "
            f"AND e.words @@ (SELECT to_tsquery('pg_catalog.simple', %s) && {marks}::tsquery FROM newest) "
            f"{between})"
        )
        values.append(words)
        is_last = number == len(_BLOCKS)
        enough = [] if is_last else [f"(SELECT count(*) FROM block{number}) >= {int(limit)}"]
        chosen.append(f"SELECT id FROM block{number} WHERE {' AND '.join([*too_few, *enough]) or 'TRUE'}")
        too_few.append(f"(SELECT count(*) FROM block{number}) < {int(limit)}")
    parts.append(f"hits AS ({' UNION ALL '.join(chosen)})")
    return Source(
        before=f"WITH {', '.join(parts)} ",
        before_values=values,
        rows="SELECT id FROM hits ORDER BY id DESC LIMIT %s",
        values=[limit],
    )


def _blocks(owner_id: int, bits: int) -> str:
    """The marks of the newest two blocks of this size, as the text of a tsquery."""
    mark = f"'''@{int(owner_id)}/{bits}/'"
    return f"({mark} || (id >> {bits}) || ''' | ' || {mark} || ((id >> {bits}) - 1) || '''')"


def _tsquery(asked: Asked) -> str:
    wanted = " & ".join(map(_phrase, asked.phrases))
    return f"{wanted} & !({' | '.join(map(_phrase, asked.without))})" if asked.without else wanted


def _phrase(phrase: Phrase) -> str:
    *words, last = [f"'{word}'" for word in phrase.words]
    return f"({' <-> '.join([*words, f'{last}:*' if phrase.is_prefix else last])})"
