"""One action on many sessions; each succeeds or fails by itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sessions.access import Actor
from sessions.exceptions import Invalid, SessionError
from sessions.operations.lifecycle import archive_session, purge_session, restore_session, trash_session
from sessions.operations.sessions import update_session

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MAX_SESSIONS = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one session of many; `problem` is None if it worked."""

    session_id: str
    problem: SessionError | None = None


def _pin(pinned: bool) -> Callable[..., object]:
    def change(*, actor: Actor, session_id: UUID | str) -> object:
        return update_session(actor=actor, session_id=session_id, pinned=pinned)

    return change


ACTIONS: dict[str, Callable[..., object]] = {
    "archive": archive_session,
    "restore": restore_session,
    "delete": trash_session,
    "purge": purge_session,
    "pin": _pin(True),
    "unpin": _pin(False),
}


def apply_to_sessions(*, actor: "Actor | User", action: str, session_ids: Sequence[UUID | str]) -> list[Outcome]:
    """Do one of ACTIONS to each session; return an outcome for each. Raises Invalid before anything is done."""
    actor = Actor.of(actor)
    if action not in ACTIONS:
        raise Invalid("Unknown action.", errors=[("action", f"One of {', '.join(ACTIONS)}.")])
    if len(session_ids) > MAX_SESSIONS:
        raise Invalid("Too many sessions.", errors=[("session_ids", f"At most {MAX_SESSIONS} at once.")])
    outcomes = []
    for session_id in session_ids:
        try:
            ACTIONS[action](actor=actor, session_id=session_id)
            outcomes.append(Outcome(str(session_id)))
        except SessionError as problem:
            outcomes.append(Outcome(str(session_id), problem))
    return outcomes
