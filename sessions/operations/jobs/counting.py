"""Counting insights of many sessions."""

from typing import TYPE_CHECKING, Any

from django.db import transaction

from sessions.access import Actor
from sessions.models import Insights, Job, JobKind, SessionCount, Status
from sessions.operations.insights import keep_insights
from sessions.operations.jobs.queue import start_job
from sessions.operations.jobs.work import Work

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def count_later(*, actor: "Actor | User") -> Job:
    """Start a job that counts anew, unless one does already; return it. Raises ReadOnlyToken."""
    actor = Actor.of(actor)
    with transaction.atomic():
        Insights.objects.bulk_create([Insights(owner_id=actor.user_id)], ignore_conflicts=True)
        Insights.objects.select_for_update().get(pk=actor.user_id)  # of two who ask at once, one is second
        going = counting_job(actor)
        if going is not None:
            return going
        sessions = SessionCount.objects.sessions(actor.user_id, Status.values)
        subject = "1 session" if sessions == 1 else f"{sessions:,} sessions"
        return start_job(actor=actor, kind=JobKind.INSIGHTS, subject=subject, total=sessions)


def counting_job(actor: "Actor | User") -> Job | None:
    """The job that counts for the actor, if one waits or is under way."""
    return Job.objects.unfinished().filter(owner_id=Actor.of(actor).user_id, kind=JobKind.INSIGHTS).first()


def count(work: Work) -> dict[str, Any]:
    """Count from the beginning, also after an attempt that was cut off: nothing was kept of it."""
    work.advance(0)
    return {"sessions": keep_insights(work.actor().user_id, work.step)}
