"""`If-Match` and `If-None-Match`: a session's ETag is its version in quotes."""

import re

from django.http import HttpRequest, HttpResponse

from sessions.api.errors import invalid

# A proxy that compresses makes `"5"` into `W/"5"`; it is the same version all the same.
_TAG = re.compile(r'(?:W/)?"([^"]*)"')
_NO_VERSION = 0  # versions start at 1, so this one is never current


def etag(version: int) -> str:
    """The entity tag of a version."""
    return f'"{version}"'


def expected_version(request: HttpRequest) -> int | None:
    """The version that `If-Match` asks for; None without it, or for `*`. Raises Invalid for a list or no tag."""
    header = request.headers.get("If-Match", "*").strip()
    if header == "*":
        return None
    tag = _TAG.fullmatch(header)
    if tag is None:
        raise invalid("If-Match", "Give one ETag, in its quotes, as the last answer had it.")
    return _version(tag[1])


def _version(tag: str) -> int:
    return int(tag) if tag.isascii() and tag.isdigit() and len(tag) < 20 else _NO_VERSION


def not_modified(request: HttpRequest, version: int) -> HttpResponse | None:
    """304 if `If-None-Match` holds this version, else None."""
    header = request.headers.get("If-None-Match")
    if header is None or not (header.strip() == "*" or str(version) in _TAG.findall(header)):
        return None
    response = HttpResponse(status=304, headers={"ETag": etag(version)})
    del response.headers["Content-Type"]
    return response
