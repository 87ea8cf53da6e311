"""What a run makes and reports: artifacts, tasks, errors, the log."""

from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import HttpResponse
from ninja import Body, Path, Query

from sessions import access
from sessions.api.answers import answer, session_id_of
from sessions.api.auth import ApiRequest
from sessions.api.errors import invalid
from sessions.api.openapi import ApiRouter, documented
from sessions.api.pagination import check_start, number_of
from sessions.api.preconditions import expected_version
from sessions.api.progress_answers import (
    error_answer,
    line_answer,
    row_of_entry,
    row_of_task,
    task_answer,
    tasks_answer,
)
from sessions.api.schemas.runs import (
    ArtifactAnswer,
    ArtifactForm,
    ArtifactQuery,
    EntryListQuery,
    ErrorEntryAnswer,
    ErrorForm,
    ErrorListAnswer,
    Kind,
    LinesForm,
    LogForm,
    LoggedAnswer,
    LogListAnswer,
    TaskAnswer,
    TaskChangesForm,
    TasksAnswer,
    TasksForm,
)
from sessions.exceptions import ArtifactNotFound
from sessions.models import Artifact, ErrorEntry, LogEntry
from sessions.operations.runs import artifacts, reports, tasks
from sessions.operations.runs.reports import NewLine
from sessions.operations.runs.tasks import NewTask

router = ApiRouter(tags=["Runs"])


@router.get(
    "/sessions/{session_id}/artifacts/{kind}",
    summary="Read an artifact",
    **documented({200: ArtifactAnswer}, 404, 409),
)
def read_artifact(
    request: ApiRequest, session_id: str, kind: Annotated[Kind, Path(...)], query: Query[ArtifactQuery]
) -> HttpResponse:
    """`kind` is intent_profile, build_spec, concept, task_graph or any other word. `data` is null if it is a file."""
    row = access.session_row_for_reading(request.auth, session_id)
    return answer(_artifact(str(session_id_of(row)), artifacts.checked_kind(kind), query.version))


@router.put(
    "/sessions/{session_id}/artifacts/{kind}",
    summary="Keep a new version of an artifact",
    **documented({200: ArtifactAnswer}, 404, 409, writes=True, if_match=True, etag=True),
)
def set_artifact(
    request: ApiRequest, session_id: str, kind: Annotated[Kind, Path(...)], form: ArtifactForm
) -> HttpResponse:
    """JSON as `data`, or the `path` of a file in the workspace. What is the same as the newest makes no new version."""
    if ("data" in form.model_fields_set) == ("path" in form.model_fields_set):
        raise invalid("data", "Give either data or path.")
    artifact, version = artifacts.set_artifact(
        actor=request.auth,
        session_id=session_id,
        kind=kind,
        data=form.data,
        path=form.path or "",
        expected_version=expected_version(request),
    )
    return answer(_artifact(str(artifact.session_id), artifact.kind, artifact.version), version=version)


def _artifact(session_id: str, kind: str, version: int | None) -> dict[str, Any]:
    found = Artifact.objects.filter(session_id=session_id, kind=kind).order_by("-version")
    versions = list(found.values("version", "created_at"))
    wanted = found.first() if version is None else found.filter(version=min(version, 2**31 - 1)).first()
    if wanted is None:
        raise ArtifactNotFound("The run has made no such artifact.", session_id=session_id, kind=kind)
    return {
        "kind": kind,
        "version": wanted.version,
        "data": wanted.data,
        "path": wanted.path or None,
        "created_at": wanted.created_at,
        "versions": versions,
    }


@router.put(
    "/sessions/{session_id}/tasks",
    summary="Set the tasks of a run",
    **documented({200: TasksAnswer}, 404, 409, writes=True, if_match=True, etag=True),
)
def set_tasks(request: ApiRequest, session_id: str, form: TasksForm) -> HttpResponse:
    """They replace those that there are. At most one is active."""
    wanted = [NewTask(**task.model_dump(exclude_none=True)) for task in form.tasks]
    kept, version = tasks.set_tasks(
        actor=request.auth, session_id=session_id, tasks=wanted, expected_version=expected_version(request)
    )
    return answer(tasks_answer([row_of_task(task) for task in kept]), version=version)


