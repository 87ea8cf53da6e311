"""The files of a session's workspace: look, preview, upload, download, remove."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.request import UnreadablePostError
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import content_disposition_header, urlencode
from django.utils.safestring import SafeString
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from sessions.access import Actor, may_still_read, while_let_in
from sessions.exceptions import NotAllowed, NotFound, SessionError
from sessions.htmx import PageRequest, fragment, go_to, wants_fragment
from sessions.models import Session
from sessions.operations.files import put_file, remove_file
from sessions.rendering import markdown
from sessions.storage import files
from sessions.storage.directory import Directory, list_directory
from sessions.storage.files import OpenFile
from sessions.storage.names import checked_path
from sessions.storage.ranges import BLOCK, download
from sessions.storage.room import used_room
from sessions.storage.workspaces import translated
from sessions.storage.zipping import zipped
from sessions.views.errors import sentence_of, status_of
from sessions.views.page import page, render_page
from sessions.views.session_page import load
from sessions.views.toasts import toast
from sessions.views.words import counted

_IMAGES = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
_LONGEST = 400_000  # bytes of a text that a preview shows
_ROWS, _COLUMNS = 200, 50


@dataclass(frozen=True, slots=True)
class Preview:
    """What a page shows of a file; `kind` is text, markdown, table, image or nothing."""

    kind: str
    text: str = ""
    html: SafeString | None = None
    rows: list[list[str]] = field(default_factory=list)
    is_cut: bool = False


# Who isn't signed in, or may not see the session, is sent away before the upload is read; then the form's token counts.
@csrf_exempt
@page("GET", "POST")
def browse(request: PageRequest, session_id: str) -> HttpResponseBase:
    """A directory (`?path=`) with its files, or its tree as a fragment; a POST uploads `files`, several at once."""
    session = load(request, session_id)
    if request.method == "POST":
        _receive(request)
        return _upload(request, session)
    return _directory(request, session, request.GET.get("path", "content"))


def _directory(
    request: PageRequest, session: Session, path: str, *, problems: Sequence[str] = (), status: int = 200
) -> HttpResponse:
    names = checked_path(path) if path else ()
    context: dict[str, Any] = {"session": session, "path": path, "problems": problems}
    context["steps"] = [("/".join(names[: number + 1]), name) for number, name in enumerate(names)]
    directory = Directory([]) if session.in_trash else list_directory(session.pk, names)
    context["entries"], context["cut_at"] = directory.entries, directory.cut_at
    if wants_fragment(request) and "tree" in request.GET:
        return fragment(request, "sessions/_tree.html", context)
    context["use"], context["quota"] = used_room(session.pk, in_trash=session.in_trash), settings.WORKSPACE_QUOTA_BYTES
    return render_page(request, "sessions/files.html", context, status=status)


def _receive(request: PageRequest) -> None:
    """Read the form, whose large files are received as temporary files. Raises StorageFull, StorageError."""
    with translated("receive the files"), suppress(UnreadablePostError):
        request.FILES.keys()


@csrf_protect
def _upload(request: PageRequest, session: Session) -> HttpResponse:
    """Keep the files; show the form again with what couldn't be kept, and the way to what could."""
    path, uploads = request.POST.get("path", ""), request.FILES.getlist("files")
    problems, status = _kept(request, session, path, uploads)
    if not problems:
        toast(request, f"Kept {counted(len(uploads), 'file')}.")
        return go_to(request, _address(session, path))
    if not wants_fragment(request):
        return _directory(request, session, path, problems=problems, status=status)
    context = {"session": session, "path": path, "problems": problems}
    if len(uploads) > len(problems):
        context |= {"kept": counted(len(uploads) - len(problems), "file"), "address": _address(session, path)}
    return fragment(request, "sessions/_upload.html", context, status=422)  # the status of forms that are shown again


def _kept(
    request: PageRequest, session: Session, path: str, uploads: "list[UploadedFile[Any]]"
) -> tuple[list[str], int]:
    """Keep what can be kept; return a sentence for each that can't, and a status."""
    problems: list[str] = []
    status = 422
    if not uploads:
        return ["Choose one or more files first."], status
    for upload in uploads:
        name = upload.name or ""
        try:
            put_file(
                actor=request.user,
                session_id=session.pk,
                path=f"{path}/{name}" if path else name,
                blocks=upload.chunks(BLOCK),
                size=upload.size or 0,
            )
        except (NotFound, NotAllowed):
            raise
        except SessionError as error:
            problems.append(f"{name}: {sentence_of(error)}")
            status = status_of(error)
    return problems, status if problems else 200


