"""Messages for people to look at: long ones cut inside the database, whatever they weigh."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from django.contrib.auth import get_user_model
from django.db import connection, models

from sessions.models.message import Message
from sessions.models.revision import Revision, RevisionMessage
from sessions.models.rows import RowReader, db_id

_FIELDS = [
    "role", "created_at", "edited_at", "model", "tool_name", "tool_call_id", "source_file",
    "prompt_eval_count", "eval_count",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class MessageExcerpt:
    """A message with at most so many characters of each text, and how long the whole texts are.

    `tool_calls` is None where there are none or where they are too long; then `tool_calls_length` tells.
    """

    index: int
    role: str
    content: str
    content_length: int
    thinking: str
    thinking_length: int
    tool_calls: Any
    tool_calls_length: int
    created_at: datetime
    edited_at: datetime | None
    model: str
    tool_name: str
    tool_call_id: str
    source_file: str
    prompt_eval_count: int | None
    eval_count: int | None
    author: str | None


def read_excerpts(
    session_id: UUID,
    *,
    after: int | None = None,
    before: int | None = None,
    order: Literal["asc", "desc"] = "asc",
    limit: int = 50,
    longest: int,
) -> list[MessageExcerpt]:
    """Return up to `limit` messages with `after < index < before`, texts cut after `longest` characters.

    With `order="desc"` the newest come first.
    """
    return _read(_MESSAGES, db_id(session_id), after=after, before=before, order=order, limit=limit, longest=longest)


def read_revision_excerpts(
    revision: Revision, *, after: int | None = None, limit: int = 50, longest: int
) -> list[MessageExcerpt]:
    """The same for a revision: `index` is the one that the message had in the transcript, as is `after`."""
    first = revision.first_index
    position = None if after is None else after - first
    return _read(
        _KEPT, revision.pk, after=position, before=None, order="asc", limit=limit, longest=longest, first=first
    )


def read_excerpts_at(session_id: UUID, indexes: Sequence[int], *, longest: int) -> list[MessageExcerpt]:
    """The messages at these indexes, in order, texts cut after `longest` characters."""
    if not indexes:
        return []
    places = ", ".join(["%s"] * len(indexes))
    return _select(_MESSAGES, f'm.session_id = %s AND m."index" IN ({places})', [db_id(session_id), *indexes], longest)


class _Source:
    """Where messages are read from: the table, what they belong to, and what counts them."""

    def __init__(self, model: type[models.Model], belongs_to: str, number: str) -> None:
        self.table = model._meta.db_table
        self.belongs_to = belongs_to
        self.number = number
        self.reader = RowReader(model, _FIELDS, "m")


_MESSAGES = _Source(Message, "session_id", "index")
_KEPT = _Source(RevisionMessage, "revision_id", "position")
_TOOL_CALLS = "CAST(m.tool_calls AS text)"
_TEXTS = (
    "substr(m.content, 1, %s), length(m.content), substr(m.thinking, 1, %s), length(m.thinking), "
    f"CASE WHEN length({_TOOL_CALLS}) <= %s THEN {_TOOL_CALLS} END, coalesce(length({_TOOL_CALLS}), 0)"
)
_PLACES = 6


def _read(
    source: _Source,
    owner: Any,
    *,
    after: int | None,
    before: int | None,
    order: str,
    limit: int,
    longest: int,
    first: int = 0,
) -> list[MessageExcerpt]:
    conditions, values = [f"m.{source.belongs_to} = %s"], [owner]
    for bound, sign in ((after, ">"), (before, "<")):
        if bound is not None:
            conditions.append(f'm."{source.number}" {sign} %s')
            values.append(bound)
    return _select(source, " AND ".join(conditions), values, longest, order=order, limit=limit, first=first)


def _select(
    source: _Source,
    condition: str,
    values: Sequence[Any],
    longest: int,
    *,
    order: str = "asc",
    limit: int | None = None,
    first: int = 0,
) -> list[MessageExcerpt]:
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT {source.reader.columns()}, m."{source.number}", {_TEXTS}, author.username FROM {source.table} m '
            f"LEFT JOIN {get_user_model()._meta.db_table} author ON author.id = m.author_id "
            f'WHERE {condition} ORDER BY m."{source.number}" {"DESC" if order == "desc" else "ASC"}'
            f"{'' if limit is None else ' LIMIT %s'}",
            [longest, longest, longest, *values, *([] if limit is None else [limit])],
        )
        return [_excerpt(source.reader, row, first) for row in cursor.fetchall()]


def _excerpt(reader: RowReader, row: tuple[Any, ...], first: int) -> MessageExcerpt:
    number, *texts, author = row[len(_FIELDS) :]
    content, content_length, thinking, thinking_length, tool_calls, tool_calls_length = texts
    return MessageExcerpt(
        index=first + number,
        content=content,
        content_length=content_length,
        thinking=thinking,
        thinking_length=thinking_length,
        tool_calls=orjson.loads(tool_calls) if tool_calls else None,
        tool_calls_length=tool_calls_length,
        author=author,
        **reader.read(row),
    )
