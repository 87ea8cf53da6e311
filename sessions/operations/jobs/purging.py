"""Deleting much for ever: at once where that takes a moment, by the worker where it takes longer."""

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sessions.access import Actor, require_write, visible_sessions
from sessions.exceptions import SessionNotFound
from sessions.models import Job, JobKind, Session, SessionCount, Status
from sessions.operations.jobs.queue import start_job
from sessions.operations.jobs.work import Work
from sessions.operations.lifecycle import purge_from_trash, purge_session
from sessions.operations.workspaces import MANY_FILES, remove_workspace
from sessions.storage.disk_use import disk_use

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MANY_SESSIONS = 100
MANY_MESSAGES = 20_000


def is_long(sessions: Sequence[Session]) -> bool:
    """Whether deleting these takes longer than somebody likes to wait for a page."""
    if len(sessions) > MANY_SESSIONS or sum(session.message_count for session in sessions) > MANY_MESSAGES:
        return True
    left = MANY_FILES
    for session in sessions:
        left -= disk_use(session.pk, in_trash=session.in_trash, most=2 * MANY_FILES).files
        if left < 0:
            return True
    return False


def purge_later(*, actor: "Actor | User", session_ids: Sequence[UUID]) -> Job | None:
    """Start a job that deletes these sessions for ever, if that is long work; None if it isn't.

    Raises SessionNotFound if the actor sees none of them, ReadOnlyToken.
    """
    actor = Actor.of(actor)
    require_write(actor)
    fields = ("pk", "name", "status", "message_count")
    sessions = list(visible_sessions(actor).filter(owner_id=actor.user_id, pk__in=session_ids).only(*fields))
    if not sessions:
        raise SessionNotFound(session_ids[0] if session_ids else "")
    if not is_long(sessions):
        return None
    subject = f"“{sessions[0].name}”" if len(sessions) == 1 else f"{len(sessions):,} sessions"
    ids = [str(session.pk) for session in sessions]
    return start_job(actor=actor, kind=JobKind.PURGE, subject=subject, arguments={"session_ids": ids}, total=len(ids))


def empty_trash_later(*, actor: "Actor | User") -> Job | None:
    """Start a job that empties the actor's trash, if that is long work; None if it isn't. Raises ReadOnlyToken."""
    actor = Actor.of(actor)
    require_write(actor)
    waiting = SessionCount.objects.sessions(actor.user_id, [Status.DELETED])
    if waiting <= MANY_SESSIONS:
        fields = ("pk", "status", "message_count")
        in_trash = visible_sessions(actor).in_trash().filter(owner_id=actor.user_id)
        if not is_long(list(in_trash.only(*fields)[: MANY_SESSIONS + 1])):
            return None
    subject = "1 session" if waiting == 1 else f"{waiting:,} sessions"
    return start_job(actor=actor, kind=JobKind.EMPTY_TRASH, subject=subject, total=waiting)


def purge(work: Work) -> dict[str, Any]:
    """Delete the sessions one by one; what is gone already, perhaps by an attempt before, counts as done."""
    ids = [UUID(text) for text in work.job.arguments["session_ids"]]
    work.advance(0, len(ids) + sum(disk_use(session_id, in_trash=True).files for session_id in ids))
    for session_id in ids:
        with suppress(SessionNotFound):
            purge_session(actor=work.actor(), session_id=session_id)
        remove_workspace(session_id, work.step)
        work.step()
    return {"sessions": len(ids)}


def empty_trash(work: Work) -> dict[str, Any]:
    """Delete what is in the trash, the longest there first. What somebody restores meanwhile stays."""
    purged = work.job.done
    actor = work.actor()
    in_trash = visible_sessions(actor).in_trash().filter(owner_id=actor.user_id)
    work.advance(purged, max(work.job.total, purged + in_trash.count()))
    last = UUID(int=0)
    while ids := list(in_trash.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:MANY_SESSIONS]):
        for last in ids:
            if purge_from_trash(actor=actor, session_id=last):
                remove_workspace(last, work.advance)
                purged += 1
            work.advance(purged)
        actor = work.actor()
    return {"sessions": purged}
