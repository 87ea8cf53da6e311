"""Copying a directory as it is: by descriptors, following no link, while others may change it."""

import contextlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a FIFO put in its place would hang
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_DEPTH = 200
_AT_ONCE = 2**20
_RIGHTS = 0o777


@dataclass(slots=True)
class Copied:
    """What was copied, and which paths could not be: `left_out` has the first hundred."""

    files: int = 0
    bytes: int = 0
    left_out_count: int = 0
    left_out: list[str] = field(default_factory=list)

    def leave_out(self, path: str) -> None:
        """Note what stays behind."""
        self.left_out_count += 1
        if len(self.left_out) < 100:
            self.left_out.append(path)


def copy_tree(source: Path, target: Path, copied: Copied, *, without: frozenset[str] = frozenset()) -> bool:
    """Copy a directory to a new one; return False if there is no directory at `source`.

    Links are copied as links, with modes and times. Sockets and the like, what can't be read, and
    what is 200 levels deep is left out and noted. `without` names entries of the top that aren't
    wanted. Raises OSError if `target` can't be written.
    """
    try:
        inside = os.open(source, _OPEN_DIRECTORY)
    except OSError:
        return False
    try:
        os.mkdir(target, 0o700)
        made = os.open(target, _OPEN_DIRECTORY)
        try:
            _copy_entries(inside, made, str(source), copied, without, 0)
        finally:
            os.close(made)
    finally:
        os.close(inside)
    return True


def _copy_entries(inside: int, made: int, path: str, copied: Copied, without: frozenset[str], depth: int) -> None:
    for name in os.listdir(inside):
        if name in without:
            continue
        try:
            status = os.stat(name, dir_fd=inside, follow_symlinks=False)
        except FileNotFoundError:
            continue  # gone meanwhile
        where = f"{path}/{name}"
        if stat.S_ISDIR(status.st_mode):
            _copy_directory(inside, made, name, where, copied, depth)
        elif stat.S_ISREG(status.st_mode):
            _copy_file(inside, made, name, where, copied)
        elif stat.S_ISLNK(status.st_mode):
            with contextlib.suppress(FileNotFoundError):
                os.symlink(os.readlink(name, dir_fd=inside), name, dir_fd=made)
        else:
            copied.leave_out(where)
    _keep_times(os.fstat(inside), made)


def _copy_directory(inside: int, made: int, name: str, path: str, copied: Copied, depth: int) -> None:
    try:
        child = os.open(name, _OPEN_DIRECTORY, dir_fd=inside) if depth < _MAX_DEPTH else -1
    except OSError:
        child = -1
    if child < 0:
        copied.leave_out(path)
        return
    try:
        os.mkdir(name, 0o700, dir_fd=made)
        new = os.open(name, _OPEN_DIRECTORY, dir_fd=made)
        try:
            _copy_entries(child, new, path, copied, frozenset(), depth + 1)
        finally:
            os.close(new)
    finally:
        os.close(child)


def _copy_file(inside: int, made: int, name: str, path: str, copied: Copied) -> None:
    try:
        file = os.open(name, _OPEN_FILE, dir_fd=inside)
    except OSError:
        copied.leave_out(path)
        return
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            copied.leave_out(path)
            return
        new = os.open(name, _NEW_FILE, 0o600, dir_fd=made)
        try:
            while block := os.read(file, _AT_ONCE):
                _write(new, block)
                copied.bytes += len(block)
            _keep_times(status, new)
        finally:
            os.close(new)
        copied.files += 1
    finally:
        os.close(file)


def _write(descriptor: int, block: bytes) -> None:
    """Write all of it: on a disk that is nearly full the first call writes what fits, and the next one fails."""
    left = memoryview(block)
    while left:
        left = left[os.write(descriptor, left) :]


def _keep_times(status: os.stat_result, descriptor: int) -> None:
    os.fchmod(descriptor, status.st_mode & _RIGHTS | stat.S_IRUSR | stat.S_IWUSR)
    if stat.S_ISDIR(status.st_mode):
        os.fchmod(descriptor, status.st_mode & _RIGHTS | stat.S_IRWXU)
    os.utime(descriptor, ns=(status.st_atime_ns, status.st_mtime_ns))
