"""Jobs: long work that goes on in the worker, found again with how far it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zlib import crc32

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse

from sessions.htmx import PageRequest, go_to, wants_fragment
from sessions.models import Job, JobKind, JobState
from sessions.operations.jobs.queue import cancel_job, job_for_reading, jobs_of
from sessions.views.page import page, render_page
from sessions.views.toasts import toast
from sessions.views.words import amount

_TITLES: Final[Mapping[str, str]] = {
    JobKind.PURGE: "Delete {} for ever",
    JobKind.EMPTY_TRASH: "Empty the trash: {}",
    JobKind.IMPORT: "Import {}",
    JobKind.UNDO_IMPORT: "Take back the import of {}",
    JobKind.MERGE: "Merge {}",
    JobKind.FORK: "Fork {}",
    JobKind.SPLIT: "Split {}",
    JobKind.INSIGHTS: "Count insights of {}",
    JobKind.INDEX: "Index {}",
}
_WHOLE = (JobKind.MERGE, JobKind.FORK, JobKind.SPLIT)  # there whole or not at all
TONES: Final[Mapping[str, str]] = {
    JobState.QUEUED: "quiet",
    JobState.RUNNING: "",
    JobState.DONE: "good",
    JobState.FAILED: "bad",
    JobState.CANCELLED: "quiet",
}


@dataclass(frozen=True, slots=True)
class JobView:
    """A job in words. `percent` is None while nobody knows; `link` leads to what it made."""

    id: str
    address: str
    title: str
    word: str
    tone: str
    percent: int | None
    said: str
    link: str
    link_text: str
    at: datetime
    is_going: bool
    is_cancelling: bool


@page("GET")
def jobs(request: PageRequest) -> HttpResponse:
    """The reader's jobs, the newest first; the list follows as long as one is going."""
    shown = [_view(job) for job in jobs_of(request.user)]
    return _followed(request, "jobs", {"jobs": shown, "is_going": any(job.is_going for job in shown)})


@page("GET")
def job(request: PageRequest, job_id: str) -> HttpResponse:
    """One job; the page follows until it has ended."""
    shown = _view(job_for_reading(request.user, job_id))
    return _followed(request, "job", {"job": shown, "is_going": shown.is_going})


@page("POST")
def cancel(request: PageRequest, job_id: str) -> HttpResponse:
    """Cancel a job. What it has done stays done."""
    found = cancel_job(actor=request.user, job_id=job_id)
    toast(request, "Cancelled" if found.state == JobState.CANCELLED else "It stops at its next step")
    return go_to(request, reverse("job", args=[found.pk]))


def _followed(request: PageRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """The page, or for one that polls what has changed: 204 if that is nothing (`?seen=`)."""
    context["seen"] = f"{crc32(repr(context).encode()):x}"
    if not wants_fragment(request):
        return render_page(request, f"sessions/{name}.html", context, here="jobs")
    if context["seen"] == request.GET.get("seen"):
        return HttpResponse(status=204)
    return HttpResponse(render_to_string(f"sessions/_{name}.html", context, request))


def _view(job: Job) -> JobView:
    link, link_text = _link(job)
    return JobView(
        id=str(job.pk),
        address=reverse("job", args=[job.pk]),
        title=_TITLES[job.kind].format(job.subject or "files"),
        word=JobState(job.state).label,
        tone=TONES[job.state],
        percent=min(100, 100 * job.done // job.total) if job.total and not job.is_finished else None,
        said=_said(job),
        link=link,
        link_text=link_text,
        at=job.finished_at or job.started_at or job.created_at,
        is_going=not job.is_finished,
        is_cancelling=job.cancel_requested and not job.is_finished,
    )


def _said(job: Job) -> str:
    if job.state == JobState.FAILED:
        return job.error
    if job.state == JobState.CANCELLED:
        return "Nothing was made." if job.kind in _WHOLE else "What was done until then stays done."
    if job.state == JobState.DONE:
        return _DONE[job.kind](job.result)
    if job.state == JobState.QUEUED:
        return "It begins when the worker has done what came before."
    return "It was cut off, and goes on where it was." if job.attempts > 1 else ""


def _imported(result: Mapping[str, Any]) -> str:
    made = f"{amount(result.get('created', 0), 'session')} made"
    return f"{made}, {result['skipped']:,} were there already." if result.get("skipped") else f"{made}."


def _taken_back(result: Mapping[str, Any]) -> str:
    said = _gone({"sessions": result.get("purged", 0)})
    if result.get("trashed"):
        said += f" {amount(result['trashed'], 'session')} that you had worked on moved to the trash."
    return said


def _gone(result: Mapping[str, Any]) -> str:
    return f"{amount(result.get('sessions', 0), 'session')} deleted for ever."


_DONE: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    JobKind.PURGE: _gone,
    JobKind.EMPTY_TRASH: _gone,
    JobKind.IMPORT: _imported,
    JobKind.UNDO_IMPORT: _taken_back,
    JobKind.MERGE: lambda result: f"{amount(result.get('sources', 0), 'session')} are one now.",
    JobKind.FORK: lambda result: f"Forked with {amount(result.get('messages', 0), 'message')}.",
    JobKind.SPLIT: lambda result: f"Split into {amount(len(result.get('session_ids', ())), 'session')}.",
    JobKind.INSIGHTS: lambda result: f"{amount(result.get('sessions', 0), 'session')} counted.",
    JobKind.INDEX: lambda result: "Its workspace is indexed.",
}


def _link(job: Job) -> tuple[str, str]:
    """Where what the job made, or is making, can be seen."""
    if job.session_id:
        return reverse("session_index", args=[job.session_id]), "What it says"
    if job.state != JobState.DONE:
        return "", ""
    if job.kind == JobKind.IMPORT and job.result.get("import_id"):
        return reverse("import_report", args=[job.result["import_id"]]), "What became of the files"
    if job.kind in (JobKind.PURGE, JobKind.EMPTY_TRASH):
        return reverse("trash"), "Trash"
    if job.kind == JobKind.UNDO_IMPORT:
        return reverse("import_report", args=[job.result["import_id"]]), "The import"
    if job.kind in _WHOLE and (leads_to := job.result.get("session_id") or job.result.get("source_session_id")):
        return reverse("session_detail", args=[leads_to]), "Open the session"
    if job.kind == JobKind.INSIGHTS:
        return reverse("insights"), "Insights"
    return "", ""
