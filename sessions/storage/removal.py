"""Removing a directory tree that somebody else filled: symlinks, read-only directories, any depth."""

import contextlib
import os
import stat
from collections.abc import Iterator

_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_DEPTH = 64  # deeper directories are moved up first, so that open descriptors stay few
_OWNER_ALL = stat.S_IRWXU


def remove_tree(parent: str | os.PathLike[str], name: str) -> None:
    """Remove `parent/name` and everything in it; nothing happens if it doesn't exist.

    Works on directory descriptors alone and follows no link, so that a link swapped in
    while it runs leads nowhere. Raises OSError if something can't be removed.
    """
    try:
        top = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        _remove_entry(top, name, _Lift(top, name))
    finally:
        os.close(top)


class _Lift:
    """Moves directories that lie too deep up beside the tree's top, where removal starts anew."""

    def __init__(self, top: int, name: str) -> None:
        self.top = top
        self.name = name
        self.count = 0

    def up(self, directory: int, name: str) -> str:
        self.count += 1
        lifted = f".{self.name}.{os.getpid()}.{self.count}"
        os.rename(name, lifted, src_dir_fd=directory, dst_dir_fd=self.top)
        return lifted


def _remove_entry(directory: int, name: str, lift: _Lift, depth: int = 0) -> None:
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(status.st_mode):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=directory)
        return
    lifted: list[str] = []
    with _opened(directory, name) as inside:
        with os.scandir(inside) as entries:
            children = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        for child, is_directory in children:
            if is_directory and depth >= _MAX_DEPTH:
                lifted.append(lift.up(inside, child))
            else:
                _remove_entry(inside, child, lift, depth + 1)
    os.rmdir(name, dir_fd=directory)
    for child in lifted:
        _remove_entry(lift.top, child, lift)


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
