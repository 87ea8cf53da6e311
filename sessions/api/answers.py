"""What the API says about sessions and messages: one form each, wherever they come from."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from django.http import HttpResponse
from django.urls import reverse

from sessions.access import Actor, SessionRole, role_of
from sessions.api.preconditions import etag
from sessions.models import Job, Revision, Role, Session, Status
from sessions.models.rows import Row, id_text
from sessions.models.session_list import LIST_FIELDS, session_reader, session_row
from sessions.operations.tags import tags_of
from sessions.operations.transcript import Appended, NewMessage
from sessions.storage import workspaces
from sessions.storage.workspaces import WorkspaceState

JSON = "application/json"
_STATUS = LIST_FIELDS.index("status")
_Key = tuple[tuple[Any, ...], bool, int, str]
_kept_answers: dict[_Key, orjson.Fragment] = {}
_MOST_KEPT, _LONGEST_KEPT = 2_000, 4_000  # rows, bytes of one
_TRASHED, _ARCHIVED, _OWNER = Status.DELETED.value, Status.ARCHIVED.value, SessionRole.OWNER.value


def answer(data: Any, status: int = 200, *, version: int | None = None, location: str | None = None) -> HttpResponse:
    """An answer of JSON. `version` becomes its ETag."""
    headers = {}
    if version is not None:
        headers["ETag"] = etag(version)
    if location is not None:
        headers["Location"] = location
    body = orjson.dumps(data, option=orjson.OPT_UTC_Z)
    return HttpResponse(body, status=status, content_type=JSON, headers=headers)


def no_content() -> HttpResponse:
    """204: done, and there is nothing to say."""
    response = HttpResponse(status=204)
    del response.headers["Content-Type"]
    return response


def session_answer(row: Row) -> dict[str, Any]:
    """A session as the API shows it, from a row of a list."""
    return session_answers([row])[0]


def session_answers(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Sessions as the API shows them, from rows of a list."""
    root = workspaces.root_text()
    return [
        _session_answer(row, root, workspaces.state_at(root, row["id"], in_trash=row["status"] == _TRASHED))
        for row in rows
    ]


def listed_answers(rows: Iterable[tuple[Any, ...]]) -> list[orjson.Fragment]:
    """The same as ready bytes, from values of `list_values`: of 50 sessions most are what they were a moment ago.

    Everything that an answer is made of is in its key, so a kept one is never out of date.
    """
    root = workspaces.root_text()
    answers = []
    for values in rows:
        workspace = workspaces.state_at(root, id_text(values[0]), in_trash=values[_STATUS] == _TRASHED)
        key = (values, workspace.is_indexed, workspace.content_count, root)
        answers.append(_kept_answers.get(key) or _make_answer(key, workspace))
    return answers


def _make_answer(key: _Key, workspace: WorkspaceState) -> orjson.Fragment:
    values, _, _, root = key
    made = orjson.dumps(_session_answer(session_row(values), root, workspace), option=orjson.OPT_UTC_Z)
    answer = orjson.Fragment(made)
    if len(made) <= _LONGEST_KEPT:
        if len(_kept_answers) >= _MOST_KEPT:
            _kept_answers.clear()
        _kept_answers[key] = answer
    return answer


def _session_answer(row: Row, root: str, workspace: WorkspaceState) -> dict[str, Any]:
    session_id, status, ttl = row["id"], row["status"], row["ttl_seconds"]
    in_trash = status == _TRASHED
    return {
        "session_id": session_id,
        "short_id": session_id[:8] + session_id[9:11],
        "name": row["name"],
        "description": row["description"],
        "status": status,
        "archived": status == _ARCHIVED,
        "pinned": row["pinned"],
        "owner": row["owner_name"],
        "owner_id": row["owner_id"],
        "tags": row["tags"],
        "model": row["model"] or None,
        "phase": row["phase"] or None,
        "message_count": row["message_count"],
        "preview": row["preview"],
        "summary": row["summary"],
        "summary_model": row["summary_model"] or None,
        "tool_settings": row["tool_settings"],
        "agent_settings": row["agent_settings"],
        "context_window_config": row["context_window_config"],
        "configuration": row["configuration"],
        "metadata": row["metadata"],
        "ttl_seconds": ttl,
        "expires_at": None if ttl is None else row["last_accessed"] + timedelta(seconds=ttl),
        "workspace_path": None if in_trash else f"{root}/{session_id}",
        "is_indexed": workspace.is_indexed,
        "content_count": workspace.content_count,
        "is_shared": bool(row["is_shared"]),
        "role": row["role"] or _OWNER,
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "last_accessed": row["last_accessed"],
        "archived_at": row["archived_at"],
        "deleted_at": row["deleted_at"],
        "version": row["version"],
    }


