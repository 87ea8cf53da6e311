"""Counting what was done in a session. Counters and uses move in SQL: parallel increments add up."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from sessions.access import Actor, session_for_writing
from sessions.exceptions import Invalid
from sessions.models import Event, ModelKind, ModelUsage, ProcessingStats, Session, Verb
from sessions.models.model_usage import add_up_usage, note_use
from sessions.models.processing_stats import COUNTERS, add_to_counters, add_up_counters
from sessions.operations import audit
from sessions.operations.changing import check_version, mark_accessed
from sessions.operations.values import checked_text, checked_time

if TYPE_CHECKING:
    from django.contrib.auth.models import User

LARGEST_STEP = 2**31 - 1


def add_statistics(
    *,
    actor: "Actor | User",
    session_id: UUID | str,
    counts: Mapping[str, int],
    last_processing_time: datetime | None = None,
    expected_version: int | None = None,
) -> Session:
    """Add to counters of COUNTERS; `last_processing_time` is now if it isn't given, and never moves back.

    Raises SessionNotFound, NotAllowed, StaleVersion, Invalid.
    """
    actor = Actor.of(actor)
    for name, amount in counts.items():
        if name not in COUNTERS or not 0 <= amount <= LARGEST_STEP:
            raise Invalid("A counter can't grow by that.", errors=[(name, f"0 to {LARGEST_STEP} to add.")])
    if last_processing_time is not None:
        checked_time("last_processing_time", last_processing_time)
    with transaction.atomic():
        session = session_for_writing(actor, session_id, lock=True)
        check_version(session, expected_version)
        add_to_counters(session.pk, counts, last_processing_time or timezone.now())
        mark_accessed(session.pk, session.last_accessed)
        audit.record(actor, Verb.STATISTICS_ADDED, session.pk, **counts)
    return session


def note_model_use(
    *, actor: "Actor | User", session_id: UUID | str, kind: str, name: str, expected_version: int | None = None
) -> Session:
    """Count one use of a model. Raises SessionNotFound, NotAllowed, StaleVersion, Invalid."""
    actor = Actor.of(actor)
    name = checked_text("model_name", name.strip(), longest=255, blank=False)
    if kind not in ModelKind.values:
        raise Invalid("Unknown kind of model.", errors=[("model_type", f"One of {', '.join(ModelKind.values)}.")])
    with transaction.atomic():
        session = session_for_writing(actor, session_id, lock=True)
        check_version(session, expected_version)
        note_use(session.pk, kind, name, timezone.now())
        mark_accessed(session.pk, session.last_accessed)
        audit.record(actor, Verb.MODEL_USED, session.pk, model_type=kind, model_name=name)
    return session


def count_anew(session_id: UUID) -> None:
    """Make a session's counters and reported uses what its events say, in the caller's transaction, which locks it."""
    counters = ProcessingStats.objects.filter(session_id=session_id)
    latest = counters.values_list("last_processing_time", flat=True).first()
    counters.delete()
    ModelUsage.objects.filter(session_id=session_id).delete()
    events = Event.objects.filter(session_id=session_id).order_by("pk")
    for verb, detail, at in events.filter(verb__in=(Verb.STATISTICS_ADDED, Verb.MODEL_USED)).values_list(
        "verb", "detail", "at"
    ):
        if verb == Verb.MODEL_USED:
            note_use(session_id, detail["model_type"], detail["model_name"], at)
        else:
            add_to_counters(session_id, {name: detail[name] for name in COUNTERS if name in detail}, at)
    if latest is not None:  # events don't tell it where somebody has given it
        add_to_counters(session_id, {}, latest)


def add_up_statistics(target_id: UUID, source_ids: Sequence[UUID]) -> None:
    """Give a session that is made of others their counters and reported uses together, in the caller's transaction."""
    add_up_counters(target_id, source_ids)
    add_up_usage(target_id, source_ids)
