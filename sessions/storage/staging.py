"""Workspaces in the making: filled beside the others, then moved into their place as a whole."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

from sessions.exceptions import UnsafeArchive
from sessions.storage.removal import remove_tree
from sessions.storage.workspaces import CONTENT, root, translated, trash, trashed_path, workspace_path

STAGING = ".staging"
MAKING = ".making"  # in a workspace until its session is committed; its maker holds a lock on it
_PRIVATE = 0o700
_MOST_STEPS = 100
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_ABANDONED_SECONDS = 24 * 3600


class StagedWorkspace:
    """A workspace that nobody sees yet. Paths are relative to it, in bytes, and checked before they come here."""

    def __init__(self) -> None:
        self._path = root() / STAGING / uuid4().hex
        self._has_files = False
        self._mark = -1

    def make(self) -> None:
        """Make the empty workspace."""
        with translated("make the workspace"):
            self._mark = make_marked(self._path)
            (self._path / CONTENT).mkdir(mode=_PRIVATE)

    def add_directory(self, path: bytes) -> None:
        """Make a directory. Raises UnsafeArchive if a file is in its way."""
        with translated("write a file of the workspace"):
            self._parent(path + b"/.")

    def add_file(self, path: bytes, blocks: Iterable[bytes]) -> None:
        """Write a file. Raises UnsafeArchive if something is in its way, StorageFull or StorageError."""
        with translated("write a file of the workspace"):
            parent = self._parent(path)
            try:
                descriptor = os.open(os.path.join(parent, path.rpartition(b"/")[2]), _NEW_FILE, 0o600)
            except (FileExistsError, IsADirectoryError):
                raise _in_the_way(path) from None
            with os.fdopen(descriptor, "wb") as file:
                for block in blocks:
                    file.write(block)
        self._has_files = True

    def _parent(self, path: bytes) -> bytes:
        steps = path.split(b"/")[:-1]
        if len(steps) > _MOST_STEPS:
            raise _in_the_way(path)
        parent = os.fsencode(self._path)
        for step in steps:
            parent = os.path.join(parent, step)
            try:
                os.mkdir(parent, _PRIVATE)
            except FileExistsError:
                if not os.path.isdir(parent):
                    raise _in_the_way(path) from None
            except NotADirectoryError:
                raise _in_the_way(path) from None
        return parent

    def flush(self) -> None:
        """Wait until what was written is on the disk."""
        if self._has_files:
            os.sync()  # once for all files; one fsync each would take minutes for 100,000

    def settle(self, session_id: UUID, *, in_trash: bool) -> None:
        """Move the workspace to where the session's is looked for."""
        with translated("move the workspace into its place"):
            if in_trash:
                trash().mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
            os.rename(self._path, trashed_path(session_id) if in_trash else workspace_path(session_id))

    def discard(self) -> None:
        """Remove what was staged, unless it has been settled."""
        try:
            with translated("remove a staged workspace"):
                remove_tree(root() / STAGING, self._path.name)
        finally:
            if self._mark >= 0:
                os.close(self._mark)
                self._mark = -1


def finish(session_id: UUID) -> None:
    """Take the mark off a settled workspace whose session is committed."""
    for path in (workspace_path(session_id), trashed_path(session_id)):
        with contextlib.suppress(OSError):
            os.unlink(path / MAKING)


def make_marked(path: Path) -> int:
    """Make a directory that nobody takes for abandoned as long as the descriptor is open that this returns."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
    with _locked(path.parent, fcntl.LOCK_SH):  # many may make theirs; who looks for abandoned ones waits
        path.mkdir(mode=_PRIVATE)
        mark = os.open(path / MAKING, _NEW_FILE, 0o600)
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(mark)
            raise
    return mark


def is_abandoned(path: Path) -> bool:
    """Whether nobody who lives is at work on a directory of `make_marked` that hasn't been moved."""
    with _locked(path.parent, fcntl.LOCK_EX):
        return not is_being_made(path)


@contextmanager
def _locked(directory: Path, how: int) -> Iterator[None]:
    lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, how)
        yield
    finally:
        os.close(lock)


def is_being_made(path: Path) -> bool:
    """Whether a process that lives is at work on a workspace; a killed one has let go of its lock."""
    try:
        mark = os.open(path / MAKING, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(mark)
    return False


@contextmanager
def staged_workspace() -> Iterator[StagedWorkspace]:
    """A workspace to fill; what isn't settled when the block ends is removed."""
    staged = StagedWorkspace()
    try:
        staged.make()
        yield staged
    finally:
        staged.discard()


def remove_abandoned(seconds: float = _ABANDONED_SECONDS) -> int:
    """Remove what killed imports, forks, merges and splits left behind so long ago; return how many there were.

    What somebody is still at work on stays, however long that takes.
    """
    removed = 0
    for path in _staged():
        with translated("remove an abandoned workspace"):
            try:
                is_old = time.time() - path.lstat().st_mtime > seconds
            except FileNotFoundError:
                continue
            if is_old and is_abandoned(path):
                remove_tree(path.parent, path.name)
                removed += 1
    return removed


def _staged() -> list[Path]:
    try:
        return list((root() / STAGING).iterdir())
    except FileNotFoundError:
        return []


def _in_the_way(path: bytes) -> UnsafeArchive:
    shown = os.fsdecode(path).encode("unicode_escape").decode()[:200]
    return UnsafeArchive(
        f"The file “{shown}” can't be written: another entry is in its way.",
        errors=[(shown, "Another entry is in its way.")],
    )
