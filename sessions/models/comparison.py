"""Transcripts side by side: where they differ, and what is in them. The texts are compared inside the database."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection

from sessions.models.message import Message, tokens_in
from sessions.models.rows import db_id

_MESSAGE = Message._meta.db_table
_TEXTS = ("role", "content", "thinking", "tool_name")
_CALLS = "coalesce(CAST({}.tool_calls AS text), '')"
_SAME = " AND ".join([*(f"m.{name} = n.{name}" for name in _TEXTS), f"{_CALLS.format('m')} = {_CALLS.format('n')}"])
_PAIRS = (
    f'{_MESSAGE} m JOIN {_MESSAGE} n ON n.session_id = %s AND n."index" = m."index" '
    'WHERE m.session_id = %s AND m."index" >= %s'
)
_FIRST = f'SELECT m."index" FROM {_PAIRS} AND NOT ({_SAME}) ORDER BY m."index" LIMIT 1'


@dataclass(slots=True)
class Contents:
    """What a transcript holds: messages by role, tokens read and written, for each model its messages and tokens."""

    messages: dict[str, int] = field(default_factory=dict)
    tokens_read: int = 0
    tokens_written: int = 0
    models: dict[str, tuple[int, int]] = field(default_factory=dict)


def first_difference(one: UUID, *others: UUID, start: int = 0) -> int | None:
    """The first index from `start` on at which one of the others has a message that says something else than the one.

    None without any. One statement.
    """
    firsts = [f"({_FIRST}) AS first{number}" for number in range(len(others))]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(firsts)}", [value for other in others for value in (db_id(other), db_id(one), start)]
        )
        found = cursor.fetchone()
    return min((int(index) for index in found if index is not None), default=None)


def first_difference_of(session_ids: Sequence[UUID], counts: Sequence[int]) -> int | None:
    """The first index at which not all of these transcripts, of so many messages, say the same; None without one."""
    difference = first_difference(*session_ids)
    if len(set(counts)) == 1:
        return difference
    return min(counts) if difference is None else min(difference, *counts)


def equal_from(one: UUID, other: UUID, *, start: int, limit: int) -> list[bool]:
    """For each index from `start` on at which both have a message, at most `limit`: whether these say the same."""
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT {_SAME} FROM {_PAIRS} AND m."index" < %s ORDER BY m."index"',
            [db_id(other), db_id(one), start, start + limit],
        )
        return [bool(same) for (same,) in cursor.fetchall()]


def contents_of(session_ids: Sequence[UUID]) -> dict[UUID, Contents]:
    """What each transcript holds, in one statement."""
    places = ", ".join(["%s"] * len(session_ids))
    found = {session_id: Contents() for session_id in session_ids}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT CAST(session_id AS text), role, model, count(*), "
            f"coalesce(sum({tokens_in('prompt_eval_count')}), 0), coalesce(sum({tokens_in('eval_count')}), 0) "
            f"FROM {_MESSAGE} WHERE session_id IN ({places}) "
            "GROUP BY session_id, role, model ORDER BY role, model",
            [db_id(session_id) for session_id in session_ids],
        )
        for session_id, role, model, count, read, written in cursor.fetchall():
            contents = found[UUID(session_id)]
            contents.messages[role] = contents.messages.get(role, 0) + count
            contents.tokens_read += int(read)
            contents.tokens_written += int(written)
            if model:
                messages, tokens = contents.models.get(model, (0, 0))
                contents.models[model] = (messages + count, tokens + int(written))
    return found
