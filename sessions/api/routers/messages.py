"""Transcripts: read, append, edit."""

from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Body, Path, Query

from sessions import access
from sessions.api.answers import answer, appended_answers, changed_session, message_answer, session_id_of
from sessions.api.auth import ApiRequest
from sessions.api.changes import new_message
from sessions.api.errors import relocated
from sessions.api.openapi import ApiRouter, documented
from sessions.api.pagination import check_start, number_of
from sessions.api.preconditions import expected_version, not_modified
from sessions.api.schemas.common import Place
from sessions.api.schemas.messages import (
    AppendedAnswer,
    AppendForm,
    EditForm,
    ManyMessagesForm,
    MessageListAnswer,
    MessageListQuery,
    SystemPromptForm,
)
from sessions.api.schemas.sessions import SessionAnswer
from sessions.exceptions import Invalid, TooLarge
from sessions.models import Message
from sessions.models.transcript_page import read_messages
from sessions.operations import editing
from sessions.operations.transcript import append_messages

router = ApiRouter(tags=["Messages"])

_EDIT = documented({200: SessionAnswer}, 404, 409, writes=True, if_match=True, etag=True)


@router.get(
    "/sessions/{session_id}/messages",
    summary="Read a part of the transcript",
    **documented({200: MessageListAnswer}, 404, 409, if_none_match=True, etag=True),
)
def list_messages(request: ApiRequest, session_id: str, query: Query[MessageListQuery]) -> HttpResponse:
    """In order, or the newest first. `next` is the index of the last one, good for `cursor` and for `after`."""
    check_start(query.cursor, query.offset)
    start = number_of(query.cursor)
    row = access.session_row_for_reading(request.auth, session_id)
    unchanged = not_modified(request, row["version"])
    if unchanged is not None:
        return unchanged
    after, before = (
        query.after,
        min(row["message_count"], row["message_count"] if query.before is None else query.before),
    )
    if start is not None and query.order == "asc":
        after = start if after is None else max(after, start)
    elif start is not None:
        before = min(before, start)
    found = read_messages(
        session_id_of(row),
        after=after,
        before=before,
        role=query.role,
        order=query.order,
        limit=query.limit + 1,
        offset=query.offset,
    )
    page = found[: query.limit]
    data: dict[str, Any] = {
        "messages": [message_answer(message) for message in page],
        "next": str(page[-1]["index"]) if len(found) > len(page) else None,
    }
    if query.count and query.cursor is None:
        data["count"] = (
            row["message_count"]
            if query.role is None
            else Message.objects.of(row["id"]).filter(role=query.role).count()
        )
    return answer(data, version=row["version"])


@router.post(
    "/sessions/{session_id}/messages",
    summary="Append a finished message, or up to 1,000 of them",
    **documented({201: AppendedAnswer}, 404, writes=True, if_match=True, etag=True),
)
def append(request: ApiRequest, session_id: str, form: Annotated[AppendForm, Body(...)]) -> HttpResponse:
    """All or none. The answer tells the indexes they got."""
    forms = form.messages if isinstance(form, ManyMessagesForm) else [form]
    try:
        appended = append_messages(
            actor=request.auth,
            session_id=session_id,
            messages=[new_message(message) for message in forms],
            expected_index=form.expected_index,
            expected_version=expected_version(request),
        )
    except (Invalid, TooLarge) as error:
        raise error if isinstance(form, ManyMessagesForm) else relocated(error, {"messages[0].": ""}) from None
    data = {
        "messages": appended_answers(appended, request.auth),
        "message_count": appended.message_count,
        "version": appended.version,
    }
    return answer(data, 201, version=appended.version)


@router.put("/sessions/{session_id}/messages/{index}", summary="Edit a user message and cut what follows it", **_EDIT)
def edit_message(
    request: ApiRequest, session_id: str, index: Annotated[Place, Path(...)], form: EditForm
) -> HttpResponse:
    """The message as it was and everything after it become a revision, which can be restored."""
    session = editing.edit_message(
        actor=request.auth,
        session_id=session_id,
        index=index,
        content=form.content,
        expected_version=expected_version(request),
    )
    return changed_session(session, request.auth)


@router.put("/sessions/{session_id}/system-prompt", summary="Set or replace the system prompt", **_EDIT)
def set_system_prompt(request: ApiRequest, session_id: str, form: SystemPromptForm) -> HttpResponse:
    """It is message 0; nothing is cut. What it replaces becomes a revision."""
    session = editing.set_system_prompt(
        actor=request.auth,
        session_id=session_id,
        content=form.content,
        source_file=form.source_file or "",
        expected_version=expected_version(request),
    )
    return changed_session(session, request.auth)


@router.delete("/sessions/{session_id}/system-prompt", summary="Remove the system prompt", **_EDIT)
def remove_system_prompt(request: ApiRequest, session_id: str) -> HttpResponse:
    """Every message moves up by one index. 400 if there is no system prompt."""
    session = editing.remove_system_prompt(
        actor=request.auth, session_id=session_id, expected_version=expected_version(request)
    )
    return changed_session(session, request.auth)