def changed_session(session: Session, actor: Actor, status: int = 200, *, location: str | None = None) -> HttpResponse:
    """The answer to a change: the session as the change left it, with its ETag."""
    data = session_answer(_row_of(session, actor))
    return answer(data, status, version=session.version, location=location)


def changed_sessions(sessions: Iterable[Session], actor: Actor) -> list[dict[str, Any]]:
    """Sessions of the actor's as a change left them."""
    return session_answers(_row_of(session, actor) for session in sessions)


def _row_of(session: Session, actor: Actor) -> Row:
    names = session_reader(LIST_FIELDS).names
    row = {name: getattr(session, name) for name in names} | {"id": str(session.pk), "tags": tags_of(session)}
    row["owner_name"] = session.loaded_owner or actor.username  # made this moment by its owner
    return row | {"role": role_of(actor, session).value, "is_shared": session.loaded_is_shared}


def job_answer(job: Job) -> dict[str, Any]:
    """A job as the API shows it. `total` is null while nobody knows."""
    return {
        "job_id": str(job.pk),
        "kind": job.kind,
        "subject": job.subject,
        "state": job.state,
        "done": job.done,
        "total": job.total or None,
        "cancel_requested": job.cancel_requested,
        "result": job.result,
        "error": job.error or None,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }


def accepted(job: Job) -> HttpResponse:
    """202: the worker does it; the job tells how far it is."""
    return answer(job_answer(job), 202, location=reverse("api-1:read_job", args=[job.pk]))


def message_answer(row: Row) -> dict[str, Any]:
    """A message as the API shows it, from a row of `read_messages`."""
    origin = row["origin_session"]
    return {
        "message_id": str(row["id"]),
        "index": row["index"],
        "role": row["role"],
        "content": row["content"],
        "created_at": row["created_at"],
        "edited_at": row["edited_at"],
        "author": row["author"],
        "model": row["model"] or None,
        "thinking": row["thinking"] or None,
        "tool_name": row["tool_name"] or None,
        "tool_calls": row["tool_calls"],
        "tool_call_id": row["tool_call_id"] or None,
        "source_file": row["source_file"] or None,
        "prompt_eval_count": row["prompt_eval_count"],
        "eval_count": row["eval_count"],
        "metadata": row["metadata"],
        "origin": None if origin is None else {"session_id": origin, "index": row["origin_index"]},
    }


_NEVER_APPENDED: Row = {"edited_at": None, "origin_session": None, "origin_index": None}
_MESSAGE_NAMES = tuple(NewMessage.__slots__)


def appended_answers(appended: Appended, actor: Actor) -> list[dict[str, Any]]:
    """The messages of an append as the API shows them, without reading them again."""
    answers = []
    for offset, (message, pk) in enumerate(zip(appended.messages, appended.message_ids, strict=True)):
        row: Row = {name: getattr(message, name) for name in _MESSAGE_NAMES} | _NEVER_APPENDED
        row["id"] = pk
        row["index"] = appended.first_index + offset
        row["created_at"] = message.created_at or appended.created_at
        row["author"] = actor.username if message.role in (Role.USER, Role.SYSTEM) else None
        answers.append(message_answer(row))
    return answers


def revision_answer(revision: Revision) -> dict[str, Any]:
    """A revision as the API shows it; its actor's name comes with `select_related`."""
    return {
        "number": revision.number,
        "first_index": revision.first_index,
        "message_count": revision.message_count,
        "reason": revision.reason,
        "created_at": revision.created_at,
        "actor": revision.actor.get_username() if revision.actor else None,
    }


def session_id_of(row: Row) -> UUID:
    """The id of a row as an object."""
    return UUID(row["id"])
