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
from typing import BinaryIO
from uuid import UUID, uuid4

from sessions.exceptions import FileNotFound, Impossible, InTheWay, QuotaExceeded
from sessions.storage.removal import remove_tree
from sessions.storage.room import forget_room, take_room
from sessions.storage.workspaces import CONTENT, translated, workspace_path

UPLOAD = ".upload-"
REMOVED = ".removed-"
MOVING, FROM = "-in", "-from"
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)  # on such a disk a kill may leave a change without its event
TEMPORARY = (UPLOAD.encode(), REMOVED.encode())  # how names begin that nobody keeps
_PRIVATE_DIRECTORY, _PRIVATE_FILE = 0o700, 0o600
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


def modified_at(status: os.stat_result) -> datetime:
    """When it was last written; 1970 for what claims to be older."""
    return datetime.fromtimestamp(max(status.st_mtime, 0), UTC)


@contextmanager
def opened_file(session_id: UUID, names: Names) -> Iterator[OpenFile]:
    """Open a file while the block runs. Raises as `open_file`."""
    found = open_file(session_id, names)
    with found.file:
        yield found


def open_file(session_id: UUID, names: Names) -> OpenFile:
    """Open a file to read. Raises FileNotFound for anything that isn't a file, StorageError."""
    with opened_directory(session_id, names[:-1]) as parent, _found("open the file", names):
        if not stat.S_ISREG(os.stat(names[-1], dir_fd=parent, follow_symlinks=False).st_mode):
            raise _not_there(names)  # opening a device may already do something
        descriptor = os.open(names[-1], _OPEN_FILE, dir_fd=parent)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise _not_there(names)
    return OpenFile(os.fdopen(descriptor, "rb"), names[-1], status.st_size, modified_at(status))


class WrittenFile:
    """A file that is written beside its place. `entry` is what it will be."""

    def __init__(self, workspace: int, temporary: str, names: Names, status: os.stat_result) -> None:
        self.entry = Entry(names[-1], "/".join(names), False, status.st_size, modified_at(status))
        self.is_settled = False
        self._place = (workspace, temporary, names)

    def settle(self) -> None:
        """Move it to its place, in place of a file that is there. Raises InTheWay, StorageFull, StorageError."""
        workspace, temporary, names = self._place
        with _parent_made(workspace, names) as parent, translated("write the file"):
            _move_in(workspace, temporary, parent, names)
        self.is_settled = True


@contextmanager
def written_file(
    session_id: UUID, names: Names, blocks: Iterable[bytes], *, size: int, quota: int
) -> Iterator[WrittenFile]:
    """Write a file of `size` bytes, which the block settles where it belongs; its directories are made.

    It is written beside, flushed to the disk and moved into its place: whoever reads gets the
    old or the new one, and whatever goes wrong leaves the old one. Its room is taken before the
    first byte comes, so that parallel uploads can't exceed the quota together. Its name beside
    stays until the block has ended well: `unfinished_changes` finds what was settled by somebody
    who was killed then. Raises QuotaExceeded, InTheWay, Impossible for another length, FileNotFound
    without a workspace, StorageFull, StorageError.
    """
    with opened_directory(session_id) as workspace:
        temporary, descriptor = _reserve(workspace, names, size, quota)
        written = None
        with os.fdopen(descriptor, "wb") as file:  # as long as it is open its lock says that somebody is at work
            try:
                with translated("write the file"):
                    _fill(file, blocks, size)
                written = WrittenFile(workspace, temporary, names, os.fstat(descriptor))
                yield written
            except BaseException:
                if written is None or not written.is_settled:
                    unlink(workspace, temporary)
                raise
            unlink(workspace, temporary)


