"""The search index of a session's workspace: its state with what the program says, started and stopped."""

from django.http import HttpResponse
from django.urls import reverse

from sessions.exceptions import IndexerNotInstalled
from sessions.htmx import PageRequest, fragment, go_to, wants_fragment
from sessions.models import Job, Session
from sessions.operations.jobs.indexing import cancel_index, index_later
from sessions.storage import workspaces
from sessions.storage.indexing import command
from sessions.views.index_view import IndexView, index_view
from sessions.views.page import page, render_page
from sessions.views.session_page import load
from sessions.views.toasts import toast


@page("GET", "POST")
def index(request: PageRequest, session_id: str) -> HttpResponse:
    """The index on a page of its own with the whole output, or as a fragment; a POST starts indexing.

    `?seen=` is what a page that polls has: 204 if that is still so. `?whole=1` asks for the page's own part.
    """
    session = load(request, session_id)
    if request.method == "POST":
        index_later(actor=request.user, session_id=session.pk)
        return _changed(request, session)
    view = _view(session, whole=not wants_fragment(request) or "whole" in request.GET)
    if wants_fragment(request):
        if view.seen == request.GET.get("seen"):
            return HttpResponse(status=204)
        context = {"session": session, "index": view, "is_page": "whole" in request.GET}
        return fragment(request, "sessions/_index.html", context)
    missing = "" if session.in_trash else _missing()
    context = {"session": session, "index": view, "is_page": True, "missing": missing}
    return render_page(request, "sessions/index.html", context)


@page("POST")
def cancel(request: PageRequest, session_id: str) -> HttpResponse:
    """Stop indexing. What is indexed stays."""
    session = load(request, session_id)
    _, job = cancel_index(actor=request.user, session_id=session.pk)
    toast(request, "It stops at once" if job is not None and not job.is_finished else "Cancelled")
    return _changed(request, session)


def _view(session: Session, *, whole: bool) -> IndexView:
    job = Job.objects.newest_of(session.pk)
    state = workspaces.state(session.pk, in_trash=session.in_trash)
    return index_view(session, job, is_indexed=state.is_indexed, output=job.output if job else "", whole=whole)


def _missing() -> str:
    """How to get the program, if it isn't there."""
    try:
        command()
    except IndexerNotInstalled as error:
        return error.detail
    return ""


def _changed(request: PageRequest, session: Session) -> HttpResponse:
    """The part that stands on the page which asked; without htmx the index's own page, which shows what comes."""
    if not wants_fragment(request):
        return go_to(request, reverse("session_index", args=[session.pk]))
    is_page = "whole" in request.POST
    context = {"session": session, "index": _view(session, whole=is_page), "is_page": is_page}
    return fragment(request, "sessions/_index.html", context)
