"""A part of a file, as HTTP asks for it (RFC 9110, 14.1), and reading it piece by piece."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from sessions.storage.files import OpenFile

BLOCK = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Part:
    """From `start`, `length` bytes."""

    start: int
    length: int


def requested_part(header: str, size: int) -> Part | None:
    """The part that `Range` asks for; None for the whole: without the header, for several parts, for nonsense.

    Raises ValueError for a part that lies beyond the end.
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(size - int(last), 0), size - 1
    else:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
        if last and int(last) < start:
            return None
    if start >= size:
        raise ValueError("beyond the end")
    return Part(start, end - start + 1)


@dataclass(frozen=True, slots=True)
class Download:
    """What a download is in HTTP. `blocks` closes the file; without one it is closed already."""

    status: int
    headers: dict[str, str]
    blocks: Iterator[bytes] | None = None


def download(found: OpenFile, asked: Mapping[str, str], *, is_head: bool = False) -> Download:
    """Answer a request for a file from its headers: the whole, a part, 304 unchanged, or 416 no such part."""
    tag = f'"{int(found.modified_at.timestamp() * 1e6):x}-{found.size:x}"'
    headers = {"Accept-Ranges": "bytes", "ETag": tag}
    if tag in asked.get("If-None-Match", ""):
        found.file.close()
        return Download(304, headers)
    try:
        may_be_part = asked.get("If-Range", tag) == tag
        part = requested_part(asked.get("Range", ""), found.size) if may_be_part else None
    except ValueError:
        found.file.close()
        return Download(416, headers | {"Content-Range": f"bytes */{found.size}"})
    status = 200 if part is None else 206
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.start + part.length - 1}/{found.size}"
    part = part or Part(0, found.size)
    headers["Content-Length"] = str(part.length)
    if is_head:
        found.file.close()
        return Download(status, headers)
    return Download(status, headers, blocks(found.file, part))


def blocks(file: BinaryIO, part: Part) -> Iterator[bytes]:
    """Read a part of a file and close the file, however far the reader comes."""
    with file:
        file.seek(part.start)
        left = part.length
        while left > 0 and (block := file.read(min(BLOCK, left))):
            left -= len(block)
            yield block
