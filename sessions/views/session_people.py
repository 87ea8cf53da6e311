"""People of a session and its public links, in the panel beside the transcript."""

from datetime import timedelta
from http import HTTPStatus

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone

from sessions.exceptions import Invalid, NotAllowed, NotFound, SessionError
from sessions.htmx import PageRequest, go_to
from sessions.models import MemberRole
from sessions.operations.sharing import make_link, remove_member, revoke_link, share_session
from sessions.views.errors import sentence_of
from sessions.views.page import page
from sessions.views.session_details import panel_again
from sessions.views.session_page import load, number, typed
from sessions.views.session_panel import LINK_DAYS
from sessions.views.toasts import toast


@page("POST")
def people(request: PageRequest, session_id: str) -> HttpResponse:
    """Let somebody (`username`) in with a `role`, change what they may do, or take the session from them (`remove`)."""
    session = load(request, session_id)
    if "remove" in request.POST:
        remove_member(actor=request.user, session_id=session.pk, user_id=number(request.POST["remove"]) or 0)
        return panel_again(request, session, focus_people=True)
    username, role = typed(request, "username").strip(), typed(request, "role")
    draft = {"username": username, "role": role}
    try:
        if not username:
            raise Invalid("Name somebody first.")
        share_session(
            actor=request.user, session_id=session.pk, role=role or MemberRole.VIEWER.value, usernames=[username]
        )
    except (NotFound, NotAllowed):
        raise
    except SessionError as error:
        problem = error.errors[0][1] if isinstance(error, Invalid) and error.errors else error.detail
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return panel_again(request, session, status=status, people_problem=problem, person=draft, focus_people=True)
    return panel_again(request, session, focus_people=True)


@page("POST")
def links(request: PageRequest, session_id: str) -> HttpResponse:
    """Make a public link, or revoke one (`revoke`). The address of a new one is in this answer and nowhere else."""
    session = load(request, session_id)
    if "revoke" in request.POST:
        revoke_link(actor=request.user, session_id=session.pk, link_id=number(request.POST["revoke"]) or 0)
        toast(request, "Revoked the link. It leads nowhere any more.")
        return panel_again(request, session)
    days = typed(request, "days")
    expires_at = timezone.now() + timedelta(days=int(days)) if days in LINK_DAYS and days else None
    try:
        if days not in LINK_DAYS:
            raise Invalid("Choose from the list how long the link is to work.")
        _, secret = make_link(
            actor=request.user, session_id=session.pk, expires_at=expires_at, include_files="files" in request.POST
        )
    except (NotFound, NotAllowed):
        raise
    except SessionError as error:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return panel_again(request, session, status=status, link_problem=sentence_of(error))
    address = request.build_absolute_uri(reverse("shared_session", args=[secret]))
    return panel_again(request, session, new_link=address)


@page("POST")
def leave(request: PageRequest, session_id: str) -> HttpResponse:
    """Leave a session of somebody else's."""
    session = load(request, session_id)
    remove_member(actor=request.user, session_id=session.pk, user_id=request.user.pk)
    toast(request, f"You left “{session.name}”.")
    return go_to(request, reverse("shared_sessions"))
