"""Revisions: what edits have replaced, to look at and to put back."""

from django.http import HttpResponse
from django.urls import reverse

from sessions.exceptions import MessageNotFound, RevisionNotFound, StaleVersion
from sessions.htmx import PageRequest, go_to
from sessions.models import Reason, Revision, Session
from sessions.models.session_panel import RevisionLine
from sessions.operations.editing import restore_revision
from sessions.views import transcript
from sessions.views.page import page, render_page
from sessions.views.session_messages import version_seen, whole_text
from sessions.views.session_page import load
from sessions.views.session_panel import revision_view
from sessions.views.toasts import toast

PAGE = 100


@page("GET")
def revisions(request: PageRequest, session_id: str) -> HttpResponse:
    """All revisions of a session, newest first, a page at a time (`?before=` a number)."""
    session = load(request, session_id)
    found = session.revisions.select_related("actor").order_by("-number")
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 10:
        found = found.filter(number__lt=int(before))
    lines = [_line(revision) for revision in found[: PAGE + 1]]
    context = {
        "session": session,
        "revisions": [revision_view(line, reader_id=request.user.pk) for line in lines[:PAGE]],
        "next": lines[PAGE - 1].number if len(lines) > PAGE else None,
    }
    return render_page(request, "sessions/revisions.html", context)


@page("GET")
def revision(request: PageRequest, session_id: str, number: int) -> HttpResponse:
    """One revision, to read (`?after=` an index pages through it), and what restoring it would do."""
    session = load(request, session_id)
    found = _revision(session, number)
    after = request.GET.get("after", "")
    start = int(after) if after.isascii() and after.isdigit() and len(after) < 10 else None
    context = {
        "session": session,
        "revision": revision_view(_line(found), reader_id=request.user.pk),
        "number": number,
        "transcript": transcript.of_revision(session, found, after=start),
        "is_prompt": found.reason == Reason.SYSTEM_PROMPT,
        "replaces": max(session.message_count - found.first_index, 0),
        "is_reachable": found.reason == Reason.SYSTEM_PROMPT or found.first_index <= session.message_count,
    }
    return render_page(request, "sessions/revision.html", context)


@page("POST")
def restore(request: PageRequest, session_id: str, number: int) -> HttpResponse:
    """Put a revision back; what it replaces becomes a revision in turn, and is what the page said."""
    try:
        session = restore_revision(
            actor=request.user, session_id=session_id, number=number, expected_version=version_seen(request)
        )
    except StaleVersion:
        toast(request, "The session has changed meanwhile. Look at what restoring would do now.", problem=True)
        return go_to(request, reverse("session_revision", args=[session_id, number]))
    toast(request, f"Restored revision {number}. What it replaced is a revision now.")
    return go_to(request, reverse("session_detail", args=[session.pk]))


@page("GET")
def text(request: PageRequest, session_id: str, number: int, index: int) -> HttpResponse:
    """The whole text of a revision's message; `index` is the one that it had in the transcript."""
    found = _revision(load(request, session_id), number)
    message = found.messages.filter(position=index - found.first_index).first()
    if message is None:
        raise MessageNotFound(f"Revision {number} has no message {index}.", number=number, index=index)
    return whole_text(message, request.GET.get("part", ""))


def _revision(session: Session, number: int) -> Revision:
    found = session.revisions.select_related("actor").filter(number=number).first()
    if found is None:
        raise RevisionNotFound(f"The session has no revision {number}.", session_id=str(session.pk), number=number)
    return found


def _line(revision: Revision) -> RevisionLine:
    actor = revision.actor.get_username() if revision.actor else None
    return RevisionLine(
        revision.number,
        revision.first_index,
        revision.message_count,
        Reason(revision.reason),
        revision.created_at,
        revision.actor_id,
        actor,
    )
