"""Files of a workspace: everything is opened relative to its directory's descriptor, and no link is followed.

A name that is swapped for a link, a FIFO or a device while we work leads nowhere and hangs nobody.
"""

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import BinaryIO
from uuid import UUID, uuid4

from sessions.exceptions import FileNotFound, Impossible, InTheWay, QuotaExceeded
from sessions.storage.disk_use import measure
from sessions.storage.names import is_plain_name
from sessions.storage.removal import remove_tree
from sessions.storage.workspaces import CONTENT, translated, workspace_path

MOST_LISTED = 10_000
_UPLOAD = ".upload-"
_REMOVED = ".removed-"
TEMPORARY = (_UPLOAD.encode(), _REMOVED.encode())  # how names begin that nobody keeps
_PRIVATE_DIRECTORY, _PRIVATE_FILE = 0o700, 0o600
_EVERYTHING = 10_000_000
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a FIFO put in its place would hang
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES, errno.ENXIO, errno.ENODEV)

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, with its size in bytes, or a directory. `path` is relative to the workspace."""

    name: str
    path: str
    is_directory: bool
    size: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file to read from; whoever opened it closes it."""

    file: BinaryIO
    name: str
    size: int
    modified_at: datetime


def list_directory(session_id: UUID, names: Names = (), *, most: int = MOST_LISTED) -> list[Entry]:
    """The files and directories in a directory, directories first, by name; `most` entries are looked at.

    Links, special files and hidden names aren't there. Raises FileNotFound, StorageError.
    """
    with _opened(session_id, names) as directory, translated("list the directory"), os.scandir(directory) as found:
        entries = [entry for each in islice(found, most) if (entry := _entry(each, names)) is not None]
    return sorted(entries, key=lambda entry: (not entry.is_directory, entry.name.casefold(), entry.name))


def _entry(found: os.DirEntry[str], names: Names) -> Entry | None:
    if not is_plain_name(found.name):
        return None
    try:
        status = found.stat(follow_symlinks=False)
    except OSError:
        return None  # gone meanwhile
    is_directory = stat.S_ISDIR(status.st_mode)
    if not (is_directory or stat.S_ISREG(status.st_mode)):
        return None
    path = "/".join((*names, found.name))
    return Entry(found.name, path, is_directory, 0 if is_directory else status.st_size, _time(status))


@contextmanager
def opened_file(session_id: UUID, names: Names) -> Iterator[OpenFile]:
    """Open a file while the block runs. Raises as `open_file`."""
    found = open_file(session_id, names)
    with found.file:
        yield found


def open_file(session_id: UUID, names: Names) -> OpenFile:
    """Open a file to read. Raises FileNotFound for anything that isn't a file, StorageError."""
    with _opened(session_id, names[:-1]) as parent, _found("open the file", names):
        if not stat.S_ISREG(os.stat(names[-1], dir_fd=parent, follow_symlinks=False).st_mode):
            raise _not_there(names)  # opening a device may already do something
        descriptor = os.open(names[-1], _OPEN_FILE, dir_fd=parent)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise _not_there(names)
    return OpenFile(os.fdopen(descriptor, "rb"), names[-1], status.st_size, _time(status))


def write_file(session_id: UUID, names: Names, blocks: Iterable[bytes], *, size: int, quota: int) -> Entry:
    """Write a file of `size` bytes, in place of one that is there; its directories are made.

    It is written beside, flushed to the disk and moved into its place: whoever reads gets the
    old or the new one, and whatever goes wrong leaves the old one. Its room is taken before the
    first byte comes, so that parallel uploads can't exceed the quota together. Raises
    QuotaExceeded, InTheWay, Impossible for another length, FileNotFound without a workspace,
    StorageFull, StorageError.
    """
    with _opened(session_id) as workspace:
        temporary, descriptor = _reserve(workspace, names, size, quota)
        try:
            with translated("write the file"), os.fdopen(descriptor, "wb") as file:
                _fill(file, blocks, size)
                status = os.fstat(descriptor)
            with _parent_made(workspace, names) as parent, translated("write the file"):
                _move_in(workspace, temporary, parent, names)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=workspace)
    return Entry(names[-1], "/".join(names), False, size, _time(status))


def _fill(file: BinaryIO, blocks: Iterable[bytes], size: int) -> None:
    written = 0
    for block in blocks:
        written += len(block)
        if written > size:
            break
        file.write(block)
    if written != size:
        raise Impossible(f"The upload ended after {written} of {size} bytes, so nothing was kept. Send it again.")
    file.flush()
    os.fsync(file.fileno())


def _reserve(workspace: int, names: Names, size: int, quota: int) -> tuple[str, int]:
    """Make the temporary file as long as the upload will be; one at a time measures and takes room."""
    with translated("write the file"), _locked(workspace):
        _sweep(workspace)
        used = measure(os.dup(workspace), most=_EVERYTHING).size - _size_of(workspace, names)
        if used + size > quota:
            raise QuotaExceeded(
                f"The session's files would have {used + size} bytes, and {quota} are allowed. Remove some first.",
                used=used,
                quota=quota,
            )
        temporary = f"{_UPLOAD}{uuid4().hex}"
        descriptor = os.open(temporary, _NEW_FILE, _PRIVATE_FILE, dir_fd=workspace)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # as long as we live: `_sweep` of others leaves it alone
            os.ftruncate(descriptor, size)
        except OSError:
            os.close(descriptor)
            os.unlink(temporary, dir_fd=workspace)
            raise
    return temporary, descriptor


