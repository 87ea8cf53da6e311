"""Phases of a run, and how it ends, stops and goes on."""

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction

from sessions.access import Actor, session_for_writing
from sessions.exceptions import Invalid
from sessions.models import Clarification, Phase, PhaseEntry, Run, RunState, Session, Verb
from sessions.models.run_rows import Touched
from sessions.operations import audit
from sessions.operations.changing import save_changes
from sessions.operations.runs.touching import check_not_aborted, settle_state, touch_locked
from sessions.operations.values import checked_content

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_OVER = (Phase.COMPLETE, Phase.FAILED)


def checked_phase(phase: str) -> str:
    """Return a phase in lower case. Raises Invalid for an unknown one."""
    if phase.lower() not in Phase.values:
        raise Invalid("Unknown phase.", errors=[("phase", f"One of {', '.join(Phase.values)}.")])
    return phase.lower()


def set_phase(
    *, actor: "Actor | User", session_id: UUID | str, phase: str, expected_version: int | None = None
) -> Touched:
    """Enter a phase, unless the run is in it. Leaving `failed` or `complete` makes the run go again.

    Raises SessionNotFound, SessionNotActive, StaleVersion, RunAborted, Invalid.
    """
    actor, phase = Actor.of(actor), checked_phase(phase)
    with transaction.atomic():
        session = session_for_writing(actor, session_id, lock=True)
        touched = touch_locked(actor, session, expected_version=expected_version)
        check_not_aborted(touched)
        _move(actor, session, touched, phase)
    return touched


def start_run(session: Session) -> None:
    """Make the run of a session that was made this moment, in a phase."""
    now, state = session.created_at, RunState.of(phase=session.phase, is_aborted=False, is_waiting=False)
    Run.objects.bulk_create(
        [Run(session=session, owner_id=session.owner_id, state=state, started_at=now, heartbeat_at=now, version=1)]
    )
    PhaseEntry.objects.create(session=session, phase=session.phase, entered_at=now)


def follow_phase(actor: Actor, session: Session) -> None:
    """Note that a session, which the caller has locked and saved, is in another phase now.

    An empty phase takes it out of any and leaves the history. Raises SessionNotActive, RunAborted.
    """
    touched = touch_locked(actor, session)
    check_not_aborted(touched)
    _enter(actor, session, touched, session.phase)


def fail_run(
    *, actor: "Actor | User", session_id: UUID | str, reason: str, expected_version: int | None = None
) -> Touched:
    """Say that the run has failed, and why. Raises as `set_phase`."""
    actor = Actor.of(actor)
    checked_content("reason", reason)
    with transaction.atomic():
        session = session_for_writing(actor, session_id, lock=True)
        touched = touch_locked(actor, session, expected_version=expected_version)
        check_not_aborted(touched)
        _move(actor, session, touched, Phase.FAILED)
        Run.objects.filter(pk=session.pk).update(failure_reason=reason)
        audit.record(actor, Verb.RUN_FAILED, session.pk)
    return touched


def abort_run(
    *, actor: "Actor | User", session_id: UUID | str, reason: str = "", expected_version: int | None = None
) -> Touched:
    """Stop the run: whoever works on it is refused its next step. A stopped run stays as it is.

    Raises SessionNotFound, SessionNotActive, StaleVersion, Invalid.
    """
    actor = Actor.of(actor)
    checked_content("reason", reason)
    with transaction.atomic():
        session = session_for_writing(actor, session_id, lock=True)
        touched = touch_locked(actor, session, expected_version=expected_version)
        if not touched.is_aborted:
            _withdraw_question(session)
            settle_state(replace(touched, is_aborted=True), is_aborted=True, abort_reason=reason)
            save_changes(session, {}, now=touched.at)
            audit.record(actor, Verb.RUN_ABORTED, session.pk)
    return touched


def reopen_run(*, actor: "Actor | User", session_id: UUID | str, expected_version: int | None = None) -> Touched:
    """Let a stopped, failed or complete run go on, in the phase that it was in before it ended.

    A run that goes stays as it is. Raises SessionNotFound, SessionNotActive, StaleVersion.
    """
    actor = Actor.of(actor)
    with transaction.atomic():
        session = session_for_writing(actor, session_id, lock=True)
        touched = touch_locked(actor, session, expected_version=expected_version)
        is_over = touched.phase in _OVER
        if touched.is_aborted or is_over:
            going = replace(touched, is_aborted=False)
            settle_state(going, is_aborted=False, abort_reason="")
            if is_over:
                _move(actor, session, going, _phase_before(session))
            else:
                save_changes(session, {}, now=touched.at)
            audit.record(actor, Verb.RUN_REOPENED, session.pk)
    return touched


def _phase_before(session: Session) -> str:
    """The last phase that wasn't an end; execution if there was none."""
    entries = PhaseEntry.objects.filter(session=session).exclude(phase__in=_OVER).order_by("-pk")
    return entries.values_list("phase", flat=True).first() or Phase.EXECUTION.value


def _move(actor: Actor, session: Session, touched: Touched, phase: str) -> None:
    if session.phase != phase:
        save_changes(session, {"phase": phase}, now=touched.at)
        _enter(actor, session, touched, phase)


def _enter(actor: Actor, session: Session, touched: Touched, phase: str) -> None:
    if phase:
        PhaseEntry.objects.create(session=session, phase=phase, entered_at=touched.at)
    if phase in _OVER:
        _withdraw_question(session)
    settle_state(touched, phase=phase, failure_reason="")
    audit.record(actor, Verb.PHASE_ENTERED, session.pk, phase=phase)


def _withdraw_question(session: Session) -> None:
    """Nobody waits for an answer any more."""
    Clarification.objects.filter(session=session, is_pending=True).update(is_pending=False)
