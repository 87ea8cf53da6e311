"""How much of the disk a workspace takes, measured without following any link."""

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from sessions.storage.workspaces import INDEX, root, trash

MOST_MEASURED = 100_000  # entries; a larger workspace is measured up to here and said to be at least that large
_MAX_DEPTH = 64
_BLOCK = 512
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(slots=True)
class DiskUse:
    """Bytes that the disk gave away, the files' own sizes, files, and whether everything was looked at."""

    bytes: int = 0
    size: int = 0
    files: int = 0
    is_whole: bool = True


def disk_use(
    session_id: UUID, *, in_trash: bool = False, most: int = MOST_MEASURED, with_index: bool = True
) -> DiskUse:
    """Measure a workspace, at most `most` of its entries, its search index among them or not.

    What is missing or unreadable counts nothing.
    """
    workspace = opened_workspace(session_id, in_trash=in_trash)
    if workspace is None:
        return DiskUse()
    return measure(workspace, most=most, without="" if with_index else INDEX)


def opened_workspace(session_id: UUID, *, in_trash: bool) -> int | None:
    """The descriptor of a workspace, wherever it is; None if it is missing or unreadable."""
    for base in (trash(), root()) if in_trash else (root(), trash()):
        with suppress(OSError):
            return os.open(os.path.join(base, str(session_id)), _OPEN_DIRECTORY)
    return None


def sum_of(uses: Iterable[DiskUse]) -> DiskUse:
    """Several workspaces together."""
    total = DiskUse()
    for use in uses:
        total.bytes += use.bytes
        total.size += use.size
        total.files += use.files
        total.is_whole = total.is_whole and use.is_whole
    return total


def measure(directory: int, *, most: int = MOST_MEASURED, without: str = "") -> DiskUse:
    """Measure an open directory, which is closed afterwards. `without` names an entry of it that doesn't count."""
    measured = _Measuring(most, without)
    measured.walk(directory)
    return measured.use


class _Measuring:
    def __init__(self, most: int, without: str) -> None:
        self.left = most
        self.without = without
        self.use = DiskUse()

    def walk(self, directory: int, depth: int = 0) -> None:
        """Add up a directory, which is closed afterwards."""
        try:
            with os.scandir(directory) as entries:
                for entry in entries:
                    if self.left <= 0:
                        self.use.is_whole = False
                        return
                    if depth or entry.name != self.without:
                        self._add(directory, entry, depth)
        except OSError:
            self.use.is_whole = False
        finally:
            os.close(directory)

    def _add(self, directory: int, entry: os.DirEntry[str], depth: int) -> None:
        self.left -= 1
        try:
            status = entry.stat(follow_symlinks=False)
            self.use.bytes += status.st_blocks * _BLOCK
            if not stat.S_ISDIR(status.st_mode):
                self.use.files += 1
                self.use.size += status.st_size if stat.S_ISREG(status.st_mode) else 0
            elif depth < _MAX_DEPTH:
                self.walk(os.open(entry.name, _OPEN_DIRECTORY, dir_fd=directory), depth + 1)
            else:
                self.use.is_whole = False
        except OSError:
            self.use.is_whole = False
