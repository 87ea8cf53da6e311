"""A directory of a workspace as a zip, made while it is sent: memory stays flat whatever its size."""

import os
import zipfile
from collections.abc import Iterator
from typing import BinaryIO, cast
from uuid import UUID

from sessions.exceptions import FileNotFound, StorageError
from sessions.storage.files import Names, open_file, opened_directory
from sessions.storage.names import is_plain_name
from sessions.storage.ranges import BLOCK
from sessions.storage.workspaces import translated

_MAX_DEPTH = 64
_EARLIEST = (1980, 1, 1, 0, 0, 0)


class _Outlet:
    """What zipfile writes into: it keeps the bytes until they are taken."""

    def __init__(self) -> None:
        self._kept: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Keep some bytes."""
        self._kept.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """There is nothing to flush."""

    def take(self) -> bytes:
        """The bytes since the last time."""
        data = b"".join(self._kept)
        self._kept.clear()
        return data


def zipped(session_id: UUID, names: Names) -> Iterator[bytes]:
    """The zip of a directory in pieces. What is removed or swapped for a link meanwhile isn't in it."""
    outlet = _Outlet()
    with zipfile.ZipFile(cast("BinaryIO", outlet), "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in _files(session_id, names, 0):
            for _ in _add(archive, session_id, path, "/".join(path[len(names) :])):
                yield outlet.take()
    yield outlet.take()


def _files(session_id: UUID, names: Names, depth: int) -> Iterator[Names]:
    """What isn't a directory, by name, however much there is: names take little room."""
    try:
        with opened_directory(session_id, names) as directory, translated("list the directory"):
            entries = _entries(directory)
    except (FileNotFound, StorageError):
        return
    for name, is_directory in entries:
        path = (*names, name)
        if not is_directory:
            yield path
        elif depth < _MAX_DEPTH:
            yield from _files(session_id, path, depth + 1)


def _entries(directory: int) -> list[tuple[str, bool]]:
    with os.scandir(directory) as found:
        return sorted((each.name, each.is_dir(follow_symlinks=False)) for each in found if is_plain_name(each.name))


def _add(archive: zipfile.ZipFile, session_id: UUID, path: Names, name: str) -> Iterator[None]:
    try:
        found = open_file(session_id, path)
    except (FileNotFound, StorageError):
        return
    with found.file:
        at = found.modified_at.timetuple()[:6]
        info = zipfile.ZipInfo(name, max(at, _EARLIEST))
        info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
        left = os.fstat(found.file.fileno()).st_size
        with archive.open(info, "w", force_zip64=True) as entry:
            while left > 0 and (block := found.file.read(min(BLOCK, left))):
                left -= len(block)
                entry.write(block)
                yield
    yield