def _sweep(workspace: int) -> None:
    """Remove temporary files whose writers were killed: nobody holds their lock any more."""
    for name in os.listdir(workspace):
        if name.startswith(_UPLOAD):
            with contextlib.suppress(OSError):
                descriptor = os.open(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=workspace)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os.unlink(name, dir_fd=workspace)
                finally:
                    os.close(descriptor)
        elif name.startswith(_REMOVED):
            remove_tree(f"/proc/self/fd/{workspace}", name)


def _size_of(workspace: int, names: Names) -> int:
    """The size of the file that will be replaced; 0 if there is none."""
    try:
        with _walked(workspace, names[:-1]) as parent:
            status = os.stat(names[-1], dir_fd=parent, follow_symlinks=False)
    except OSError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def _move_in(workspace: int, temporary: str, parent: int, names: Names) -> None:
    try:
        os.rename(temporary, names[-1], src_dir_fd=workspace, dst_dir_fd=parent)
    except OSError as error:
        if error.errno in (errno.EISDIR, errno.ENOTEMPTY, errno.EEXIST):
            raise _in_the_way(names) from None
        if error.errno == errno.ENOENT:
            raise _taken_away(names) from None
        raise
    os.fsync(parent)


@contextmanager
def _parent_made(workspace: int, names: Names) -> Iterator[int]:
    """The directory that a new file goes into, made if it isn't there."""
    directory = os.dup(workspace)
    try:
        for name in names[:-1]:
            with translated("make the directory"):
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, _PRIVATE_DIRECTORY, dir_fd=directory)
                try:
                    inside = os.open(name, _OPEN_DIRECTORY, dir_fd=directory)
                except OSError as error:
                    if error.errno in _NOT_THERE:
                        raise _in_the_way(names) from None
                    raise
            os.close(directory)
            directory = inside
        yield directory
    finally:
        os.close(directory)


def remove_file(session_id: UUID, names: Names) -> None:
    """Remove a file, or a directory with all that is in it. Raises FileNotFound, Impossible, StorageError."""
    if names == (CONTENT,):
        raise Impossible("The directory content belongs to the workspace. Remove what is in it instead.")
    with _opened(session_id) as workspace, _found("remove the file", names), _walked(workspace, names[:-1]) as parent:
        mode = os.stat(names[-1], dir_fd=parent, follow_symlinks=False).st_mode
        if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
            raise _not_there(names)
        aside = f"{_REMOVED}{uuid4().hex}"
        with _locked(workspace):  # a sweep meanwhile would take it for an abandoned one
            os.rename(names[-1], aside, src_dir_fd=parent, dst_dir_fd=workspace)
            os.fsync(parent)
            remove_tree(f"/proc/self/fd/{workspace}", aside)


@contextmanager
def _opened(session_id: UUID, names: Names = ()) -> Iterator[int]:
    """The descriptor of the workspace, or of a directory in it."""
    with contextlib.ExitStack() as stack:
        with _found("open the workspace", names):
            workspace = os.open(workspace_path(session_id), _OPEN_DIRECTORY)
            stack.callback(os.close, workspace)
            directory = stack.enter_context(_walked(workspace, names))
        yield directory


@contextmanager
def _walked(workspace: int, names: Names) -> Iterator[int]:
    """The descriptor of a directory, reached step by step. Raises OSError."""
    directory = os.dup(workspace)
    try:
        for name in names:
            inside = os.open(name, _OPEN_DIRECTORY, dir_fd=directory)
            os.close(directory)
            directory = inside
        yield directory
    finally:
        os.close(directory)


@contextmanager
def _locked(workspace: int) -> Iterator[None]:
    """One at a time in this workspace, whatever the process."""
    directory = os.open(".", _OPEN_DIRECTORY, dir_fd=workspace)  # a lock belongs to what was opened
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


@contextmanager
def _found(purpose: str, names: Names) -> Iterator[None]:
    """Say of what isn't there, or isn't what it was taken for, that it isn't there."""
    with translated(purpose):
        try:
            yield
        except OSError as error:
            if error.errno in _NOT_THERE:
                raise _not_there(names) from None
            raise


def _not_there(names: Names) -> FileNotFound:
    return FileNotFound("There is no such file in the workspace.", path="/".join(names))


def _in_the_way(names: Names) -> InTheWay:
    return InTheWay("A file or a directory of this name is in the way.", path="/".join(names))


def _taken_away(names: Names) -> InTheWay:
    detail = "The directory that the file goes into was removed or replaced meanwhile. Send it again."
    return InTheWay(detail, path="/".join(names))


def _time(status: os.stat_result) -> datetime:
    return datetime.fromtimestamp(max(status.st_mtime, 0), UTC)
