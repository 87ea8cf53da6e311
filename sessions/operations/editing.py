"""Changing what a transcript already says. Whatever is replaced stays as a revision."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from sessions.access import Actor, session_for_writing
from sessions.exceptions import Conflict, MessageNotFound, NoSystemPrompt, NotAUserMessage, RevisionNotFound
from sessions.models import Message, Reason, Revision, Role, Session, Verb
from sessions.models.transcript_rows import copy_from_revision
from sessions.operations import audit
from sessions.operations.changing import check_active, check_version
from sessions.operations.revisions import cut_tail, keep, save_transcript, shift
from sessions.operations.transcript import NewMessage, checked_messages, insert_messages
from sessions.operations.values import checked_content, checked_text

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def edit_message(
    *, actor: "Actor | User", session_id: UUID | str, index: int, content: str, expected_version: int | None = None
) -> Session:
    """Replace a user message's text and cut everything after it; return the session.

    The message as it was and what followed it become a revision. Raises SessionNotFound,
    MessageNotFound, NotAUserMessage, SessionNotActive, StaleVersion, Invalid, TooLarge.
    """
    actor = Actor.of(actor)
    content = checked_content("content", content)
    with transaction.atomic():
        session = _writable(actor, session_id, expected_version)
        message = user_message_at(session, index)
        tail = session.message_count - index
        keep(session, index, tail, reason=Reason.EDIT, actor=actor)
        cut_tail(session, index + 1)
        message.content, message.edited_at = content, timezone.now()
        message.save(update_fields=["content", "edited_at"])
        save_transcript(session, message_count=index + 1)
        audit.record(actor, Verb.EDITED, session.pk, index=index, cut=tail - 1)
    return session


def set_system_prompt(
    *,
    actor: "Actor | User",
    session_id: UUID | str,
    content: str,
    source_file: str = "",
    expected_version: int | None = None,
) -> Session:
    """Set or replace message 0 without cutting anything; return the session.

    Raises SessionNotFound, SessionNotActive, StaleVersion, Invalid, TooLarge.
    """
    actor = Actor.of(actor)
    content = checked_content("content", content)
    source_file = checked_text("source_file", source_file, longest=1024)
    with transaction.atomic():
        session = _writable(actor, session_id, expected_version)
        prompt = _system_prompt(session)
        if prompt is None:
            shift(session, +1)
            new = checked_messages([NewMessage(role=Role.SYSTEM, content=content, source_file=source_file)])
            insert_messages(session.pk, 0, new, author_id=actor.user_id, now=timezone.now())
        else:
            keep(session, 0, 1, reason=Reason.SYSTEM_PROMPT, actor=actor)
            prompt.content, prompt.source_file, prompt.edited_at = content, source_file, timezone.now()
            prompt.save(update_fields=["content", "source_file", "edited_at"])
        save_transcript(session, message_count=session.message_count + (prompt is None))
        audit.record(actor, Verb.SYSTEM_PROMPT_SET, session.pk)
    return session


def remove_system_prompt(
    *, actor: "Actor | User", session_id: UUID | str, expected_version: int | None = None
) -> Session:
    """Remove message 0, which must be a system prompt; return the session.

    Raises NoSystemPrompt, SessionNotFound, SessionNotActive, StaleVersion.
    """
    actor = Actor.of(actor)
    with transaction.atomic():
        session = _writable(actor, session_id, expected_version)
        prompt = _system_prompt(session)
        if prompt is None:
            raise NoSystemPrompt("The session has no system prompt to remove.", session_id=str(session.pk))
        keep(session, 0, 1, reason=Reason.SYSTEM_PROMPT, actor=actor)
        prompt.delete()
        shift(session, -1)
        save_transcript(session, message_count=session.message_count - 1)
        audit.record(actor, Verb.SYSTEM_PROMPT_REMOVED, session.pk)
    return session


def restore_revision(
    *, actor: "Actor | User", session_id: UUID | str, number: int, expected_version: int | None = None
) -> Session:
    """Put a revision back; what it replaces becomes a revision in turn. Return the session.

    Raises RevisionNotFound, Conflict, SessionNotFound, SessionNotActive, StaleVersion.
    """
    actor = Actor.of(actor)
    with transaction.atomic():
        session = _writable(actor, session_id, expected_version)
        revision = session.revisions.filter(number=number).first()
        if revision is None:
            raise RevisionNotFound(f"The session has no revision {number}.", session_id=str(session.pk), number=number)
        if revision.reason == Reason.SYSTEM_PROMPT:
            return _restore_system_prompt(actor, session, revision)
        _restore_tail(actor, session, revision)
        audit.record(actor, Verb.REVISION_RESTORED, session.pk, number=number)
    return session


def _restore_tail(actor: Actor, session: Session, revision: Revision) -> None:
    first = revision.first_index
    if first > session.message_count:
        raise Conflict(
            f"The revision starts at message {first}, but the transcript ends before it. Restore an earlier one first.",
            session_id=str(session.pk),
            message_count=session.message_count,
            version=session.version,
        )
    if session.message_count > first:
        keep(session, first, session.message_count - first, reason=Reason.RESTORE, actor=actor)
        cut_tail(session, first)
    copy_from_revision(revision.pk, session.pk, first)
    save_transcript(session, message_count=first + revision.message_count)


def _restore_system_prompt(actor: Actor, session: Session, revision: Revision) -> Session:
    kept = revision.messages.get()
    return set_system_prompt(actor=actor, session_id=session.pk, content=kept.content, source_file=kept.source_file)


def _writable(actor: Actor, session_id: UUID | str, expected_version: int | None) -> Session:
    session = session_for_writing(actor, session_id, lock=True)
    check_active(session)
    check_version(session, expected_version)
    return session


def user_message_at(session: Session, index: int) -> Message:
    """The message that would be edited. Raises MessageNotFound, NotAUserMessage."""
    message = Message.objects.filter(session=session, index=index).first()
    if message is None:
        raise MessageNotFound(
            f"The transcript has {session.message_count} messages; there is none with index {index}.",
            session_id=str(session.pk),
            message_count=session.message_count,
        )
    if message.role != Role.USER:
        raise NotAUserMessage(
            f"Message {index} has the role {message.role}; only user messages can be edited.", index=index
        )
    return message


def _system_prompt(session: Session) -> Message | None:
    return Message.objects.filter(session=session, index=0, role=Role.SYSTEM).first()
