"""The run of a session: its section on the session's page, a page of its own, and what people do about it."""

import json
from typing import Any

from django.http import HttpResponse
from django.urls import reverse

from sessions.exceptions import ArtifactNotFound, Invalid, NoPendingQuestion, RunAborted
from sessions.htmx import PageRequest, fragment, go_to, wants_fragment
from sessions.models import Artifact, ErrorEntry, LogEntry, Session
from sessions.models.progress import read_progress
from sessions.operations.runs.artifacts import checked_kind
from sessions.operations.runs.clarifications import answer_clarification
from sessions.operations.runs.phases import abort_run, reopen_run
from sessions.rendering.text import excerpt
from sessions.views.errors import sentence_of
from sessions.views.page import page, render_page
from sessions.views.run_view import RunView, run_view
from sessions.views.session_page import load, typed
from sessions.views.toasts import toast

_LINES = 200
_LONGEST = 200_000
_LONGEST_IN_PANEL = 8_000


@page("GET")
def run(request: PageRequest, session_id: str) -> HttpResponse:
    """The run on a page of its own with its log (`?before=` a line goes back), or as a fragment.

    `?seen=` is what a page that polls has: 204 if that is still so, else the parts that have changed.
    """
    session = load(request, session_id)
    if wants_fragment(request):
        seen = request.GET.get("seen", "")
        view = _view(session, seen=seen)
        if view is not None and view.seen == seen:
            return HttpResponse(status=204)
        return fragment(request, "sessions/_run_changed.html", {"session": session, "run": view})
    context: dict[str, Any] = {"session": session, "run": _view(session), "is_page": True}
    lines = LogEntry.objects.filter(session=session).order_by("-pk")
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 19:
        context["before"], lines = int(before), lines.filter(pk__lt=int(before))
    found = list(lines.values("id", "timestamp", "message")[: _LINES + 1])
    context["lines"] = found[:_LINES][::-1]
    context["older"] = found[_LINES - 1]["id"] if len(found) > _LINES else None
    context["errors"] = ErrorEntry.objects.filter(session=session).order_by("-pk")[:_LINES]
    return render_page(request, "sessions/run.html", context)


@page("POST")
def answer(request: PageRequest, session_id: str) -> HttpResponse:
    """Answer the question that waits. What was typed stays if it can't be the answer."""
    text = typed(request, "answer")
    session = load(request, session_id)
    try:
        if not text.strip():
            return _changed(request, session, problem="Write an answer first.", status=422)
        answer_clarification(actor=request.user, session_id=session.pk, answer=text)
    except Invalid as error:
        return _changed(request, session, problem=sentence_of(error), text=text, status=422)
    except (NoPendingQuestion, RunAborted):
        toast(request, "The run doesn't wait for this answer any more.", problem=True)
    return _changed(request, session)


@page("POST")
def stop(request: PageRequest, session_id: str) -> HttpResponse:
    """Stop the run."""
    session = load(request, session_id)
    abort_run(actor=request.user, session_id=session.pk, reason=typed(request, "reason"))
    toast(request, "Stopped the run. Its agent is refused its next step.")
    return _changed(request, session)


@page("POST")
def reopen(request: PageRequest, session_id: str) -> HttpResponse:
    """Let the run go on."""
    session = load(request, session_id)
    reopen_run(actor=request.user, session_id=session.pk)
    toast(request, "Reopened the run. Its agent may go on.")
    return _changed(request, session)


@page("GET")
def artifact(request: PageRequest, session_id: str, kind: str) -> HttpResponse:
    """An artifact, pretty-printed (`?version=` an older one): a page, or its text as a fragment."""
    session = load(request, session_id)
    found = Artifact.objects.filter(session=session, kind=checked_kind(kind)).order_by("-version")
    version = request.GET.get("version", "")
    wanted = (
        found.filter(version=int(version)) if version.isascii() and version.isdigit() and len(version) < 9 else found
    )
    shown = wanted.first()
    if shown is None:
        raise ArtifactNotFound("The run has made no such artifact.", session_id=str(session.pk), kind=kind)
    longest = _LONGEST_IN_PANEL if wants_fragment(request) else _LONGEST
    text = excerpt(json.dumps(shown.data, ensure_ascii=False, indent=2), longest=longest)
    context = {"session": session, "artifact": shown, "text": text}
    if wants_fragment(request):
        return fragment(request, "sessions/_artifact.html", context)
    context["versions"] = found.values("version", "created_at")[:_LINES]
    return render_page(request, "sessions/artifact.html", context)


def _view(session: Session, *, seen: str = "") -> RunView | None:
    return run_view(session, read_progress(session.pk, with_data=False), seen=seen)


def _changed(request: PageRequest, session: Session, *, status: int = 200, **context: Any) -> HttpResponse:
    """What has changed of the section; without htmx the page that it stands on, or its own if something was wrong."""
    session = load(request, str(session.pk))
    if wants_fragment(request):
        context |= {"session": session, "run": _view(session, seen=typed(request, "seen"))}
        return fragment(request, "sessions/_run_changed.html", context, status)
    if status != 200:
        context |= {"session": session, "run": _view(session), "is_page": True}
        return render_page(request, "sessions/run.html", context, status=status)
    return go_to(request, f"{reverse('session_detail', args=[session.pk])}#run")
