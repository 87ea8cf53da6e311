"""Sessions: make, list, read, change, archive, restore, delete."""

from typing import Annotated, Any

from django.http import HttpResponse
from django.urls import reverse
from ninja import Query

from sessions import access
from sessions.api.answers import (
    answer,
    changed_session,
    listed_answers,
    message_answer,
    no_content,
    session_answer,
    session_id_of,
)
from sessions.api.auth import ApiRequest
from sessions.api.changes import change_session, creation_values
from sessions.api.idempotency import once, sees_to_its_key
from sessions.api.openapi import ApiRouter, documented
from sessions.api.pagination import check_start, cursor_of, position_of
from sessions.api.preconditions import expected_version, not_modified
from sessions.api.schemas.common import Flag, MessagesLimit
from sessions.api.schemas.sessions import (
    NewSessionForm,
    SessionAnswer,
    SessionChangesForm,
    SessionListAnswer,
    SessionListQuery,
    SessionWithMessagesAnswer,
)
from sessions.api.session_filters import filter_of
from sessions.models import Status
from sessions.models.session_list import list_values
from sessions.models.transcript_page import read_messages
from sessions.operations import lifecycle, sessions
from sessions.operations.changing import mark_accessed
from sessions.operations.model_names import check_model

router = ApiRouter(tags=["Sessions"])


@router.post(
    "/sessions",
    summary="Make a session with its workspace and, if given, its first messages",
    **documented({201: SessionAnswer}, 502, writes=True, etag=True, location=True),
)
@sees_to_its_key
def create_session(request: ApiRequest, form: NewSessionForm) -> HttpResponse:
    """The first messages are finished ones. A system prompt becomes message 0.

    Without `name` the session is called after its first user message, and "Untitled session"
    until there is one. With a model server, `model` must be one of its models.
    """
    values = creation_values(form)

    def create() -> HttpResponse:
        session = sessions.create_session(actor=request.auth, **values)
        location = reverse("api-1:read_session", args=[session.pk])
        return changed_session(session, request.auth, 201, location=location)

    return once(request, create, before=lambda: check_model(actor=request.auth, name=form.model))


@router.get(
    "/sessions",
    summary="List sessions: pinned ones first, then in the order asked for",
    operation_id="list_sessions",
    **documented({200: SessionListAnswer}),
)
def list_page(request: ApiRequest, query: Query[SessionListQuery]) -> HttpResponse:
    """Active sessions unless `status` or `include_archived` say otherwise; `status=deleted` lists the trash."""
    check_start(query.cursor, query.offset)
    wanted = filter_of(query, request.auth)
    after = position_of(query.cursor, query.sort)
    with_count = query.count and query.cursor is None
    page = list_values(
        wanted.wanted, sort=query.sort, limit=query.limit, after=after, offset=query.offset, with_count=with_count
    )
    data: dict[str, Any] = {"sessions": listed_answers(page.rows), "next": cursor_of(page.next, query.sort)}
    if with_count:
        data["count"] = page.count
        if query.q is not None:
            data["count_is_exact"] = wanted.is_exact
    return answer(data)


@router.get(
    "/sessions/{session_id}",
    url_name="read_session",
    summary="Read a session with the first part of its transcript",
    **documented({200: SessionWithMessagesAnswer}, 404, 409, if_none_match=True, etag=True),
)
def read_session(
    request: ApiRequest,
    session_id: str,
    messages_limit: Annotated[MessagesLimit, Query(1000)],
    include_deleted: Annotated[Flag, Query(False)],
) -> HttpResponse:
    """`session_id` is the whole id or the short one, here and everywhere. Moves `last_accessed`, once a minute."""
    row = access.session_row_for_reading(request.auth, session_id, include_deleted=include_deleted)
    if row["status"] != Status.DELETED:
        row["last_accessed"] = mark_accessed(session_id_of(row), row["last_accessed"])
    unchanged = not_modified(request, row["version"])
    if unchanged is not None:
        return unchanged
    count = row["message_count"]
    found = read_messages(session_id_of(row), limit=messages_limit, before=count) if messages_limit and count else []
    read = found[-1]["index"] if found else -1
    data = session_answer(row)
    data["messages"] = [message_answer(message) for message in found]
    data["messages_next"] = str(read) if messages_limit and read + 1 < count else None
    return answer(data, version=row["version"])


_CHANGE = documented({200: SessionAnswer}, 404, 409, 502, writes=True, if_match=True, etag=True)


def update_session(request: ApiRequest, session_id: str, form: SessionChangesForm) -> HttpResponse:
    """Only what is sent changes. `metadata` is merged, and null removes a key; other objects are replaced.

    `archived` and `status` archive, restore and delete as the calls of these names do. All or
    nothing happens.
    """
    check_model(actor=request.auth, name=form.model)
    session = change_session(request.auth, session_id, form, expected_version(request))
    return changed_session(session, request.auth)


router.patch("/sessions/{session_id}", summary="Change a session", **_CHANGE)(update_session)
router.put(
    "/sessions/{session_id}", summary="Change a session, the same as PATCH", operation_id="put_session", **_CHANGE
)(update_session)


@router.delete(
    "/sessions/{session_id}",
    summary="Move a session to the trash, or delete it for ever",
    **documented({204: None}, 404, 409, writes=True, if_match=True),
)
def delete_session(request: ApiRequest, session_id: str, permanent: Annotated[Flag, Query(False)]) -> HttpResponse:
    """In the trash it can be restored. `permanent=true` deletes rows and workspace now, in the trash or not."""
    delete = lifecycle.purge_session if permanent else lifecycle.trash_session
    delete(actor=request.auth, session_id=session_id, expected_version=expected_version(request))
    return no_content()


@router.post(
    "/sessions/{session_id}/archive",
    summary="Archive a session: readable, closed for messages",
    **documented({200: SessionAnswer}, 404, writes=True, if_match=True, etag=True),
)
def archive_session(request: ApiRequest, session_id: str) -> HttpResponse:
    """An archived session stays as it is."""
    session = lifecycle.archive_session(
        actor=request.auth, session_id=session_id, expected_version=expected_version(request)
    )
    return changed_session(session, request.auth)


@router.post(
    "/sessions/{session_id}/restore",
    summary="Bring a session back from the archive or the trash",
    **documented({200: SessionAnswer}, 404, writes=True, if_match=True, etag=True),
)
def restore_session(request: ApiRequest, session_id: str) -> HttpResponse:
    """From the trash it comes back as it was, archived or active."""
    session = lifecycle.restore_session(
        actor=request.auth, session_id=session_id, expected_version=expected_version(request)
    )
    return changed_session(session, request.auth)
