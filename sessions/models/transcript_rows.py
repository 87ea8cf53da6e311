"""The transcript's own SQL: one statement where the ORM needs several (figures in docs/performance.md)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from sessions.models.membership import may_write
from sessions.models.message import Message, Role, TranscriptEntry
from sessions.models.revision import RevisionMessage
from sessions.models.rows import db_id, db_json, db_time, prepared_cursor
from sessions.models.session import ACCESS_STEP, Session, Status

_SESSION = Session._meta.db_table
_MESSAGE = Message._meta.db_table
_KEPT = RevisionMessage._meta.db_table
_ENTRY = [str(field.column) for field in TranscriptEntry._meta.fields]
_CONVERTERS = {"created_at": db_time, "tool_calls": db_json, "metadata": db_json}
_INSERTED = [
    "author_id", "content", "created_at", "eval_count", "metadata", "model", "prompt_eval_count", "role",
    "source_file", "thinking", "tool_call_id", "tool_calls", "tool_name",
]  # fmt: skip
_ACCESSED = "last_accessed = CASE WHEN last_accessed <= %s THEN %s ELSE last_accessed END"
# PostgreSQL gives a row that it had to wait for as it is then, but looks for memberships as they were before.
_CERTAIN = {
    "sqlite": "TRUE",
    "postgresql": f"owner_id = %s OR version = 1 + (SELECT b.version FROM {_SESSION} b WHERE b.id = {_SESSION}.id)",
}
_LARGEST = 2**63 - 1  # SQLite takes no larger number; no counter is ever so large
ASIDE = 1_000_000_000  # no transcript is that long: indexes pass through here so that none collides


@dataclass(frozen=True, slots=True)
class Reserved:
    """A session's counter and version after indexes were taken, and whether its members were not changed meanwhile."""

    message_count: int
    version: int
    is_certain: bool


def reserve_indexes(
    session_id: UUID,
    count: int,
    *,
    now: datetime,
    user_id: int,
    only_session: UUID | None,
    expected_index: int | None,
    expected_version: int | None,
    preview: str | None,
    name: str | None,
) -> Reserved | None:
    """Take the next `count` indexes of an active session that the user may write; lock its row.

    `preview` and `name` are those of the first user message among the new ones; they are
    taken over if the transcript has none yet. Returns None if nothing matched.
    """
    if only_session is not None and only_session != session_id:
        return None
    sets = ["message_count = message_count + %s", "version = version + 1", "updated_at = %s", _ACCESSED]
    values: list[Any] = [count, db_time(now), db_time(now - ACCESS_STEP), db_time(now)]
    if preview is not None:
        first = f"preview = '' AND NOT EXISTS (SELECT 1 FROM {_MESSAGE} WHERE session_id = {_SESSION}.id AND role = %s)"
        sets.append(f"preview = CASE WHEN {first} THEN %s ELSE preview END")
        sets.append(f"name = CASE WHEN name_is_automatic AND {first} THEN %s ELSE name END")
        values += [Role.USER.value, preview, Role.USER.value, name]
    conditions = ["id = %s", may_write(_SESSION), "status = %s"]
    values += [db_id(session_id), user_id, user_id, Status.ACTIVE.value]
    if expected_index is not None:
        conditions.append("message_count = %s")
        values.append(min(expected_index, _LARGEST))
    if expected_version is not None:
        conditions.append("version = %s")
        values.append(min(expected_version, _LARGEST))
    certain = _CERTAIN[connection.vendor]
    with prepared_cursor() as cursor:
        cursor.execute(
            f"UPDATE {_SESSION} SET {', '.join(sets)} WHERE {' AND '.join(conditions)} "
            f"RETURNING message_count, version, {certain}",
            [*values, *[user_id] * certain.count("%s")],
        )
        row = cursor.fetchone()
    return None if row is None else Reserved(row[0], row[1], bool(row[2]))


def append_rows(session_id: UUID, first_index: int, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert messages at consecutive indexes; return their database ids in order."""
    columns = ["session_id", "index", *_INSERTED]
    place = f"({', '.join(['%s'] * len(columns))})"
    values: list[Any] = []
    for offset, row in enumerate(rows):
        values += [db_id(session_id), first_index + offset]
        values += [_CONVERTERS[name](row[name]) if name in _CONVERTERS else row[name] for name in _INSERTED]
    with prepared_cursor() if len(rows) == 1 else connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_MESSAGE} ({_quoted(columns)}) VALUES {', '.join([place] * len(rows))} "
            'RETURNING "index", id',
            values,
        )
        return [pk for _, pk in sorted(cursor.fetchall())]


def shift_indexes(session_id: UUID, step: int) -> None:
    """Move all of a transcript's indexes by `step`, past the unique constraint, in two statements."""
    with connection.cursor() as cursor:
        for distance in (ASIDE, step - ASIDE):
            cursor.execute(
                f'UPDATE {_MESSAGE} SET "index" = "index" + %s WHERE session_id = %s', [distance, db_id(session_id)]
            )


def copy_to_revision(session_id: UUID, revision_id: int, first_index: int, count: int) -> None:
    """Copy a run of messages into a revision, inside the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_KEPT} (revision_id, position, {_quoted(_ENTRY)}) "
            f'SELECT %s, "index" - %s, {_quoted(_ENTRY)} FROM {_MESSAGE} '
            'WHERE session_id = %s AND "index" >= %s AND "index" < %s',
            [revision_id, first_index, db_id(session_id), first_index, first_index + count],
        )


def copy_from_revision(revision_id: int, session_id: UUID, first_index: int) -> None:
    """Copy a revision's messages to the end of a transcript, inside the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO {_MESSAGE} (session_id, "index", {_quoted(_ENTRY)}) '
            f"SELECT %s, position + %s, {_quoted(_ENTRY)} FROM {_KEPT} WHERE revision_id = %s",
            [db_id(session_id), first_index, revision_id],
        )


def _quoted(columns: Sequence[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)
