"""Exporting in the browser: files to download."""

from django.http import StreamingHttpResponse

from sessions.htmx import PageRequest
from sessions.operations.transfer.exporting import DEFAULT_FORMAT, Export, export_session, export_sessions
from sessions.views.page import page

CHOSEN = "export"  # in the login: the sessions that were ticked


@page("GET")
def export_one(request: PageRequest, session_id: str) -> StreamingHttpResponse:
    """A session as a file."""
    export = export_session(actor=request.user, session_id=session_id, format=_format(request))
    return _download(request, export)


@page("GET")
def export_many(request: PageRequest) -> StreamingHttpResponse:
    """The sessions that were ticked in a list (`chosen`), or everything."""
    chosen = request.session.get(CHOSEN, []) if "chosen" in request.GET else None
    return _download(request, export_sessions(actor=request.user, session_ids=chosen, format=_format(request)))


def _format(request: PageRequest) -> str:
    return request.GET.get("format", DEFAULT_FORMAT)


def _download(request: PageRequest, export: Export) -> StreamingHttpResponse:
    chunks = () if request.method == "HEAD" else export.begun()
    headers = {"Content-Disposition": f'attachment; filename="{export.file_name}"'}
    return StreamingHttpResponse(chunks, content_type=export.content_type, headers=headers)
