"""A turn: what was asked and what was answered, appended together or not at all."""

from typing import TYPE_CHECKING, Unpack
from uuid import UUID

from sessions.access import Actor
from sessions.operations.sessions import SessionFields, create_session
from sessions.operations.transcript import Appended, NewMessage, append_messages

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def append_turn(
    *,
    actor: "Actor | User",
    user: NewMessage,
    assistant: NewMessage,
    session_id: UUID | str | None = None,
    expected_index: int | None = None,
    expected_version: int | None = None,
    name: str = "",
    **fields: Unpack[SessionFields],
) -> Appended:
    """Append a finished user and assistant message; without a session make one, with `name` and `fields`.

    Raises as `append_messages` does, and as `create_session` where it makes one.
    """
    messages = [user, assistant]
    if session_id is not None:
        return append_messages(
            actor=actor,
            session_id=session_id,
            messages=messages,
            expected_index=expected_index,
            expected_version=expected_version,
        )
    session = create_session(actor=actor, name=name, messages=messages, **fields)
    ids = session.first_message_ids or []
    return Appended(session.pk, 0, ids, len(messages), session.version, messages, session.created_at)
