"""Appending to the transcript: the one write that everything else waits for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from sessions.access import Actor, SessionRef, require_write, session_for_reading, session_for_writing
from sessions.exceptions import Invalid, SessionNotFound, UnexpectedIndex
from sessions.models import Role, Session, Verb
from sessions.models.transcript_rows import Reserved, append_rows, reserve_indexes
from sessions.operations import audit
from sessions.operations.changing import check_active, check_version
from sessions.operations.naming import name_from, preview_of
from sessions.operations.values import checked_content, checked_json, checked_text, checked_time

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MAX_BATCH = 1000
_ROLES = frozenset(Role.values)  # `Role.values` makes a new list at every look
_TEXTS = {"model": 255, "tool_name": 255, "tool_call_id": 255, "source_file": 1024}
_COUNTS = ("prompt_eval_count", "eval_count")
_LARGEST_COUNT = 2**63 - 1


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A finished message on its way into a transcript. Times are aware; counts are tokens."""

    role: str
    content: str
    created_at: datetime | None = None
    model: str = ""
    thinking: str = ""
    tool_name: str = ""
    tool_calls: list[Any] | None = None
    tool_call_id: str = ""
    source_file: str = ""
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append did: the new messages' database ids in order, and the session's state after it."""

    session_id: UUID
    first_index: int
    message_ids: list[int]
    message_count: int
    version: int
    messages: list[NewMessage]
    created_at: datetime


def append_messages(
    *,
    actor: "Actor | User",
    session_id: UUID | str,
    messages: Sequence[NewMessage],
    expected_index: int | None = None,
    expected_version: int | None = None,
) -> Appended:
    """Append finished messages, all or none, and return where they are.

    One statement takes the indexes and locks the session; writers queue behind it.
    `expected_index` is the index that the first message must get. Raises SessionNotFound,
    SessionNotActive, UnexpectedIndex, StaleVersion, Invalid, TooLarge.
    """
    actor = Actor.of(actor)
    require_write(actor)
    messages = checked_messages(messages)
    if not messages:
        raise Invalid("There is nothing to append.", errors=[("messages", "Give at least one message.")])
    ref = SessionRef.parse(session_id)
    whole_id = ref.whole or session_for_reading(actor, session_id).pk
    now = timezone.now()
    with transaction.atomic():
        reserved = _reserve(actor, whole_id, messages, expected_index, expected_version, now)
        if reserved is None:
            _raise_why_not(actor, whole_id, expected_index, expected_version)
            reserved = _reserve(actor, whole_id, messages, expected_index, expected_version, now)
        if reserved is None:
            raise SessionNotFound(session_id)
        if not reserved.is_certain:
            session_for_writing(actor, whole_id)  # a member who has been taken out while waiting
        first_index = reserved.message_count - len(messages)
        ids = insert_messages(whole_id, first_index, messages, author_id=actor.user_id, now=now)
        audit.record(actor, Verb.APPENDED, whole_id, first_index=first_index, messages=len(messages))
    return Appended(whole_id, first_index, ids, reserved.message_count, reserved.version, messages, now)


def _reserve(
    actor: Actor,
    session_id: UUID,
    messages: Sequence[NewMessage],
    expected_index: int | None,
    expected_version: int | None,
    now: datetime,
) -> Reserved | None:
    first_user = next((message.content for message in messages if message.role == Role.USER), None)
    return reserve_indexes(
        session_id,
        len(messages),
        now=now,
        user_id=actor.user_id,
        only_session=actor.only_session,
        expected_index=expected_index,
        expected_version=expected_version,
        preview=None if first_user is None else preview_of(first_user),
        name=None if first_user is None else name_from(first_user),
    )


def _raise_why_not(actor: Actor, session_id: UUID, expected_index: int | None, expected_version: int | None) -> None:
    """Say why no indexes could be taken. Returns, with the row locked, if the reason has gone meanwhile."""
    session = session_for_writing(actor, session_id, lock=True)
    check_appendable(session, expected_index, expected_version)


def check_appendable(session: Session, expected_index: int | None, expected_version: int | None) -> None:
    """Raise SessionNotActive, StaleVersion or UnexpectedIndex if the transcript, as it is now, takes no message."""
    check_active(session)
    check_version(session, expected_version)
    if expected_index is not None and expected_index != session.message_count:
        raise UnexpectedIndex(
            f"The next index is {session.message_count}, not {expected_index}. Read what came in between.",
            session_id=str(session.pk),
            message_count=session.message_count,
            version=session.version,
        )


def checked_messages(messages: Sequence[NewMessage]) -> list[NewMessage]:
    """Return the messages as they are stored. Raises Invalid or TooLarge, naming the place."""
    if len(messages) > MAX_BATCH:
        raise Invalid("Too many messages.", errors=[("messages", f"At most {MAX_BATCH} at once.")])
    return [checked_message(f"messages[{number}]", message) for number, message in enumerate(messages)]


def checked_message(where: str, message: NewMessage) -> NewMessage:
    """Return the message as it is stored. Raises Invalid or TooLarge, naming the place."""
    if message.role not in _ROLES:
        raise Invalid("Unknown role.", errors=[(f"{where}.role", f"One of {', '.join(Role.values)}.")])
    checked_content(f"{where}.content", message.content)
    if message.thinking:
        checked_content(f"{where}.thinking", message.thinking)
    for name, longest in _TEXTS.items():
        if text := getattr(message, name):
            checked_text(f"{where}.{name}", text, longest=longest)
    for name in _COUNTS:
        count = getattr(message, name)
        if count is not None and not 0 <= count <= _LARGEST_COUNT:
            raise Invalid(f"{name} is out of range.", errors=[(f"{where}.{name}", "A number of tokens, 0 or more.")])
    if message.tool_calls:
        checked_json(f"{where}.tool_calls", message.tool_calls)
    if message.metadata:
        checked_json(f"{where}.metadata", message.metadata)
    if message.created_at is not None:
        checked_time(f"{where}.created_at", message.created_at)
    return message


def insert_messages(
    session_id: UUID, first_index: int, messages: Sequence[NewMessage], *, author_id: int, now: datetime
) -> list[int]:
    """Insert messages at indexes that the caller's transaction has taken; return their database ids in order."""
    rows = [
        {
            **{name: getattr(message, name) for name in NewMessage.__slots__},
            "created_at": message.created_at or now,
            "author_id": author_id if message.role in (Role.USER, Role.SYSTEM) else None,
        }
        for message in messages
    ]
    return append_rows(session_id, first_index, rows) if rows else []
