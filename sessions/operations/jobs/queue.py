"""Jobs as people see them: started, listed, cancelled, forgotten."""

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from sessions.access import Actor, require_write
from sessions.exceptions import JobNotFound
from sessions.models import Job, JobKind, Verb
from sessions.models.job import JobQuerySet, Position
from sessions.operations import audit
from sessions.storage import held

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_LISTED = 50
_KEPT = timedelta(days=14)


def start_job(
    *,
    actor: "Actor | User",
    kind: JobKind,
    subject: str,
    arguments: dict[str, Any] | None = None,
    total: int = 0,
    job_id: UUID | None = None,
    session_id: UUID | None = None,
) -> Job:
    """Queue a job for the worker, in the caller's transaction if there is one; return it.

    The caller has checked that the actor may do what the job will do; the job's own operations
    check again. Raises ReadOnlyToken.
    """
    actor = Actor.of(actor)
    require_write(actor)
    return Job.objects.create(
        id=job_id or uuid4(),
        owner_id=actor.user_id,
        kind=kind,
        session_id=session_id,
        subject=subject if len(subject) <= 255 else subject[:254] + "…",
        actor={
            "token_id": actor.token_id,
            "token_name": actor.token_name,
            "only_session": str(actor.only_session) if actor.only_session else None,
        },
        arguments=arguments or {},
        total=total,
    )


def jobs_of(actor: "Actor | User", *, limit: int = _LISTED, after: Position | None = None) -> list[Job]:
    """The actor's newest jobs, the newest first, or those behind a position in that list."""
    return _visible_jobs(Actor.of(actor)).page(limit=limit, after=after)


def _visible_jobs(actor: Actor) -> JobQuerySet:
    """The actor's own; a token that is limited to a session sees those that were started with such a one."""
    jobs = Job.objects.filter(owner_id=actor.user_id)
    return jobs if actor.only_session is None else jobs.filter(actor__only_session=str(actor.only_session))


def job_for_reading(actor: "Actor | User", job_id: UUID | str) -> Job:
    """The job if it is the actor's own. Raises JobNotFound."""
    try:
        found = _visible_jobs(Actor.of(actor)).filter(pk=UUID(str(job_id))).first()
    except ValueError:
        found = None
    if found is None:
        raise JobNotFound("There is no job with this id, or it isn't yours.")
    return found


def cancel_job(*, actor: "Actor | User", job_id: UUID | str) -> Job:
    """Stop a job: at once if it waits, at its next step if it is under way. What it has done stays done.

    A finished job stays what it is. Raises JobNotFound, ReadOnlyToken.
    """
    actor = Actor.of(actor)
    require_write(actor)
    found = job_for_reading(actor, job_id)
    with transaction.atomic():
        job = stop_job(actor, id=found.pk)
    return job or job_for_reading(actor, found.pk)


def stop_job(actor: Actor, **which: UUID) -> Job | None:
    """Stop a job, by its `id` or `session_id`, for whoever the caller lets do that; in the caller's transaction.

    One that works on a session is told of in its history. Return it; None if it has ended, or is being stopped already.
    """
    job = Job.objects.stop(**which)
    if job is None:
        return None
    if job.session_id is not None:
        audit.record(actor, Verb.INDEXING_CANCELLED, job.session_id)
    if job.is_finished:
        transaction.on_commit(partial(held.release, job.pk), robust=True)
    return job


def forget_old_jobs() -> int:
    """Forget jobs that were finished two weeks ago; return how many there were."""
    return Job.objects.filter(finished_at__lt=timezone.now() - _KEPT).delete()[0]


def release_abandoned_files() -> int:
    """Remove files that no unfinished job waits for; return for how many jobs they were held."""
    removed = 0
    for job_id in held.abandoned():
        if not Job.objects.unfinished().filter(pk=job_id).exists():
            held.release(job_id)
            removed += 1
    return removed
