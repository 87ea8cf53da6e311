"""The index on PostgreSQL: two tables of tsvectors with GIN, beside the models' tables, kept by triggers.

GIN finds all entries with a word, in no order, so looking for the newest of a million would read a
million rows. Beside its words an entry therefore holds marks: its owner, and its owner with the
number of the block of 8,192, 65,536, … ids that it lies in. A search asks for the words in the two
newest blocks first, in the six newest, in the two newest eight times as large next, and so on until
there are enough: it never reads many more rows than it needs, and only those of its owner.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.db.backends.utils import CursorWrapper

from sessions.models.message import Message
from sessions.models.session import Session
from sessions.search.source import FEW, Asked, Source, of_few_sessions
from sessions.search.words import ACCENTS, LONGEST_INDEXED, UNSPACED, Phrase

MESSAGES, NAMES = "research_message_words", "research_name_words"
NAME_IDS = NAMES
NAME_OF_HIT = (
    f"LATERAL (SELECT * FROM {NAMES} WHERE id = h.id OFFSET 0)"  # so the planner can't choose to read them all
)
EXAMINED = (1_250, 10_000, 40_000)  # hits that are looked at: so many first, with filters, and if too few pass them

_MESSAGE, _SESSION = Message._meta.db_table, Session._meta.db_table
_BLOCKS = (13, 16, 19, 22)  # bits of an id that a block of each size leaves out
_LEVELS = tuple((bits, count) for bits in _BLOCKS for count in (2, 6))  # how many newest blocks to look into, in turn
_LEVELS_OF_PREFIXES = _LEVELS[2::2]
_WALKED = 24_000  # entries that are read one by one for the beginning of a word
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
    if asked.has_few:
        return _few_hits(index, asked, limit)
    bound = "" if asked.newest is None else f"WHERE id <= {int(asked.newest)}"
    parts = [f"newest AS (SELECT max(id) AS id FROM {index} {bound})"]
    values: list[Any] = []
    chosen: list[str] = []
    goes_on = "TRUE"
    for number, level in enumerate(_levels(index, asked, limit)):
        parts.append(f"block{number} AS MATERIALIZED ({level.hits.format(condition=goes_on)})")
        values.append(_tsquery(asked))
        too_few = f"{goes_on} AND count(*) < {limit} AND {level.leaves_some}"
        parts.append(f"more{number} AS MATERIALIZED (SELECT {too_few} AS goes_on FROM block{number})")
        ends = f"NOT (SELECT goes_on FROM more{number})"
        chosen.append(f"SELECT id FROM block{number} WHERE {goes_on} AND {ends}")
        goes_on = f"(SELECT goes_on FROM more{number})"
    parts.append(f"hits AS ({' UNION ALL '.join(chosen)})")
    return Source("SELECT id FROM hits ORDER BY id DESC LIMIT %s", [limit], f"WITH {', '.join(parts)} ", values)


@dataclass(frozen=True, slots=True)
class _Level:
    """A SELECT of the hits among the newest entries, and the condition under which there are older ones."""

    hits: str
    leaves_some: str


def _levels(index: str, asked: Asked, limit: int) -> Iterator[_Level]:
    """From the newest entries to all of the owner's.

    For a word's beginning GIN gathers all entries that have it, each time: the newest are read one by one first.
    """
    newest, oldest = "(SELECT id FROM newest)", asked.oldest or 0
    is_prefix = index == MESSAGES and any(phrase.is_prefix for phrase in asked.phrases)
    if is_prefix:
        walked = f"FROM {index} e WHERE {{condition}} AND e.id BETWEEN {oldest} AND {newest} ORDER BY e.id DESC"
        matches = f"ts_match_vq(words, to_tsquery('pg_catalog.simple', %s) && {_owner(asked)}::tsquery)"  # by no index
        yield _Level(
            f"SELECT id FROM (SELECT e.id, e.words {walked} LIMIT {_WALKED}) walked WHERE {matches} LIMIT {limit}",
            f"{newest} - {oldest} >= {_WALKED}",
        )
    # `+ 0` keeps the planner from reading all ids in between from the other index
    between = "" if asked.newest is None else f"AND e.id + 0 BETWEEN {oldest} AND {newest}"
    levels = [
        (bits, count, _blocks(asked, bits, count)) for bits, count in (_LEVELS_OF_PREFIXES if is_prefix else _LEVELS)
    ]
    for bits, count, marks in [*levels, (63, 1, _owner(asked))]:
        yield _Level(
            f"SELECT e.id FROM {index} e WHERE {{condition}} AND e.words @@ "
            f"(SELECT to_tsquery('pg_catalog.simple', %s) && {marks}::tsquery FROM newest) {between}",
            f"({newest} >> {bits}) >= {count}",
        )


def _few_hits(index: str, asked: Asked, limit: int) -> Source:
    """Of the few entries of a rare tag, or a rare status, those that match: each is read, by no index of words."""
    table = _MESSAGE if index == MESSAGES else NAMES
    few, chosen = of_few_sessions(asked, f"{_looked_up(table, 'session_id = {}')} e")
    bound = "" if asked.newest is None else f"AND few.id BETWEEN {asked.oldest or 0} AND {int(asked.newest)}"
    hits = (
        f"SELECT few.id FROM few CROSS JOIN {_looked_up(index, 'id = few.id')} e "
        f"WHERE (SELECT count(*) FROM few) < {FEW} {bound} "
        f"AND ts_match_vq(e.words, to_tsquery('pg_catalog.simple', %s) && {_owner(asked)}::tsquery)"
    )
    return Source(
        "SELECT id FROM hits ORDER BY id DESC LIMIT %s",
        [limit],
        f"WITH few AS MATERIALIZED ({few}), hits AS MATERIALIZED ({hits}) ",
        [*chosen, _tsquery(asked)],
        looked_at="SELECT id FROM few",
    )


def _looked_up(table: str, condition: str) -> str:
    """Rows of a table for each row before it, by its index: the planner thinks them more and would read it all."""
    return f"LATERAL (SELECT * FROM {table} WHERE {condition} OFFSET 0)"


def _owner(asked: Asked) -> str:
    """The mark of an owner's entries, as the text of a tsquery."""
    return f"'''@{int(asked.owner_id)}'''"


def _blocks(asked: Asked, bits: int, count: int) -> str:
    """The marks of the newest blocks of this size, as the text of a tsquery."""
    mark = f"'''@{int(asked.owner_id)}/{bits}/'"
    return "(" + " || ' | ' || ".join(f"{mark} || ((id >> {bits}) - {back}) || ''''" for back in range(count)) + ")"


def _tsquery(asked: Asked) -> str:
    wanted = " & ".join(map(_phrase, asked.phrases))
    return f"{wanted} & !({' | '.join(map(_phrase, asked.without))})" if asked.without else wanted


def _phrase(phrase: Phrase) -> str:
    *words, last = [f"'{word}'" for word in phrase.words]
    return f"({' <-> '.join([*words, f'{last}:*' if phrase.is_prefix else last])})"
