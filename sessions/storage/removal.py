"""Removing a directory tree that somebody else filled: symlinks, read-only directories, any depth."""

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from uuid import uuid4

_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_DEPTH = 64  # deeper directories are moved up first, so that open descriptors stay few
_OWNER_ALL = stat.S_IRWXU


def remove_tree(parent: str | os.PathLike[str], name: str, removed: Callable[[], object] = lambda: None) -> None:
    """Remove `parent/name` and everything in it; nothing happens if it doesn't exist.

    `removed` is called after each entry of a directory, and may raise to stop there.

    Works on directory descriptors alone and follows no link, so that a link swapped in
    while it runs leads nowhere. Raises OSError if something can't be removed; calling it
    again goes on from there.
    """
    try:
        directory = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if _is_directory(directory, name):
            with _opened(directory, name) as tree:
                pending = _names(tree)
                while pending:
                    _remove_entry(tree, pending.pop(), _Lift(tree, pending, removed))
            os.rmdir(name, dir_fd=directory)
        else:
            _unlink(directory, name)
    finally:
        os.close(directory)


class _Lift:
    """Moves directories that lie too deep up to the top of the tree, where removal goes on with them."""

    def __init__(self, tree: int, pending: list[str], removed: Callable[[], object]) -> None:
        self._tree = tree
        self._pending = pending
        self.removed = removed

    def up(self, directory: int, name: str) -> None:
        lifted = uuid4().hex
        with _opened(directory, name):  # moving a directory takes the right to write into it
            os.rename(name, lifted, src_dir_fd=directory, dst_dir_fd=self._tree)
        self._pending.append(lifted)


def _remove_entry(directory: int, name: str, lift: _Lift, depth: int = 1) -> None:
    if not _is_directory(directory, name):
        _unlink(directory, name)
        lift.removed()
        return
    with _opened(directory, name) as inside:
        for child in _names(inside):
            if depth >= _MAX_DEPTH and _is_directory(inside, child):
                lift.up(inside, child)
            else:
                _remove_entry(inside, child, lift, depth + 1)
    os.rmdir(name, dir_fd=directory)


def _names(directory: int) -> list[str]:
    with os.scandir(directory) as entries:
        return [entry.name for entry in entries]


def _is_directory(directory: int, name: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def _unlink(directory: int, name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=directory)


@contextlib.contextmanager
def _opened(directory: int, name: str) -> Iterator[int]:
    """Open a directory without following links, making it readable and writable for us first."""
    try:
        inside = os.open(name, _OPEN_DIRECTORY, dir_fd=directory)
    except PermissionError:
        _make_accessible(directory, name)
        inside = os.open(name, _OPEN_DIRECTORY, dir_fd=directory)
    try:
        if stat.S_IMODE(os.fstat(inside).st_mode) & _OWNER_ALL != _OWNER_ALL:
            os.fchmod(inside, _OWNER_ALL)
        yield inside
    finally:
        os.close(inside)


def _make_accessible(directory: int, name: str) -> None:
    """Give the owner all rights on a directory that can't even be opened, through a descriptor that pins it."""
    pinned = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        os.chmod(f"/proc/self/fd/{pinned}", _OWNER_ALL)
    finally:
        os.close(pinned)