@page("GET")
def view(request: PageRequest, session_id: str) -> HttpResponse:
    """A file (`?path=`) as far as a page can show it."""
    session = load(request, session_id)
    path = request.GET.get("path", "")
    names = checked_path(path)
    with files.opened_file(session.pk, names) as found:
        preview = _preview(found)
        context = {"session": session, "path": path, "name": found.name, "size": found.size}
        context |= {"modified_at": found.modified_at, "preview": preview, "parent": "/".join(names[:-1])}
    return render_page(request, "sessions/file.html", context)


def _preview(found: OpenFile) -> Preview:
    ending = found.name.rpartition(".")[2].lower()
    if ending in _IMAGES:
        return Preview("image")
    data = found.file.read(_LONGEST)
    if b"\0" in data or ending == "pdf":
        return Preview("nothing")
    text, is_cut = data.decode(errors="replace"), found.size > len(data)
    if ending in ("csv", "tsv"):
        return Preview("table", rows=_table(text, "\t" if ending == "tsv" else ","), is_cut=is_cut)
    html = markdown.render(text) if ending in ("md", "markdown") else None
    return Preview("text" if html is None else "markdown", text, html, is_cut=is_cut)


def _table(text: str, delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(text.splitlines(), delimiter=delimiter):
            rows.append(row[:_COLUMNS])
            if len(rows) == _ROWS:
                break
    except csv.Error:
        pass  # what could be read is shown
    return rows


@page("GET")
def raw(request: PageRequest, session_id: str) -> HttpResponseBase:
    """A file (`?path=`) to download; an image can also stand in a page (`?inline=1`)."""
    session = load(request, session_id)
    found = files.open_file(session.pk, checked_path(request.GET.get("path", "")))
    kind = _IMAGES.get(found.name.rpartition(".")[2].lower()) if "inline" in request.GET else None
    return as_attachment(request, found, partial(may_still_read, Actor.of(request.user), session.pk), kind)


def as_attachment(
    request: HttpRequest, found: OpenFile, is_let_in: Callable[[], bool], kind: str | None = None
) -> HttpResponseBase:
    """A file to download, as long as `is_let_in` says so; one of a `kind` that is an image's may stand in a page."""
    made = download(found, request.headers, is_head=request.method == "HEAD")
    headers = made.headers | {"Content-Security-Policy": "default-src 'none'; sandbox"}
    headers["Content-Disposition"] = content_disposition_header(kind is None, found.name) or "attachment"
    content_type = kind or "application/octet-stream"
    if made.blocks is None:
        return HttpResponse(status=made.status, content_type=content_type, headers=headers)
    pieces = while_let_in(made.blocks, is_let_in)
    return StreamingHttpResponse(pieces, status=made.status, content_type=content_type, headers=headers)


@page("GET")
def zip_directory(request: PageRequest, session_id: str) -> HttpResponseBase:
    """A directory (`?path=`) as a zip."""
    session = load(request, session_id)
    path = request.GET.get("path", "content")
    names = checked_path(path) if path else ()
    list_directory(session.pk, names)  # 404 while that can still be said
    name = f"{names[-1] if names else session.short_id}.zip"
    pieces: Iterator[bytes] = iter(()) if request.method == "HEAD" else zipped(session.pk, names)
    pieces = while_let_in(pieces, partial(may_still_read, Actor.of(request.user), session.pk))
    headers = {"Content-Disposition": content_disposition_header(True, name) or "attachment"}
    return StreamingHttpResponse(pieces, content_type="application/zip", headers=headers)


@page("POST")
def remove(request: PageRequest, session_id: str) -> HttpResponse:
    """Remove a file or a directory (`path`)."""
    path = request.POST.get("path", "")
    remove_file(actor=request.user, session_id=session_id, path=path)
    toast(request, f"Removed {path}.")
    return go_to(request, _address(load(request, session_id), path.rpartition("/")[0]))


def _address(session: Session, path: str) -> str:
    return f"{reverse('session_files', args=[session.pk])}?{urlencode({'path': path})}"
