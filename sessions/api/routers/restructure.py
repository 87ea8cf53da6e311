"""New sessions out of others: fork, merge, split; and what is done to many."""

from contextlib import ExitStack
from typing import Any

import orjson
from django.http import HttpResponse
from django.urls import reverse

from sessions.api.answers import accepted, answer, changed_session, changed_sessions
from sessions.api.auth import ApiRequest
from sessions.api.errors import problem_of
from sessions.api.idempotency import once, sees_to_its_key
from sessions.api.openapi import ApiRouter, documented
from sessions.api.preconditions import expected_version
from sessions.api.schemas.restructure import BulkAnswer, BulkForm, ForkForm, MergeForm, PartForm, SplitAnswer, SplitForm
from sessions.api.schemas.sessions import SessionAnswer
from sessions.models import Session
from sessions.operations.bulk import Outcome, apply_to_sessions
from sessions.operations.jobs import forking, merging, splitting
from sessions.operations.restructure.files import WorkspaceCopy
from sessions.operations.restructure.forking import fork_session, stage_fork
from sessions.operations.restructure.merging import Order, merge_sessions, stage_merge
from sessions.operations.restructure.splitting import Part, Split, split_session, stage_split

router = ApiRouter(tags=["Sessions"])


@router.post(
    "/sessions/{session_id}/fork",
    summary="Go on from a message in a session of one's own",
    operation_id="fork_session",
    **documented({201: SessionAnswer}, 404, writes=True, if_match=True, etag=True, location=True, later=True),
)
@sees_to_its_key
def fork(request: ApiRequest, session_id: str, form: ForkForm) -> HttpResponse:
    """The transcript up to `at_index`, that message included, with copies of the files, in a new session of yours.

    Whoever may read a session may fork it. Messages keep their `origin`. What takes long the worker does: 202 with the
    job, whose `result` names the new `session_id`.
    """
    what: dict[str, Any] = {
        "actor": request.auth,
        "session_id": session_id,
        "files": form.files,
        "vectors": form.vectors,
    }
    asked = {**what, "at_index": form.at_index, "name": form.name or "", "expected_version": expected_version(request)}
    is_job = False
    with WorkspaceCopy() as workspace:

        def make() -> HttpResponse:
            if is_job:
                return accepted(forking.fork_later(**asked))
            return _made(request, fork_session(**asked, workspace=workspace))

        def copy() -> None:
            nonlocal is_job
            is_job = forking.is_long(**what, at_index=form.at_index)
            if not is_job:
                stage_fork(workspace, **what)

        return once(request, make, before=copy)


@router.post(
    "/sessions/merge",
    summary="Make one session of several",
    operation_id="merge_sessions",
    **documented({201: SessionAnswer}, 404, writes=True, etag=True, location=True, later=True),
)
@sees_to_its_key
def merge(request: ApiRequest, form: MergeForm) -> HttpResponse:
    """Sources are yours; they stay, archived unless `archive_sources` is false.

    Files land in `content/<short_id of the source>/`, tags are the union, settings are the first source's. Messages
    keep their `origin`. What takes long the worker does: 202 with the job, whose `result` names the new `session_id`.
    """
    asked: dict[str, Any] = {
        "actor": request.auth,
        "source_session_ids": form.source_session_ids,
        "target_name": form.target_name or "",
        "target_description": form.target_description or "",
        "tags": form.tags or (),
        "metadata": form.metadata,
        "order": Order(form.order),
        "archive_sources": form.archive_sources,
        "vectors": form.vectors,
    }
    staged = {name: asked[name] for name in ("actor", "source_session_ids", "vectors")}
    is_job = False
    with WorkspaceCopy() as workspace:

        def make() -> HttpResponse:
            if is_job:
                return accepted(merging.merge_later(**asked))
            return _made(request, merge_sessions(**asked, workspace=workspace))

        def copy() -> None:
            nonlocal is_job
            is_job = merging.is_long(**staged)
            if not is_job:
                stage_merge(workspace, **staged)

        return once(request, make, before=copy)


@router.post(
    "/sessions/{session_id}/split",
    summary="Copy parts of a session into new ones",
    operation_id="split_session",
    **documented({201: SplitAnswer}, 404, writes=True, if_match=True, later=True),
)
@sees_to_its_key
def split(request: ApiRequest, session_id: str, form: SplitForm) -> HttpResponse:
    """Each part is a new session. The session keeps everything but their points; `archive_original` archives it.

    What takes long the worker does: 202 with the job, whose `result` names the new `session_ids`.
    """
    what: dict[str, Any] = {
        "actor": request.auth,
        "session_id": session_id,
        "parts": [_part(part) for part in form.parts],
    }
    asked = {**what, "archive_original": form.archive_original, "remove_points": form.remove_points}
    asked["expected_version"] = expected_version(request)
    workspaces: list[WorkspaceCopy] = []
    with ExitStack() as stack:

        def make() -> HttpResponse:
            if not workspaces:
                return accepted(splitting.split_later(**asked))
            return _split(request, split_session(**asked, workspaces=workspaces))

        def copy() -> None:
            if not splitting.is_long(**what):
                workspaces.extend(stage_split(stack, **what))

        return once(request, make, before=copy)


def _split(request: ApiRequest, made: Split) -> HttpResponse:
    data = {
        "new_sessions": changed_sessions(made.sessions, request.auth),
        "assigned_points": made.assigned_points,
        "removed_points": made.removed_points,
    }
    return answer(data, 201)


def _part(form: PartForm) -> Part:
    return Part(
        name=form.name,
        description=form.description or "",
        tags=form.tags,
        metadata=form.metadata or {},
        message_ranges=[(first, last) for first, last in form.message_ranges or ()],
        files=form.files or (),
        point_ids=form.point_ids or (),
    )


@router.post(
    "/sessions/bulk",
    summary="Archive, restore, delete, pin or tag many sessions",
    operation_id="change_sessions",
    **documented({200: BulkAnswer}, writes=True),
)
def bulk(request: ApiRequest, form: BulkForm) -> HttpResponse:
    """Each session succeeds or fails by itself. `delete` moves to the trash; `purge` deletes for ever, there or not."""
    outcomes = apply_to_sessions(
        actor=request.auth, action=form.action, session_ids=form.session_ids, tag=form.tag or ""
    )
    return answer({"results": [_result(outcome) for outcome in outcomes]})


def _result(outcome: Outcome) -> dict[str, Any]:
    result: dict[str, Any] = {"session_id": outcome.session_id, "ok": outcome.problem is None}
    if outcome.problem is not None and (problem := problem_of(outcome.problem)) is not None:
        result["problem"] = orjson.Fragment(problem.body())
    return result


def _made(request: ApiRequest, session: Session) -> HttpResponse:
    return changed_session(session, request.auth, 201, location=reverse("api-1:read_session", args=[session.pk]))
