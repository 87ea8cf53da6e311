"""The search index of a workspace: whether it is there, made by a job, stopped."""

from uuid import UUID

from django.http import HttpResponse

from sessions.access import session_row_for_reading
from sessions.api.answers import answer, session_id_of
from sessions.api.auth import ApiRequest
from sessions.api.openapi import ApiRouter, documented
from sessions.api.preconditions import expected_version
from sessions.api.schemas.indexing import IndexAnswer
from sessions.models import Job
from sessions.operations.jobs.indexing import cancel_index, index_later
from sessions.storage import workspaces
from sessions.storage.indexing import is_installed

router = ApiRouter(tags=["Files"])


@router.get(
    "/sessions/{session_id}/index",
    summary="Read the state of a workspace's search index",
    **documented({200: IndexAnswer}, 404, 409),
)
def read_index(request: ApiRequest, session_id: str) -> HttpResponse:
    """With the indexing that was started last, and what its program says."""
    found = session_id_of(session_row_for_reading(request.auth, session_id))
    return _index(request, found, Job.objects.newest_of(found))


@router.post(
    "/sessions/{session_id}/index",
    summary="Index the workspace",
    **documented({202: IndexAnswer}, 404, 409, writes=True, if_match=True),
)
def start_index(request: ApiRequest, session_id: str) -> HttpResponse:
    """A job of the worker's. While one waits or is under way, no other is started: that one is the answer."""
    job = index_later(actor=request.auth, session_id=session_id, expected_version=expected_version(request))
    assert job.session_id is not None  # noqa: S101  (for the type checker)
    return _index(request, job.session_id, job, 202)


@router.post(
    "/sessions/{session_id}/index/cancel",
    summary="Stop indexing the workspace",
    **documented({200: IndexAnswer}, 404, 409, writes=True),
)
def stop_index(request: ApiRequest, session_id: str) -> HttpResponse:
    """The program is ended with all that it has started. What is indexed stays; one that has ended stays what it is."""
    return _index(request, *cancel_index(actor=request.auth, session_id=session_id))


def _index(request: ApiRequest, session_id: UUID, job: Job | None, status: int = 200) -> HttpResponse:
    found = {
        "session_id": session_id,
        "is_indexed": workspaces.state(session_id).is_indexed,
        "is_installed": is_installed(),
        "job": None,
    }
    if job is not None:
        is_own = job.owner_id == request.auth.user_id
        found["job"] = {
            "job_id": job.pk,
            "state": job.state,
            "cancel_requested": job.cancel_requested,
            "started_by": request.auth.username if is_own else job.started_by,
            "created_at": job.created_at,
            "started_at": job.started_at,
            "finished_at": job.finished_at,
            "exit_code": job.exit_code,
            "error": job.error or None,
            "output": job.output,
        }
    return answer(found, status)
