"""Things that tests work on, made as people make them: through the operations."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import User

from sessions.models import MemberRole, Role, Session, SessionTag, Tag
from sessions.operations.sessions import create_session
from sessions.operations.sharing import share_session
from sessions.operations.transcript import NewMessage

PASSWORD = "a long enough pass phrase"
LONG_AGO = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def user_message(content: str = "What is known about this?", **values: Any) -> NewMessage:
    """A finished message of a user."""
    return NewMessage(role=Role.USER.value, content=content, **values)


def assistant_message(content: str = "Quite a lot.", **values: Any) -> NewMessage:
    """A finished message of an assistant."""
    return NewMessage(role=Role.ASSISTANT.value, content=content, **values)


def conversation(length: int) -> list[NewMessage]:
    """`length` messages, user and assistant in turn: "message 0", "message 1", …"""
    makers = (user_message, assistant_message)
    return [makers[number % 2](f"message {number}") for number in range(length)]


def make_session(
    owner: User, name: str = "Mosses of the north", *, messages: int | Sequence[NewMessage] = (), **fields: Any
) -> Session:
    """A session with its workspace. `messages` is their number, or the messages; the rest as in `create_session`."""
    if isinstance(messages, int):
        messages = conversation(messages)
    return create_session(actor=owner, name=name, messages=messages, **fields)


def share(session: Session, *, editor: User | None = None, viewer: User | None = None) -> Session:
    """Let somebody edit the session, and somebody view it."""
    for user, role in ((editor, MemberRole.EDITOR), (viewer, MemberRole.VIEWER)):
        if user is not None:
            share_session(actor=session.owner, session_id=session.pk, role=role.value, usernames=[user.get_username()])
    return session


def make_rows(owner: User, amount: int, *, tags: Iterable[str] = (), **fields: Any) -> list[Session]:
    """Many sessions quickly, for lists: rows without a workspace, named "Session 0000", …, each a minute newer."""
    rows = [
        Session(
            owner=owner,
            **{
                "name": f"Session {number:04}",
                "created_at": LONG_AGO + timedelta(minutes=number),
                "updated_at": LONG_AGO + timedelta(minutes=number),
                "last_accessed": LONG_AGO + timedelta(minutes=number),
                **fields,
            },
        )
        for number in range(amount)
    ]
    Session.objects.bulk_create(rows, batch_size=500)
    for name in tags:
        tag, _ = Tag.objects.get_or_create(owner=owner, name=name)
        SessionTag.objects.bulk_create([SessionTag(session=row, tag=tag) for row in rows], batch_size=500)
    return rows
