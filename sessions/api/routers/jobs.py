"""Jobs: long work that was left to the worker, followed and cancelled."""

from django.http import HttpResponse
from ninja import Query

from sessions.api.answers import answer, job_answer
from sessions.api.auth import ApiRequest
from sessions.api.openapi import ApiRouter, documented
from sessions.api.pagination import job_cursor, job_position
from sessions.api.schemas.jobs import JobAnswer, JobListAnswer, JobQuery
from sessions.operations.jobs.queue import cancel_job, job_for_reading, jobs_of

router = ApiRouter(tags=["Jobs"])


@router.get("/jobs", summary="Your jobs, the newest first", **documented({200: JobListAnswer}))
def list_jobs(request: ApiRequest, query: Query[JobQuery]) -> HttpResponse:
    """Finished ones are forgotten after two weeks. A token for one session sees jobs started with such a token."""
    found = jobs_of(request.auth, limit=query.limit + 1, after=job_position(query.cursor))
    page = found[: query.limit]
    more = job_cursor(page[-1]) if len(found) > len(page) else None
    return answer({"jobs": [job_answer(job) for job in page], "next": more})


@router.get("/jobs/{job_id}", summary="How far a job is, and what came of it", **documented({200: JobAnswer}, 404))
def read_job(request: ApiRequest, job_id: str) -> HttpResponse:
    """Ask again until `state` is `done`, `failed` or `cancelled`; a second between two questions is enough."""
    return answer(job_answer(job_for_reading(request.auth, job_id)))


@router.post(
    "/jobs/{job_id}/cancel",
    summary="Cancel a job",
    operation_id="cancel_job",
    **documented({200: JobAnswer}, 404, writes=True),
)
def cancel(request: ApiRequest, job_id: str) -> HttpResponse:
    """At once if it waits, at its next step if it is under way. What it has done stays done; a finished job stays."""
    return answer(job_answer(cancel_job(actor=request.auth, job_id=job_id)))
