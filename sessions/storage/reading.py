"""All files of a workspace, one after the other, following no link."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO
from uuid import UUID

from sessions.storage.files import TEMPORARY
from sessions.storage.staging import MAKING
from sessions.storage.workspaces import INDEX, root, trash

_MAX_DEPTH = 64
_NOT_FILES = (INDEX.encode(), MAKING.encode())
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a FIFO put in its place would hang


@dataclass(frozen=True, slots=True)
class FoundFile:
    """An open file, good until the next one is asked for; or an empty directory, without a file.

    `path` is relative to the workspace. `left_out` says why something stays behind: `link`, `special`, `unreadable`,
    `too deep`.
    """

    path: bytes
    size: int = 0
    file: BinaryIO | None = None
    left_out: str = ""


def workspace_files(session_id: UUID, *, in_trash: bool = False) -> Iterator[FoundFile]:
    """The files and empty directories of a workspace by name, without uploads under way.

    Its search index stays out: it names the place where it was made, and is made anew from the files.
    """
    for base in (trash(), root()) if in_trash else (root(), trash()):
        try:
            workspace = os.open(os.path.join(base, str(session_id)), _OPEN_DIRECTORY)
        except OSError:
            continue
        yield from _walk(workspace, b"", 0)
        break


def _walk(directory: int, prefix: bytes, depth: int) -> Iterator[FoundFile]:
    """What is in an open directory, which is closed afterwards."""
    try:
        names = sorted(os.fsencode(name) for name in os.listdir(directory))
        if depth and not names:
            yield FoundFile(prefix.rstrip(b"/"))
        for name in names:
            if depth or not (name in _NOT_FILES or name.startswith(TEMPORARY)):
                yield from _entry(directory, name, prefix + name, depth)
    finally:
        os.close(directory)


def _entry(directory: int, name: bytes, path: bytes, depth: int) -> Iterator[FoundFile]:
    try:
        mode = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode) and depth < _MAX_DEPTH:
            inside = os.open(name, _OPEN_DIRECTORY, dir_fd=directory)
        elif stat.S_ISREG(mode):
            inside = os.open(name, _OPEN_FILE, dir_fd=directory)
        else:
            kind = "link" if stat.S_ISLNK(mode) else "too deep" if stat.S_ISDIR(mode) else "special"
            yield FoundFile(path, left_out=kind)
            return
    except OSError:
        yield FoundFile(path, left_out="unreadable")
        return
    if stat.S_ISDIR(mode):
        yield from _walk(inside, path + b"/", depth + 1)
        return
    with os.fdopen(inside, "rb") as file:
        status = os.fstat(inside)
        if stat.S_ISREG(status.st_mode):
            yield FoundFile(path, status.st_size, file)
        else:
            yield FoundFile(path, left_out="special")
