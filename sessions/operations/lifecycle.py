"""Archive, trash, restore and purge: the session and its workspace go together."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from sessions.access import Actor, require_write, session_for_owning, visible_sessions
from sessions.models import Session, Status, Verb
from sessions.operations import audit
from sessions.operations.changing import check_version, save_changes
from sessions.operations.workspaces import settle_workspace_after_commit

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def archive_session(*, actor: "Actor | User", session_id: UUID | str, expected_version: int | None = None) -> Session:
    """Put the session away, readable and closed for messages. Raises SessionNotFound, StaleVersion."""
    with transaction.atomic():
        session = _owned(actor, session_id, expected_version)
        if session.status == Status.ACTIVE:
            _move(actor, session, Verb.ARCHIVED, status=Status.ARCHIVED, archived_at=timezone.now())
    return session


def restore_session(*, actor: "Actor | User", session_id: UUID | str, expected_version: int | None = None) -> Session:
    """Bring the session back: from the trash to where it was, from the archive to the active ones.

    Raises SessionNotFound, StaleVersion.
    """
    with transaction.atomic():
        session = _owned(actor, session_id, expected_version, include_deleted=True)
        if session.in_trash:
            status = Status.ARCHIVED if session.archived_at else Status.ACTIVE
            _move(actor, session, Verb.RESTORED, status=status, deleted_at=None)
            settle_workspace_after_commit(session.pk)
        elif session.archived:
            _move(actor, session, Verb.RESTORED, status=Status.ACTIVE, archived_at=None)
    return session


def trash_session(*, actor: "Actor | User", session_id: UUID | str, expected_version: int | None = None) -> Session:
    """Move the session and its workspace to the trash, restorable. Raises SessionNotFound, StaleVersion."""
    with transaction.atomic():
        session = _owned(actor, session_id, expected_version)
        _move(actor, session, Verb.TRASHED, status=Status.DELETED, deleted_at=timezone.now())
        settle_workspace_after_commit(session.pk)
    return session


def purge_session(*, actor: "Actor | User", session_id: UUID | str, expected_version: int | None = None) -> None:
    """Delete the session for ever, in the trash or not: rows now, the workspace once that is committed.

    Raises SessionNotFound, StaleVersion.
    """
    with transaction.atomic():
        _purge(actor, _owned(actor, session_id, expected_version, include_deleted=True))


def empty_trash(*, actor: "Actor | User") -> int:
    """Purge everything in the actor's trash, each session by itself; return how many went.

    What somebody restores meanwhile stays.
    """
    actor = Actor.of(actor)
    require_write(actor)
    in_trash = visible_sessions(actor).in_trash().filter(owner_id=actor.user_id)
    ids = list(in_trash.values_list("pk", flat=True))
    return sum(purge_from_trash(actor=actor, session_id=session_id) for session_id in ids)


def purge_from_trash(*, actor: "Actor | User", session_id: UUID) -> bool:
    """Purge one of the actor's own sessions if it still is in the trash; return whether it was."""
    actor = Actor.of(actor)
    require_write(actor)
    in_trash = visible_sessions(actor).in_trash().filter(owner_id=actor.user_id)
    with transaction.atomic():
        session = in_trash.select_for_update().filter(pk=session_id).first()
        if session is not None:
            _purge(actor, session)
    return session is not None


def _purge(actor: "Actor | User", session: Session) -> None:
    audit.record(Actor.of(actor), Verb.PURGED, session.pk, name=session.name, messages=session.message_count)
    session.delete()


def _owned(
    actor: "Actor | User", session_id: UUID | str, expected_version: int | None, *, include_deleted: bool = False
) -> Session:
    session = session_for_owning(Actor.of(actor), session_id, include_deleted=include_deleted, lock=True)
    check_version(session, expected_version)
    return session


def _move(actor: "Actor | User", session: Session, verb: Verb, **values: Any) -> None:
    save_changes(session, values)
    audit.record(Actor.of(actor), verb, session.pk)
