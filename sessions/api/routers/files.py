"""Files of a workspace: list, download, upload, remove."""

from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any

from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.http.request import UnreadablePostError
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from ninja import Path, Query

from sessions import access
from sessions.api.answers import answer, no_content, session_id_of
from sessions.api.auth import ApiRequest
from sessions.api.contract import takes_files
from sessions.api.errors import Problem
from sessions.api.openapi import ApiRouter, documented
from sessions.api.preconditions import expected_version
from sessions.api.schemas.files import DirectoryPath, EntryAnswer, FileListAnswer, FilePath
from sessions.operations.files import put_file, remove_file
from sessions.storage import files
from sessions.storage.directory import list_directory
from sessions.storage.files import Entry
from sessions.storage.names import checked_path
from sessions.storage.ranges import BLOCK, download
from sessions.storage.room import used_room

router = ApiRouter(tags=["Files"])

BINARY = "application/octet-stream"
_BODY = {BINARY: {"schema": {"type": "string", "format": "binary"}}}


@router.get(
    "/sessions/{session_id}/files",
    summary="List a directory of the workspace",
    **documented({200: FileListAnswer}, 404, 409),
)
def list_files(request: ApiRequest, session_id: str, path: Annotated[DirectoryPath, Query("")]) -> HttpResponse:
    """The workspace itself without `path`. Links, special files and hidden names aren't there."""
    row = access.session_row_for_reading(request.auth, session_id)
    found = list_directory(session_id_of(row), checked_path(path) if path else ())
    return answer(
        {
            "path": path,
            "files": [_entry(entry) for entry in found.entries],
            "is_complete": found.cut_at is None,
            "used": used_room(session_id_of(row)).size,
            "quota": settings.WORKSPACE_QUOTA_BYTES,
        }
    )


@router.get(
    "/sessions/{session_id}/files/{path:path}",
    summary="Download a file",
    **documented({200: None}, 404, 409, 416, file_types=[BINARY], if_none_match=True),
)
def download_file(request: ApiRequest, session_id: str, path: Annotated[FilePath, Path(...)]) -> HttpResponseBase:
    """As an attachment. `Range` gets a part of it: 206."""
    row = access.session_row_for_reading(request.auth, session_id)
    found = files.open_file(session_id_of(row), checked_path(path))
    made = download(found, request.headers, is_head=request.method == "HEAD")
    if made.status == 416:
        raise Problem(416, "range_not_satisfiable", "The part lies beyond the end of the file.", headers=made.headers)
    headers = made.headers | {"Content-Disposition": content_disposition_header(True, found.name) or "attachment"}
    if made.blocks is None:
        response = HttpResponse(status=made.status, headers=headers)
        response.headers.pop("Content-Type", None)
        return response
    may_read = partial(access.may_still_read, request.auth, session_id_of(row))
    pieces = access.while_let_in(made.blocks, may_read)
    return StreamingHttpResponse(pieces, status=made.status, content_type=BINARY, headers=headers)


@router.put(
    "/sessions/{session_id}/files/{path:path}",
    summary="Upload a file",
    **documented({201: EntryAnswer}, 404, 409, writes=True, if_match=True, body=_BODY),
)
@takes_files
def upload_file(request: ApiRequest, session_id: str, path: Annotated[FilePath, Path(...)]) -> HttpResponse:
    """The body is the file, whatever its content type. It takes the place of one that is there, or nothing happens."""
    entry = put_file(
        actor=request.auth,
        session_id=session_id,
        path=path,
        blocks=_body(request),
        size=int(request.META.get("CONTENT_LENGTH") or 0),
        expected_version=expected_version(request),
    )
    return answer(_entry(entry), 201)


def _body(request: ApiRequest) -> Iterator[bytes]:
    """The body as it comes. One that ends early is shorter than was said."""
    try:
        while block := request.read(BLOCK):
            yield block
    except UnreadablePostError:
        return


@router.delete(
    "/sessions/{session_id}/files/{path:path}",
    summary="Remove a file, or a directory with all that is in it",
    **documented({204: None}, 404, 409, writes=True, if_match=True),
)
def delete_file(request: ApiRequest, session_id: str, path: Annotated[FilePath, Path(...)]) -> HttpResponse:
    """`content` itself stays: 400."""
    remove_file(actor=request.auth, session_id=session_id, path=path, expected_version=expected_version(request))
    return no_content()


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "path": entry.path,
        "type": "directory" if entry.is_directory else "file",
        "size": None if entry.is_directory else entry.size,
        "modified_at": entry.modified_at,
    }
