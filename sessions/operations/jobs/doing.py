"""What the worker does: takes up jobs, does them, and writes down how they ended."""

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from django.db import Error

from sessions.exceptions import SessionError, StorageError
from sessions.models import Job, JobKind, JobState
from sessions.operations.jobs import counting, forking, importing, indexing, merging, purging, splitting, undoing
from sessions.operations.jobs.work import Cancelled, Interrupted, LeaseLost, Work
from sessions.storage import held

KINDS: Mapping[str, Callable[[Work], dict[str, Any]]] = {
    JobKind.PURGE: purging.purge,
    JobKind.EMPTY_TRASH: purging.empty_trash,
    JobKind.IMPORT: importing.import_files,
    JobKind.INDEX: indexing.index,
    JobKind.UNDO_IMPORT: undoing.undo,
    JobKind.MERGE: merging.merge,
    JobKind.FORK: forking.fork,
    JobKind.SPLIT: splitting.split,
    JobKind.INSIGHTS: counting.count,
}
MOST_ATTEMPTS = 5  # after so many killed workers the job is taken for their cause

logger = structlog.get_logger(__name__)


def do_next_job(is_ending: Callable[[], bool] = lambda: False) -> bool:
    """Take up the oldest waiting job and do it; return whether there was one.

    A job whose worker was killed waits again once its lease has run out. `is_ending` is asked at
    every step: a worker that is being ended gives the job back.
    """
    job = Job.objects.take()
    if job is None:
        return False
    work = Work(job, is_ending)
    if job.attempts > MOST_ATTEMPTS:
        work.finish(JobState.FAILED, error="It was cut off again and again, and isn't tried any more.")
    else:
        with work:
            _do(work)
    _let_go(job)
    return True


def _do(work: Work) -> None:
    job = work.job
    try:
        result = KINDS[job.kind](work)
        if not work.is_concluded:
            work.finish(JobState.DONE, result=result)
    except Interrupted:
        work.give_back()
    except Cancelled:
        work.finish(JobState.CANCELLED)
    except LeaseLost:
        logger.warning("job_lease_lost", job_id=str(job.pk))
    except SessionError as error:
        work.finish(JobState.FAILED, error=error.detail)
    except Error as error:  # it is away: another attempt follows when the lease has run out
        logger.warning("job_cut_off", job_id=str(job.pk), kind=job.kind, error=str(error))
    except Exception:  # a mistake of ours in one job must not end the worker, and its owner must see it
        logger.exception("job_failed", job_id=str(job.pk), kind=job.kind)
        work.finish(JobState.FAILED, error="Something went wrong inside. The server's log says what.")


def _let_go(job: Job) -> None:
    """Remove the files of a job that has ended."""
    if not Job.objects.unfinished().filter(pk=job.pk).exists():
        try:
            held.release(job.pk)
        except StorageError as error:
            logger.warning("files_of_job_stay", job_id=str(job.pk), error=error.detail)
