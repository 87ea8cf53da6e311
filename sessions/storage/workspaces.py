"""Workspace directories: `WORKSPACE_ROOT/<session id>/content/`. The path is derived, never taken from a caller."""

import contextlib
import errno
import os
import stat
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from uuid import UUID

from django.conf import settings

from sessions.exceptions import StorageError, StorageFull
from sessions.storage.removal import remove_tree

CONTENT = "content"
INDEX = ".mcp-vector-search"
TRASH = ".trash"
_PRIVATE = 0o700
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class WorkspaceState:
    """What the disk says: whether an index exists, and how many entries `content/` has."""

    is_indexed: bool = False
    content_count: int = 0


def root() -> Path:
    """The directory that holds all workspaces."""
    return Path(settings.WORKSPACE_ROOT)


def trash() -> Path:
    """The directory that holds the workspaces of trashed sessions."""
    return root() / TRASH


def workspace_path(session_id: UUID) -> Path:
    """Where the session's workspace is while the session isn't in the trash."""
    return root() / str(session_id)


def trashed_path(session_id: UUID) -> Path:
    """Where the session's workspace is while the session is in the trash."""
    return trash() / str(session_id)


def create(session_id: UUID) -> Path:
    """Make an empty workspace and return its path.

    Raises StorageFull or StorageError; then nothing is left of it.
    """
    path = workspace_path(session_id)
    with translated("make the workspace"):
        try:
            path.mkdir(mode=_PRIVATE)
        except FileNotFoundError:
            root().mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
            path.mkdir(mode=_PRIVATE)
        try:
            (path / CONTENT).mkdir(mode=_PRIVATE)
        except OSError:
            path.rmdir()
            raise
    return path


def make_root() -> None:
    """Make the directory that holds all workspaces, unless it is there. Raises StorageFull or StorageError."""
    with translated("make the workspaces' directory"):
        root().mkdir(parents=True, exist_ok=True, mode=_PRIVATE)


def move_to_trash(session_id: UUID) -> None:
    """Move the workspace into the trash, unless it is there already."""
    with translated("move the workspace to the trash"):
        trash().mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
        _rename(workspace_path(session_id), trashed_path(session_id))


def restore_from_trash(session_id: UUID) -> None:
    """Move the workspace back out of the trash, unless it is out already."""
    with translated("restore the workspace"):
        _rename(trashed_path(session_id), workspace_path(session_id))


def _rename(source: Path, target: Path) -> None:
    try:
        os.rename(source, target)
    except FileNotFoundError:
        if not os.path.lexists(target):
            raise


def remove(session_id: UUID, removed: Callable[[], object] = lambda: None) -> None:
    """Remove the workspace wherever it is. Raises StorageError if something of it is still there.

    `removed` is called after each file, and may raise to stop there.
    """
    with translated("remove the workspace"):
        remove_tree(root(), str(session_id), removed)
        remove_tree(trash(), str(session_id), removed)


def remove_latecomer(session_id: UUID) -> None:
    """Remove an index that was written to where the workspace was until it moved to the trash; nothing else."""
    if os.path.lexists(trashed_path(session_id)) and os.path.lexists(workspace_path(session_id)):
        with translated("remove an index"):
            remove_tree(workspace_path(session_id), INDEX)
        with contextlib.suppress(OSError):  # somebody else has written there too: the doctor tells of it
            workspace_path(session_id).rmdir()


def exists(session_id: UUID) -> bool:
    """Whether anything is left of the workspace, in the trash or outside."""
    return os.path.lexists(workspace_path(session_id)) or os.path.lexists(trashed_path(session_id))


def state(session_id: UUID | str, *, in_trash: bool = False) -> WorkspaceState:
    """Ask the disk about a workspace, following no link. A missing workspace is empty.

    It moves once the transaction that trashed or restored the session has committed; until then
    it is found in the other place.
    """
    return state_at(root_text(), session_id, in_trash=in_trash)


def state_at(root: str, session_id: UUID | str, *, in_trash: bool) -> WorkspaceState:
    """`state` for lists, which ask for many and look up the root once."""
    place, other = (f"{TRASH}/", "") if in_trash else ("", f"{TRASH}/")
    return _states.get(f"{root}/{place}{session_id}") or _states.get(f"{root}/{other}{session_id}") or WorkspaceState()


def root_text() -> str:
    """`root` as text."""
    return os.fspath(settings.WORKSPACE_ROOT)


_Identity = tuple[int, int, int]


def _identity(status: os.stat_result) -> _Identity:
    """What tells that a directory is the same and unchanged: device, inode and change time."""
    return status.st_dev, status.st_ino, status.st_ctime_ns


class _States:
    """What was found in workspaces, as long as neither they nor their `content/` have changed.

    A list asks about two hundred workspaces, and some hold 100,000 files: unchanged ones cost
    two calls of the system. A directory changed within the two seconds before it was looked at is
    looked at every time: its time stamp may not tell two changes apart yet.
    """

    SETTLED_NS = 2_000_000_000
    CAPACITY = 20_000

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[_Identity, _Identity, WorkspaceState]] = OrderedDict()
        self._lock = Lock()

    def get(self, place: str) -> WorkspaceState | None:
        """The state of the workspace at a path; None if there is no directory."""
        known = self._known.get(place)
        if known is not None and _is_as_known(place, known[0], known[1]):
            return known[2]
        try:
            workspace = os.open(place, _OPEN_DIRECTORY)
        except OSError:
            return None
        try:
            return self._look(place, workspace)
        finally:
            os.close(workspace)

    def _look(self, place: str, workspace: int) -> WorkspaceState:
        began, status = time.time_ns(), os.fstat(workspace)
        is_indexed = _is_directory(workspace, INDEX)
        try:
            content_status, count = _content(workspace)
        except OSError:
            return WorkspaceState(is_indexed, 0)
        found = WorkspaceState(is_indexed, count)
        if began - max(status.st_ctime_ns, content_status.st_ctime_ns) > self.SETTLED_NS:
            with self._lock:
                self._known[place] = (_identity(status), _identity(content_status), found)
                if len(self._known) > self.CAPACITY:
                    self._known.popitem(last=False)
        return found


def _content(workspace: int) -> tuple[os.stat_result, int]:
    """The status of `content/` and the number of its entries. Raises OSError unless it is a directory."""
    content = os.open(CONTENT, _OPEN_DIRECTORY, dir_fd=workspace)
    try:
        with os.scandir(content) as entries:
            return os.fstat(content), sum(1 for _ in entries)
    finally:
        os.close(content)


def _is_as_known(place: str, workspace: _Identity, content: _Identity) -> bool:
    """Whether both are what they were. A link has an identity of its own, which nobody has noted."""
    try:
        return _identity(os.lstat(place)) == workspace and _identity(os.lstat(f"{place}/{CONTENT}")) == content
    except OSError:
        return False


def _is_directory(directory: int, name: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)
    except OSError:
        return False


_states = _States()


@contextmanager
def translated(purpose: str) -> Iterator[None]:
    """Turn the operating system's errors into ours."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull(f"Could not {purpose}: the disk is full. Free some space and try again.") from error
        raise StorageError(f"Could not {purpose}: {error.strerror}.") from error
