"""Importing in the browser: the form, what became of the files, taking an import back."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from sessions.exceptions import Invalid, SessionError
from sessions.formats.recognition import NAMES
from sessions.forms import ImportForm
from sessions.htmx import PageRequest, fragment, go_to, wants_fragment
from sessions.models import Import
from sessions.operations.jobs.importing import import_later, is_long
from sessions.operations.jobs.undoing import undo_later
from sessions.operations.transfer.importing import SourceFile, import_sessions
from sessions.operations.transfer.report import ImportReport
from sessions.operations.transfer.undoing import import_for_reading, imports_of, undo_import
from sessions.views.errors import status_of
from sessions.views.page import page, render_page
from sessions.views.toasts import toast
from sessions.views.words import amount, counted

_ABANDONED = timedelta(hours=2)


# Who isn't signed in is sent away before the upload is read; the token in the form is looked at after that.
@csrf_exempt
@page("GET", "POST")
def import_page(request: PageRequest) -> HttpResponseBase:
    """The form with what was imported lately; then the report of what was sent."""
    if request.method != "POST":
        return _form(request, ImportForm())
    return _import(request)


@csrf_protect
def _import(request: PageRequest) -> HttpResponse:
    form = ImportForm(request.POST, request.FILES)
    if not form.is_valid():
        return _form(request, form, status=422)
    files = [SourceFile(file.name or "", cast("BinaryIO", file.file)) for file in form.cleaned_data["file"]]
    values = {"format": form.cleaned_data["format"], "new_name": form.cleaned_data["new_name"]}
    try:
        if is_long([file.size or 0 for file in form.cleaned_data["file"]]):
            job = import_later(actor=request.user, files=files, **values)
            return go_to(request, reverse("job", args=[job.pk]))
        report = import_sessions(actor=request.user, files=files, **values)
    except SessionError as error:
        _refuse(form, error)
        return _form(request, form, status=status_of(error))
    if report.import_id is None:
        toast(request, f"Nothing new: {counted(report.skipped, 'session')} had been imported before.")
        return go_to(request, reverse("import"))
    return go_to(request, reverse("import_report", args=[report.import_id]))


def _refuse(form: ImportForm, error: SessionError) -> None:
    """Say on the form what was wrong, and where."""
    form.add_error(None, error.detail)
    for place, sentence in error.errors if isinstance(error, Invalid) else ():
        is_field = place in form.fields
        form.add_error(place if is_field else None, sentence if is_field else f"{place}: {sentence}")


def _form(request: PageRequest, form: ImportForm, status: int = 200) -> HttpResponse:
    lately = imports_of(request.user)
    context: dict[str, Any] = {
        "form": form,
        "imports": [_line(found) for found in lately],
        "limit": settings.MAX_IMPORT_BYTES // 2**20,
        "systems": ", ".join(
            NAMES[name] for name in ("chatgpt", "openwebui", "librechat", "claude_code", "codex", "mochi")
        ),
    }
    if wants_fragment(request):
        is_refused = status >= HTTPStatus.BAD_REQUEST  # 422 is the status of forms that are shown again
        return fragment(request, "sessions/_import.html", context, status=422 if is_refused else status)
    return render_page(request, "sessions/import.html", context, status=status, here="import")


def _line(found: Import) -> dict[str, Any]:
    """An import in the list of them."""
    is_going = found.finished_at is None
    return {
        "import": found,
        "is_going": is_going and timezone.now() - found.created_at < _ABANDONED,
        "was_stopped": is_going and timezone.now() - found.created_at >= _ABANDONED,
        "counts": _counts(found),
    }


def _counts(found: Import) -> str:
    return f"{amount(found.session_count, 'session')}, {amount(found.message_count, 'message')}"


@page("GET")
def progress(request: PageRequest) -> HttpResponse:
    """How far the import is that is under way: a line that asks again after two seconds."""
    if not wants_fragment(request):
        return go_to(request, reverse("import"))
    newest = next(iter(imports_of(request.user)), None)
    going = _counts(newest) if newest is not None and newest.finished_at is None else ""
    return fragment(request, "sessions/_import_progress.html", {"going": going})


@page("GET")
def import_report(request: PageRequest, import_id: str) -> HttpResponse:
    """What became of an import's files."""
    found = import_for_reading(request.user, import_id)
    report = ImportReport().as_dict() | found.report
    context = {
        "import": found,
        "report": report,
        "files": [file | {"format": NAMES.get(file["format"], file["format"])} for file in report["files"]],
        "dropped": sorted(report["dropped"].items(), key=lambda kind: -kind[1]),
        "unlisted": max(0, report["created"] - len(report["sessions"])),
        "created": counted(found.session_count, "session"),
        "messages_kept": counted(found.message_count, "message"),
    }
    return render_page(request, "sessions/import_report.html", context, here="import")


@page("POST")
def undo(request: PageRequest, import_id: str) -> HttpResponse:
    """Take an import back."""
    if job := undo_later(actor=request.user, import_id=import_id):
        return go_to(request, reverse("job", args=[job.pk]))
    undone = undo_import(actor=request.user, import_id=import_id)
    said = f"Took the import back: {counted(undone.purged, 'session')} deleted"
    if undone.trashed:
        said += f", {counted(undone.trashed, 'session')} that you had worked on moved to the trash"
    toast(request, said)
    return go_to(request, reverse("import"))
