"""One action on many sessions; each succeeds or fails by itself."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection
from django.db.models import Q

from sessions.access import Actor, SessionRef, require_write, visible_sessions
from sessions.exceptions import Impossible, Invalid, SessionError, SessionNotFound
from sessions.models.session import short_id_range
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
    owners = _lock(actor, session_ids) if action == "tag" and connection.in_atomic_block else {}
    for number in sorted(range(len(outcomes)), key=lambda number: _place(outcomes[number].session_id, owners)):
        try:
            operation(actor=actor, session_id=session_ids[number])
        except SessionError as problem:
            outcomes[number] = replace(outcomes[number], problem=problem)
    return outcomes


def _place(session_id: str, owners: dict[str, int]) -> tuple[int, str]:
    """What an id, whole or short, is sorted by: its owner, where that is known, and its digits."""
    digits = session_id.replace("-", "").lower()
    return next((owner for found, owner in owners.items() if found.startswith(digits)), 0), digits


def _lock(actor: Actor, session_ids: Sequence[UUID | str]) -> dict[str, int]:
    """Lock the sessions in one order, for a caller in whose transaction all of them change; return their owners.

    A new tag is locked until the transaction ends, and whoever changes a session waits for its tag with the session
    locked. So nobody may have made a tag when they come to lock a session, and two make tags owner by owner.
    """
    refs = []
    for session_id in session_ids:
        with suppress(SessionNotFound):  # told of when its turn comes
            refs.append(SessionRef.parse(session_id))
    which = Q(pk__in=[ref.whole for ref in refs if ref.whole])
    for ref in refs:
        which |= Q() if ref.whole else Q(pk__range=short_id_range(ref.short))
    sessions = visible_sessions(actor).filter(which).select_for_update(of=("self",)).order_by("pk")
    return {pk.hex: owner for pk, owner in sessions.values_list("pk", "owner_id")}


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
