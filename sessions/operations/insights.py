"""Counting what somebody's sessions add up to: at once for few, by the worker for many."""

from collections.abc import Callable, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils import timezone

from sessions.access import Actor
from sessions.models import Insights, Session, Status
from sessions.models.insights import count_messages, is_small
from sessions.storage.disk_use import disk_use

if TYPE_CHECKING:
    from django.contrib.auth.models import User

FEW_SESSIONS, FEW_MESSAGES = 200, 20_000
_MEASURED = {True: (200, 10_000), False: (5_000, 500_000)}  # sessions and entries of workspaces, for few and for many
_LARGEST = 10


def read_insights(actor: "Actor | User") -> Insights:
    """What the actor's own sessions add up to: counted now if they are few, else as it was counted last."""
    actor = Actor.of(actor)
    if is_small(actor.user_id, sessions=FEW_SESSIONS, messages=FEW_MESSAGES):
        return Insights(owner_id=actor.user_id, data=_count(actor.user_id, few=True), counted_at=timezone.now())
    return Insights.objects.filter(pk=actor.user_id).first() or Insights(owner_id=actor.user_id)


def keep_insights(owner_id: int, step: Callable[[int], object]) -> int:
    """Count anew and keep it; return how many sessions there were. `step` is called with 1 for each, and may raise."""
    counted = 0

    def counting(sessions: int) -> None:
        nonlocal counted
        counted += sessions
        step(sessions)

    data = _count(owner_id, few=False, step=counting)
    kept = {"data": data, "counted_at": timezone.now()}
    Insights.objects.update_or_create(owner_id=owner_id, defaults=kept)
    return counted


def _count(owner_id: int, *, few: bool, step: Callable[[int], object] = lambda _: None) -> dict[str, Any]:
    most_sessions, entries = _MEASURED[few]
    kept = Session.objects.filter(owner_id=owner_id, status=Status.ACTIVE).order_by("-updated_at", "-pk")
    ids = list(kept.values_list("pk", flat=True)[:most_sessions])
    return count_messages(owner_id, now=timezone.now().astimezone(UTC), step=step) | {
        "disk": _largest(ids, entries, step),
        "measured": len(ids),
    }


def _largest(session_ids: Sequence[UUID], entries: int, step: Callable[[int], object]) -> list[list[Any]]:
    """The sessions whose workspaces take most of the disk, with their bytes."""
    sizes: list[list[Any]] = []
    for session_id in session_ids:
        step(0)
        used = disk_use(session_id, most=max(entries, 1))
        entries -= used.files
        sizes.append([str(session_id), used.bytes])
    return sorted(sizes, key=lambda size: -size[1])[:_LARGEST]
