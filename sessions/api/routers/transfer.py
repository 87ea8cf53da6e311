"""Sessions in and out of files."""

import io
from collections.abc import Iterator
from typing import Annotated, BinaryIO, cast

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from ninja import Query

from sessions.api.answers import accepted, answer
from sessions.api.auth import ApiRequest
from sessions.api.contract import takes_files
from sessions.api.errors import Problem, invalid
from sessions.api.idempotency import MULTIPART
from sessions.api.openapi import ApiRouter, documented
from sessions.api.parsing import JSON
from sessions.api.schemas.common import Flag
from sessions.api.schemas.transfer import ImportAnswer, ImportQuery, SessionIds, UndoneAnswer, WrittenFormat
from sessions.formats.recognition import CONTENT_TYPES
from sessions.operations.jobs.undoing import undo_later
from sessions.operations.transfer.exporting import DEFAULT_FORMAT, Export, export_session, export_sessions
from sessions.operations.transfer.importing import SourceFile, import_sessions
from sessions.operations.transfer.undoing import import_for_reading, undo_import

router = ApiRouter(tags=["Import and export"])

_FILES = {"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1}
_FIELDS = {"format": {"type": "string"}, "new_name": {"type": "string"}}
_BODY = {
    MULTIPART: {"schema": {"type": "object", "required": ["file"], "properties": {"file": _FILES, **_FIELDS}}},
    JSON: {"schema": {"type": ["object", "array"], "description": "A document in one of the formats that are JSON."}},
}


@router.post(
    "/sessions/import",
    summary="Import sessions from files of ResearchMind and of other systems",
    **documented({200: ImportAnswer, 201: ImportAnswer}, writes=True, body=_BODY),
)
@takes_files
def import_files(request: ApiRequest, query: Query[ImportQuery]) -> HttpResponse:
    """Send `file` as a form (multipart/form-data), as often as there are files, or one document as JSON.

    Each session is stored whole or not at all, and one that can't be read doesn't stop the others.
    Sessions that were imported before are skipped: 201 if any was made, 200 if all were there. What is
    wrong is told if nothing could be imported.
    """
    format, new_name = _names(request, query)
    report = import_sessions(actor=request.auth, files=_files(request), format=format, new_name=new_name)
    return answer(report.as_dict(), 201 if report.created else 200)


def _names(request: ApiRequest, query: ImportQuery) -> tuple[str, str]:
    """`format` and `new_name` from the address or the form."""
    names = {"format": query.format or "", "new_name": query.new_name or ""}
    if request.content_type == MULTIPART:
        for name, values in request.POST.lists():
            if name not in names:
                raise invalid(name, "There is no such field here. Remove it or correct its name.")
            if len(values) > 1 or names[name]:
                raise invalid(name, "Give it once.")
            names[name] = values[0]
    return names["format"], names["new_name"]


def _files(request: ApiRequest) -> Iterator[SourceFile]:
    if request.content_type == JSON:
        return iter([SourceFile("", io.BytesIO(request.body))])
    if request.content_type != MULTIPART and request.META.get("CONTENT_LENGTH") in (None, "", "0"):
        raise invalid("file", "Send a file, or a document.")
    if request.content_type != MULTIPART:
        raise Problem(415, "unsupported_media_type", f"Send files as {MULTIPART}, or a document as {JSON}.")
    unknown = [name for name in request.FILES if name != "file"]
    if unknown or "file" not in request.FILES:
        raise invalid(unknown[0] if unknown else "file", "Send the files under the name `file`.")
    return (SourceFile(file.name or "", cast("BinaryIO", file.file)) for file in request.FILES.getlist("file"))


@router.post(
    "/imports/{import_id}/undo",
    summary="Take a whole import back",
    operation_id="undo_import",
    **documented({200: UndoneAnswer}, 404, writes=True, later=True),
)
def undo_imported(request: ApiRequest, import_id: str) -> HttpResponse:
    """Sessions that nobody has changed since are deleted for ever; the others go to the trash.

    Of a large import the worker takes them back: 202 with the job.
    """
    if job := undo_later(actor=request.auth, import_id=import_id):
        return accepted(job)
    undone = undo_import(actor=request.auth, import_id=import_id)
    batch = import_for_reading(request.auth, import_id)
    return answer(
        {
            "import_id": str(batch.pk),
            "undone_at": batch.undone_at,
            "purged": undone.purged,
            "trashed": undone.trashed,
        }
    )


@router.get(
    "/sessions/export",
    summary="Export chosen sessions, or everything of yours",
    operation_id="export_many",
    **documented({200: None}, 404, 409, file_types=[CONTENT_TYPES["zip"]]),
)
def export_chosen(
    request: ApiRequest,
    session_ids: Annotated[SessionIds | None, Query(None)],
    format: Annotated[WrittenFormat, Query(DEFAULT_FORMAT)],
    vectors: Annotated[Flag, Query(True)],
) -> HttpResponseBase:
    """A zip with a file for each; it can be imported as it is. Without `session_ids` it is all that you own.

    Trashed sessions are among everything, and come back as trashed ones.
    """
    chosen = None if session_ids is None else [part.strip() for part in session_ids.split(",")]
    return _streamed(request, export_sessions(actor=request.auth, session_ids=chosen, format=format, vectors=vectors))


@router.get(
    "/sessions/{session_id}/export",
    summary="Export a session",
    operation_id="export_session",
    **documented({200: None}, 404, 409, file_types=sorted(CONTENT_TYPES.values())),
)
def export_one(
    request: ApiRequest,
    session_id: str,
    format: Annotated[WrittenFormat, Query(DEFAULT_FORMAT)],
    vectors: Annotated[Flag, Query(True)],
) -> HttpResponseBase:
    """`researchmind` is the whole session with its files, `json` and `mochi` leave them out, `markdown` is to read.

    `vectors=false` leaves its vectors out.
    """
    export = export_session(actor=request.auth, session_id=session_id, format=format, vectors=vectors)
    return _streamed(request, export)


def _streamed(request: ApiRequest, export: Export) -> HttpResponseBase:
    """The file as it is made. What goes wrong before its first piece is still told as a problem."""
    chunks = () if request.method == "HEAD" else export.begun()
    headers = {"Content-Disposition": f'attachment; filename="{export.file_name}"'}
    return StreamingHttpResponse(chunks, content_type=export.content_type, headers=headers)
