"""A session's whole history, page by page."""

from django.http import HttpResponse

from sessions.htmx import PageRequest
from sessions.views.activity import history
from sessions.views.page import page, render_page
from sessions.views.session_page import load


@page("GET")
def whole(request: PageRequest, session_id: str) -> HttpResponse:
    """Everything that happened, the newest first (`?before=` an event)."""
    session = load(request, session_id)
    text = request.GET.get("before", "")
    before = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
    found = history(session.pk, reader_id=request.user.pk, before=before)
    context = {"session": session, "history": found, "is_first": before is None}
    return render_page(request, "sessions/activity.html", context)
