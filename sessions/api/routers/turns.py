"""Turns: a question and its answer, stored together."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from sessions.access import Actor
from sessions.api.answers import answer, appended_answers
from sessions.api.auth import ApiRequest
from sessions.api.errors import relocated
from sessions.api.idempotency import once, sees_to_its_key
from sessions.api.openapi import ApiRouter, documented
from sessions.api.preconditions import expected_version
from sessions.api.schemas.turns import TurnAnswer, TurnForm
from sessions.exceptions import Impossible, Invalid, TooLarge
from sessions.models import Role
from sessions.operations.model_names import check_model
from sessions.operations.transcript import Appended, NewMessage
from sessions.operations.turns import append_turn

router = ApiRouter(tags=["Messages"])

_PLACES = {"messages[0].content": "user", "messages[1].content": "assistant", "messages[1].": ""}


@router.post(
    "/turns",
    summary="Append a finished question and its answer, together",
    **documented({201: TurnAnswer}, 404, 502, writes=True, if_match=True, etag=True, location=True),
)
@sees_to_its_key
def create_turn(request: ApiRequest, form: TurnForm) -> HttpResponse:
    """Both or none. Without `session_id` a session is made, called `name` or after the question."""
    check_target(request, form.session_id, form.name, form.expected_index)

    def check() -> None:
        if form.session_id is None:
            check_model(actor=request.auth, name=form.model)

    return once(request, lambda: _append(request, form), before=check)


def _append(request: ApiRequest, form: TurnForm) -> HttpResponse:
    model = form.model or ""
    try:
        appended = append_turn(
            actor=request.auth,
            session_id=form.session_id,
            name=form.name or "",
            model=model,
            user=NewMessage(Role.USER.value, form.user),
            assistant=NewMessage(Role.ASSISTANT.value, form.assistant, model=model, metadata=form.metadata or {}),
            expected_index=form.expected_index,
            expected_version=expected_version(request),
        )
    except (Invalid, TooLarge) as error:
        raise relocated(error, _PLACES) from None
    return turn_answered(appended, request.auth)


def check_target(request: HttpRequest, session_id: str | None, name: str | None, expected_index: int | None) -> None:
    """Raise Impossible for what makes sense only with a session, or only without one."""
    if session_id is not None and name is not None:
        raise Impossible("`name` is for a session to be made. Leave it out, or leave out `session_id`.")
    if session_id is None and expected_index is not None:
        raise Impossible("`expected_index` makes sense with `session_id` only.")
    if session_id is None and expected_version(request) is not None:
        raise Impossible("`If-Match` makes sense with `session_id` only.")


def turn_answered(appended: Appended, actor: Actor) -> HttpResponse:
    """201 with a stored turn."""
    user, assistant = appended_answers(appended, actor)
    data = {
        "session_id": str(appended.session_id),
        "user_message": user,
        "assistant_message": assistant,
        "message_count": appended.message_count,
        "version": appended.version,
    }
    location = reverse("api-1:read_session", args=[appended.session_id])
    return answer(data, 201, version=appended.version, location=location)