def unlink(workspace: int, name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=workspace)


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
    with translated("write the file"), locked(workspace):
        _sweep(workspace)
        used = take_room(workspace, size, replaced=_size_of(workspace, names), quota=quota)
        if used is not None:
            raise QuotaExceeded(
                f"The session's files would have {used + size} bytes, and {quota} are allowed. Remove some first.",
                used=used,
                quota=quota,
            )
        temporary = f"{UPLOAD}{uuid4().hex}"
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
    """Remove temporary files whose writers were killed before they had settled anything."""
    for name in os.listdir(workspace):
        if name.startswith(UPLOAD):
            with contextlib.suppress(OSError), abandoned(workspace, name) as status:
                if status.st_nlink == 1:
                    os.unlink(name, dir_fd=workspace)


@contextmanager
def abandoned(workspace: int, name: str) -> Iterator[os.stat_result]:
    """Open what nobody holds a lock on any more. Raises OSError if somebody does, or if it is something else."""
    descriptor = os.open(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=workspace)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield os.fstat(descriptor)
    finally:
        os.close(descriptor)


def _size_of(workspace: int, names: Names) -> int:
    """The size of the file that will be replaced; 0 if there is none."""
    try:
        with _walked(workspace, names[:-1]) as parent:
            status = os.stat(names[-1], dir_fd=parent, follow_symlinks=False)
    except OSError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def _move_in(workspace: int, temporary: str, parent: int, names: Names) -> None:
    moving = f"{temporary}{MOVING}"
    try:
        os.link(temporary, moving, src_dir_fd=workspace, dst_dir_fd=workspace, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        moving = temporary
    try:
        os.rename(moving, names[-1], src_dir_fd=workspace, dst_dir_fd=parent)
    except OSError as error:
        unlink(workspace, moving)
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


@contextmanager
def removed_file(session_id: UUID, names: Names) -> Iterator[None]:
    """Take a file away, or a directory with all that is in it: for good when the block ends, else it comes back.

    A file that somebody has put in its place meanwhile stays, as if it had been put there after that.

    Raises FileNotFound, Impossible, StorageError.
    """
    if names == (CONTENT,):
        raise Impossible("The directory content belongs to the workspace. Remove what is in it instead.")
    with opened_directory(session_id) as workspace, contextlib.ExitStack() as stack:
        with _found("remove the file", names):
            parent = stack.enter_context(_walked(workspace, names[:-1]))
            mode = os.stat(names[-1], dir_fd=parent, follow_symlinks=False).st_mode
            if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
                raise _not_there(names)
            stack.enter_context(locked(workspace))  # whoever looks meanwhile would take it for an abandoned one
            aside = f"{REMOVED}{uuid4().hex}"
            os.symlink("/".join(names), f"{aside}{FROM}", dir_fd=workspace)  # nobody follows it: it keeps the path
            stack.callback(unlink, workspace, f"{aside}{FROM}")
            os.rename(names[-1], aside, src_dir_fd=parent, dst_dir_fd=workspace)
            os.fsync(parent)
        try:
            yield
        except BaseException:
            with translated("put the file back"), contextlib.suppress(FileNotFoundError):  # gone with its workspace
                _put_back(workspace, aside, parent, names[-1])
            raise
        with translated("remove the file"):
            remove_tree(f"/proc/self/fd/{workspace}", aside)
        forget_room(workspace)


def _put_back(workspace: int, aside: str, parent: int, name: str) -> None:
    """Undo a removal, unless a new file is there by now: it was acknowledged, and has replaced the old one."""
    try:
        if stat.S_ISREG(os.stat(aside, dir_fd=workspace, follow_symlinks=False).st_mode):
            with contextlib.suppress(FileExistsError):
                os.link(aside, name, src_dir_fd=workspace, dst_dir_fd=parent, follow_symlinks=False)
            os.unlink(aside, dir_fd=workspace)
            return
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
    os.rename(aside, name, src_dir_fd=workspace, dst_dir_fd=parent)


@contextmanager
def opened_directory(session_id: UUID, names: Names = ()) -> Iterator[int]:
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
def locked(workspace: int) -> Iterator[None]:
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