@router.patch(
    "/sessions/{session_id}/tasks/{task_id}",
    summary="Move a task",
    **documented({200: TaskAnswer}, 404, 409, writes=True, if_match=True, etag=True),
)
def update_task(request: ApiRequest, session_id: str, task_id: str, form: TaskChangesForm) -> HttpResponse:
    """409 if another one is active already, or if the task is completed, which it stays."""
    task, version = tasks.update_task(
        actor=request.auth,
        session_id=session_id,
        task_id=task_id,
        expected_version=expected_version(request),
        **{name: getattr(form, name) for name in form.model_fields_set},
    )
    return answer(task_answer(task), version=version)


@router.get(
    "/sessions/{session_id}/errors",
    summary="List what went wrong",
    **documented({200: ErrorListAnswer}, 404, 409),
)
def list_errors(request: ApiRequest, session_id: str, query: Query[EntryListQuery]) -> HttpResponse:
    """In order of arrival, or the newest first. `after` follows what is new."""
    row = access.session_row_for_reading(request.auth, session_id)
    found = ErrorEntry.objects.filter(session_id=row["id"])
    return answer(_entries(found, query, "errors", error_answer))


@router.post(
    "/sessions/{session_id}/errors",
    summary="Report an error",
    **documented({201: ErrorEntryAnswer}, 404, 409, writes=True, if_match=True, etag=True),
)
def add_error(request: ApiRequest, session_id: str, form: ErrorForm) -> HttpResponse:
    """In the current phase, unless it names another. The run goes on: say with `fail` that it doesn't."""
    entry, version = reports.add_error(
        actor=request.auth,
        session_id=session_id,
        error_message=form.error_message,
        task_id=form.task_id or "",
        phase=form.phase,
        timestamp=form.timestamp,
        expected_version=expected_version(request),
    )
    return answer(error_answer(row_of_entry(entry)), 201, version=version)


@router.get(
    "/sessions/{session_id}/logs",
    summary="Read the log",
    **documented({200: LogListAnswer}, 404, 409),
)
def list_logs(request: ApiRequest, session_id: str, query: Query[EntryListQuery]) -> HttpResponse:
    """In order of arrival, or the newest first. `after` follows what is new."""
    row = access.session_row_for_reading(request.auth, session_id)
    found = LogEntry.objects.filter(session_id=row["id"])
    return answer(_entries(found, query, "logs", line_answer))


@router.post(
    "/sessions/{session_id}/logs",
    summary="Add a line to the log, or up to 1,000 of them",
    **documented({201: LoggedAnswer}, 404, 409, writes=True, if_match=True, etag=True),
)
def add_logs(request: ApiRequest, session_id: str, form: Annotated[LogForm, Body(...)]) -> HttpResponse:
    """All or none, in order of arrival."""
    forms = form.logs if isinstance(form, LinesForm) else [form]
    entries, version = reports.add_logs(
        actor=request.auth,
        session_id=session_id,
        lines=[NewLine(line.message, line.timestamp) for line in forms],
        expected_version=expected_version(request),
    )
    return answer({"logs": [line_answer(row_of_entry(entry)) for entry in entries]}, 201, version=version)


def _entries(found: QuerySet[Any], query: EntryListQuery, name: str, form: Any) -> dict[str, Any]:
    """A page of errors or lines; their ids are in order of arrival."""
    check_start(query.cursor, query.offset)
    start = number_of(query.cursor)
    part = found if query.after is None else found.filter(pk__gt=query.after)
    if start is not None:
        part = part.filter(pk__gt=start) if query.order == "asc" else part.filter(pk__lt=start)
    rows = list(
        part.order_by("pk" if query.order == "asc" else "-pk").values()[query.offset : query.offset + query.limit + 1]
    )
    page = rows[: query.limit]
    data: dict[str, Any] = {
        name: [form(row) for row in page],
        "next": str(page[-1]["id"]) if len(rows) > len(page) else None,
    }
    if query.count and query.cursor is None:
        data["count"] = found.count()
    return data
