"""Changing what is kept about a session, from the panel beside its transcript."""

from http import HTTPStatus
from typing import Any

from django.http import HttpResponse
from django.urls import reverse

from sessions.exceptions import NotAllowed, NotFound, SessionError
from sessions.htmx import PageRequest, fragment, go_to, wants_fragment
from sessions.models import Session
from sessions.models.tag import normalise_tag
from sessions.operations.model_names import check_model
from sessions.operations.sessions import SessionChanges, update_session
from sessions.operations.tags import tags_of
from sessions.views import transcript
from sessions.views.errors import sentence_of
from sessions.views.page import page
from sessions.views.session_page import load, load_to_write, page_context, session_page, typed
from sessions.views.shell import shell_context


@page("POST")
def details(request: PageRequest, session_id: str) -> HttpResponse:
    """Change description, model and expiry."""
    session = load_to_write(request, session_id)
    description, model, ttl = (typed(request, field).strip() for field in ("description", "model", "ttl_seconds"))
    draft = {"description": description, "model": model}
    if ttl and not (ttl.isascii() and ttl.isdigit() and len(ttl) < 19):
        return panel_again(request, session, problem_in_details="Choose from the list when it expires.", draft=draft)
    try:
        if model != session.model:
            check_model(actor=request.user, name=model)
        changes: SessionChanges = {"description": description, "model": model}
        if session.is_readers_own:
            changes["ttl_seconds"] = int(ttl) if ttl else None
        update_session(actor=request.user, session_id=session.pk, **changes)
    except (NotFound, NotAllowed):
        raise
    except SessionError as error:
        return panel_again(request, session, problem_in_details=sentence_of(error), draft=draft)
    return panel_again(request, session)


@page("POST")
def tags(request: PageRequest, session_id: str) -> HttpResponse:
    """Add the tags in `add` (with commas between them), or remove the one in `remove`."""
    session = load_to_write(request, session_id)
    present = set(tags_of(session))
    removed = {normalise_tag(str(request.POST["remove"]))} if "remove" in request.POST else set()
    added = {tag for tag in typed(request, "add").split(",") if tag.strip()} if not removed else set()
    try:
        update_session(actor=request.user, session_id=session.pk, tags=(present | added) - removed)
    except (NotFound, NotAllowed):
        raise
    except SessionError as error:
        return panel_again(
            request, session, tag_problem=sentence_of(error), tag_draft=typed(request, "add"), focus_tags=True
        )
    return panel_again(request, session, focus_tags=True)


def panel_again(request: PageRequest, session: Session, *, status: int = HTTPStatus.OK, **context: Any) -> HttpResponse:
    """The panel as it is now, with what was wrong or is told once; without htmx the page around it."""
    if "problem_in_details" in context or "tag_problem" in context:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    session = load(request, str(session.pk))
    if wants_fragment(request):
        context = page_context(request, session) | shell_context(request) | context
        return fragment(request, "sessions/_panel_changed.html", context, status)
    if status != HTTPStatus.OK or "new_link" in context:
        return session_page(request, session, transcript.newest(session), status=status, **context)
    return go_to(request, reverse("session_detail", args=[session.pk]))
