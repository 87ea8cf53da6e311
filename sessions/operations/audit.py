"""The audit row of a change, written in the same transaction as the change."""

from typing import Any
from uuid import UUID

from django.utils import timezone

from sessions.access import Actor
from sessions.models import Event, Verb


def record(actor: Actor, verb: Verb, session_id: UUID | None, **detail: Any) -> None:
    """Write one event. `detail` is small: names, counts and indexes, never contents."""
    Event.objects.append(
        session_id=session_id,
        actor_id=actor.user_id,
        actor_name=actor.username,
        token_name=actor.token_name,
        verb=verb.value,
        detail=detail,
        at=timezone.now(),
    )
