"""The audit row of a change, written in the same transaction as the change."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils import timezone

from sessions.access import Actor
from sessions.models import Event, Verb

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ITSELF = "ResearchMind"


def record(actor: Actor, verb: Verb, session_id: UUID | None, **detail: Any) -> None:
    """Write one event. `detail` is small: names, counts and indexes, never contents."""
    who = {"actor_id": actor.user_id, "actor_name": actor.username, "token_name": actor.token_name}
    _append(verb, session_id, who, detail)


def record_of_account(actor: Actor, verb: Verb, account: "User", **detail: Any) -> None:
    """Write one event of something that was done to an account, perhaps by somebody else: it is in that one's feed."""
    who = {"actor_id": actor.user_id, "actor_name": actor.username, "token_name": actor.token_name}
    _append(verb, None, who | {"account_id": account.pk}, {"username": account.get_username()} | detail)


def record_by_itself(verb: Verb, session_id: UUID | None, **detail: Any) -> None:
    """Write one event of something that nobody asked for: the server did it by itself."""
    _append(verb, session_id, {"actor_id": None, "actor_name": ITSELF, "token_name": ""}, detail)


def _append(verb: Verb, session_id: UUID | None, who: dict[str, Any], detail: dict[str, Any]) -> None:
    Event.objects.append(
        session_id=session_id,
        **who,
        verb=verb.value,
        detail=detail,
        at=timezone.now(),
    )
