"""Forking a session in the browser."""

from typing import Any

from django.http import HttpResponse
from django.urls import reverse

from sessions.exceptions import NotAllowed, SessionError, SessionNotFound
from sessions.htmx import PageRequest, go_to
from sessions.models import Session
from sessions.operations.jobs.forking import fork_later, is_long
from sessions.operations.restructure.forking import fork_name, fork_session
from sessions.views.errors import sentence_of, status_of
from sessions.views.page import page
from sessions.views.restructuring import ends_of, files_of, is_a_look, number_of, show, vectors_of
from sessions.views.session_page import load
from sessions.views.toasts import toast
from sessions.views.words import amount


@page("GET", "POST")
def fork(request: PageRequest, session_id: str) -> HttpResponse:
    """The form, with what would come of it; then the fork's page, or the job's that makes it.

    `?at=` is the last message that comes along. Another look at the preview is a POST that says so.
    """
    session = load(request, session_id)
    if session.in_trash:
        raise SessionNotFound(session_id)
    asked = request.POST if request.method == "POST" else request.GET
    context = _context(session, asked)
    if is_a_look(request) or "problem" in context:
        status = 422 if "problem" in context and not is_a_look(request) else 200
        return show(request, "sessions/fork.html", context, back=session, status=status)
    what: dict[str, Any] = {"actor": request.user, "session_id": session.pk, "at_index": context["at"]}
    what |= {"files": context["files"], "vectors": context["vectors"]}
    name = context["name"].strip()
    try:
        if is_long(**what):
            return go_to(request, reverse("job", args=[fork_later(**what, name=name).pk]))
        made = fork_session(**what, name=name)
    except (SessionNotFound, NotAllowed):
        raise
    except SessionError as error:
        context["problem"] = sentence_of(error)
        return show(request, "sessions/fork.html", context, back=session, status=status_of(error))
    toast(request, f"Forked with {amount(made.message_count, 'message')}.")
    return go_to(request, reverse("session_detail", args=[made.pk]))


def _context(session: Session, asked: Any) -> dict[str, Any]:
    """What the form says, and the preview of it."""
    last = session.message_count - 1
    typed = asked.get("at", "")
    at = number_of(typed, most=last) if typed else last if last >= 0 else None
    context: dict[str, Any] = {
        "session": session,
        "last": last,
        "at": at,
        "typed_at": typed if at is None else str(at),
        "name": asked.get("name") or fork_name(session),
        "files": "files" in asked or "name" not in asked,  # ticked until somebody sends the form without it
        "vectors": "vectors" in asked or "name" not in asked,
    }
    if typed and at is None:
        context["problem"] = f"The last message of a fork has a number from 0 to {last}."
        at = last if last >= 0 else None
    count = 0 if at is None else at + 1
    context["first_lines"], context["last_lines"] = ends_of(session, count)
    context |= {"count": count, "left": session.message_count - count, "unseen": max(0, count - 4)}
    return context | {"use": files_of(session), "collection": vectors_of(session)}
