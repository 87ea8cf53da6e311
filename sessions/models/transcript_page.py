"""A page of a transcript: a range of the unique index, whatever its length."""

from typing import Any, Literal
from uuid import UUID

from django.contrib.auth import get_user_model

from sessions.models.message import Message
from sessions.models.rows import Row, RowReader, db_id, prepared_cursor

MESSAGE_FIELDS = [
    "id", "index", "role", "content", "created_at", "edited_at", "model", "thinking", "tool_name", "tool_calls",
    "tool_call_id", "source_file", "prompt_eval_count", "eval_count", "metadata", "origin_session", "origin_index",
]  # fmt: skip
_reader = RowReader(Message, MESSAGE_FIELDS, "m")
_MESSAGE = Message._meta.db_table


def read_messages(
    session_id: UUID,
    *,
    after: int | None = None,
    before: int | None = None,
    role: str | None = None,
    order: Literal["asc", "desc"] = "asc",
    limit: int = 50,
    offset: int = 0,
) -> list[Row]:
    """Return up to `limit` messages with `after < index < before`, each with its `author`'s user name or None.

    With `order="desc"` the newest come first; `offset` skips that many of them. JSON fields are `orjson.Fragment`s.
    """
    conditions = ["m.session_id = %s"]
    values: list[Any] = [db_id(session_id)]
    for bound, sign in ((after, ">"), (before, "<")):
        if bound is not None:
            conditions.append(f'm."index" {sign} %s')
            values.append(bound)
    if role is not None:
        conditions.append("m.role = %s")
        values.append(role)
    users = get_user_model()._meta.db_table
    direction = "DESC" if order == "desc" else "ASC"
    with prepared_cursor() as cursor:
        cursor.execute(
            f"SELECT {_reader.columns()}, author.username FROM {_MESSAGE} m "
            f"LEFT JOIN {users} author ON author.id = m.author_id "
            f'WHERE {" AND ".join(conditions)} ORDER BY m."index" {direction} LIMIT %s OFFSET %s',
            [*values, limit, offset],
        )
        return _reader.read_all(cursor.fetchall(), "author")
