"""What every write of a run has in common: who may, the lock, the heartbeat, the version."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from sessions.access import Actor, SessionRef, require_write, session_for_reading, session_for_writing
from sessions.exceptions import RunAborted, StaleVersion
from sessions.models import Clarification, Run, RunState, Session
from sessions.models.run_rows import Touched, touch_run
from sessions.models.session import ACCESS_STEP
from sessions.operations.changing import check_active

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@contextmanager
def touched_run(
    actor: "Actor | User", session_id: UUID | str, *, expected_version: int | None = None, step: bool = True
) -> Iterator[tuple[Actor, Touched]]:
    """Open a transaction in which the run is locked; its heartbeat and version have moved.

    One statement does it, as for appends, and parallel writers queue behind it. A `step` is what
    a stopped run may not do; reports are taken from it all the same. Raises SessionNotFound,
    SessionNotActive, StaleVersion, RunAborted.
    """
    actor = Actor.of(actor)
    require_write(actor)
    whole_id = SessionRef.parse(session_id).whole or session_for_reading(actor, session_id).pk
    now = timezone.now()
    with transaction.atomic():
        touched = _touch(actor, whole_id, now, expected_version) or _start(actor, whole_id, now, expected_version)
        if step:
            check_not_aborted(touched)
        yield actor, touched
        if touched.is_stale:
            stale = Session.objects.filter(pk=whole_id, last_accessed__lte=now - ACCESS_STEP)
            stale.update(last_accessed=now)


def touch_locked(actor: Actor, session: Session, *, expected_version: int | None = None) -> Touched:
    """The same for a session whose row the caller's transaction has locked already."""
    check_active(session)
    now = timezone.now()
    user_id = session.owner_id if actor.acts_for_all else actor.user_id
    touched = touch_run(session.pk, now=now, user_id=user_id, only_session=None, expected_version=expected_version)
    return touched or _make(session, user_id, now, expected_version)


def check_not_aborted(touched: Touched) -> None:
    """Raise RunAborted if somebody stopped the run."""
    if touched.is_aborted:
        raise RunAborted(
            "The run was stopped. Reopen it before it goes on.", session_id=str(touched.session_id), phase=touched.phase
        )


def settle_state(touched: Touched, *, phase: str | None = None, **values: Any) -> None:
    """Write the state that follows from phase, stop and pending question, and other values of the run."""
    is_waiting = Clarification.objects.filter(session_id=touched.session_id, is_pending=True).exists()
    state = RunState.of(
        phase=touched.phase if phase is None else phase, is_aborted=touched.is_aborted, is_waiting=is_waiting
    )
    Run.objects.filter(pk=touched.session_id).update(state=state, **values)


def _touch(actor: Actor, session_id: UUID, now: datetime, expected_version: int | None) -> Touched | None:
    return touch_run(
        session_id,
        now=now,
        user_id=actor.user_id,
        only_session=actor.only_session,
        expected_version=expected_version,
    )


def _start(actor: Actor, session_id: UUID, now: datetime, expected_version: int | None) -> Touched:
    """Make the run that the first write starts, or say why there can be no write.

    The session's row isn't locked for this: two first writes share a lock on it already, and each
    would wait for the other to let go.
    """
    session = session_for_writing(actor, session_id)
    check_active(session)
    return _make(session, actor.user_id, now, expected_version)


def _make(session: Session, user_id: int, now: datetime, expected_version: int | None) -> Touched:
    state = RunState.of(phase=session.phase, is_aborted=False, is_waiting=False)
    fresh = Run(session=session, owner_id=session.owner_id, state=state, started_at=now, heartbeat_at=now)
    Run.objects.bulk_create([fresh], ignore_conflicts=True)
    touched = touch_run(session.pk, now=now, user_id=user_id, only_session=None, expected_version=expected_version)
    if touched is None:
        session.refresh_from_db()
        check_active(session)
        raise _stale(session, expected_version)
    return touched


def _stale(session: Session, expected_version: int | None) -> StaleVersion:
    version = Run.objects.values_list("version", flat=True).get(pk=session.pk)
    return StaleVersion(
        f"The run has changed: version {version} is current, not {expected_version}. Read its progress again.",
        session_id=str(session.pk),
        version=version,
    )
