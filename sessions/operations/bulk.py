"""One action on many sessions; each succeeds or fails by itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from sessions.access import Actor, require_write
from sessions.exceptions import Impossible, Invalid, SessionError
from sessions.operations.lifecycle import archive_session, purge_session, restore_session, trash_session
from sessions.operations.sessions import tag_session, untag_session, update_session
from sessions.operations.tags import checked_tags

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
TAG_ACTIONS: dict[str, Callable[..., object]] = {"tag": tag_session, "untag": untag_session}


def apply_to_sessions(
    *, actor: "Actor | User", action: str, session_ids: Sequence[UUID | str], tag: str = ""
) -> list[Outcome]:
    """Do one of ACTIONS to each session, or one of TAG_ACTIONS with a tag; return an outcome for each, in their order.

    They are locked in the order of their ids: of two callers, each perhaps in one transaction, none waits for the other
    that waits for them. Raises ReadOnlyToken, Invalid, Impossible before anything is done.
    """
    actor = Actor.of(actor)
    require_write(actor)
    operation = _operation(action, tag)
    if len(session_ids) > MAX_SESSIONS:
        raise Invalid("Too many sessions.", errors=[("session_ids", f"At most {MAX_SESSIONS} at once.")])
    outcomes = [Outcome(str(session_id)) for session_id in session_ids]
    for number in sorted(range(len(outcomes)), key=lambda number: _digits(outcomes[number].session_id)):
        try:
            operation(actor=actor, session_id=session_ids[number])
        except SessionError as problem:
            outcomes[number] = replace(outcomes[number], problem=problem)
    return outcomes


def _digits(session_id: str) -> str:
    """What an id, whole or short, is sorted by."""
    return session_id.replace("-", "").lower()


def _operation(action: str, tag: str) -> Callable[..., object]:
    if action in ACTIONS:
        if tag:
            raise Impossible("A tag goes with the actions tag and untag alone.")
        return ACTIONS[action]
    if action not in TAG_ACTIONS:
        raise Invalid("Unknown action.", errors=[("action", f"One of {', '.join([*ACTIONS, *TAG_ACTIONS])}.")])
    if not tag.strip():
        raise Impossible("Say which tag.")
    checked_tags([tag])
    return partial(TAG_ACTIONS[action], tag=tag)
