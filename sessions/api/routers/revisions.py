"""Revisions: what edits replaced, and putting it back."""

from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Path, Query

from sessions import access
from sessions.api.answers import answer, changed_session, revision_answer
from sessions.api.auth import ApiRequest
from sessions.api.openapi import ApiRouter, documented
from sessions.api.pagination import check_start, number_of
from sessions.api.preconditions import expected_version
from sessions.api.schemas.common import Place
from sessions.api.schemas.messages import PageQuery, RevisionListAnswer
from sessions.api.schemas.sessions import SessionAnswer
from sessions.models import Revision
from sessions.operations import editing

router = ApiRouter(tags=["Messages"])


@router.get(
    "/sessions/{session_id}/revisions",
    summary="List what edits replaced, the newest first",
    **documented({200: RevisionListAnswer}, 404, 409),
)
def list_revisions(request: ApiRequest, session_id: str, query: Query[PageQuery]) -> HttpResponse:
    """A revision is a run of messages from `first_index` on, as it was before the edit."""
    check_start(query.cursor, query.offset)
    start = number_of(query.cursor)
    row = access.session_row_for_reading(request.auth, session_id)
    revisions = Revision.objects.filter(session_id=row["id"])
    older = revisions if start is None else revisions.filter(number__lt=start)
    found = list(older.select_related("actor").order_by("-number")[query.offset : query.offset + query.limit + 1])
    page = found[: query.limit]
    data: dict[str, Any] = {
        "revisions": [revision_answer(revision) for revision in page],
        "next": str(page[-1].number) if len(found) > len(page) else None,
    }
    if query.count and query.cursor is None:
        data["count"] = revisions.count()
    return answer(data)


@router.post(
    "/sessions/{session_id}/revisions/{number}/restore",
    summary="Put a revision back",
    **documented({200: SessionAnswer}, 404, writes=True, if_match=True, etag=True),
)
def restore_revision(request: ApiRequest, session_id: str, number: Annotated[Place, Path(...)]) -> HttpResponse:
    """What it replaces becomes a revision in turn."""
    session = editing.restore_revision(
        actor=request.auth, session_id=session_id, number=number, expected_version=expected_version(request)
    )
    return changed_session(session, request.auth)
