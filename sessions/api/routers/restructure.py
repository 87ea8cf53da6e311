"""New sessions out of others: fork, merge, split; and telling sessions apart."""

from django.http import HttpResponse
from django.urls import reverse

from sessions.api.answers import changed_session
from sessions.api.auth import ApiRequest
from sessions.api.idempotency import once, sees_to_its_key
from sessions.api.openapi import ApiRouter, documented
from sessions.api.preconditions import expected_version
from sessions.api.schemas.restructure import ForkForm
from sessions.api.schemas.sessions import SessionAnswer
from sessions.models import Session
from sessions.operations.restructure.files import WorkspaceCopy
from sessions.operations.restructure.forking import fork_session, stage_fork

router = ApiRouter(tags=["Sessions"])


@router.post(
    "/sessions/{session_id}/fork",
    summary="Go on from a message in a session of one's own",
    operation_id="fork_session",
    **documented({201: SessionAnswer}, 404, writes=True, if_match=True, etag=True, location=True),
)
@sees_to_its_key
def fork(request: ApiRequest, session_id: str, form: ForkForm) -> HttpResponse:
    """The transcript up to `at_index`, that message included, with copies of the files, in a new session of yours.

    Whoever may read a session may fork it. Messages keep their `origin`.
    """
    actor, version = request.auth, expected_version(request)
    with WorkspaceCopy() as workspace:

        def make() -> HttpResponse:
            made = fork_session(
                actor=actor,
                session_id=session_id,
                at_index=form.at_index,
                name=form.name or "",
                expected_version=version,
                workspace=workspace,
            )
            return _made(request, made)

        def copy() -> None:
            stage_fork(workspace, actor=actor, session_id=session_id, files=form.files)

        return once(request, make, before=copy)


def _made(request: ApiRequest, session: Session) -> HttpResponse:
    return changed_session(session, request.auth, 201, location=reverse("api-1:read_session", args=[session.pk]))
