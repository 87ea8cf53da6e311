"""What is in a directory of a workspace."""

import os
import stat
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from sessions.storage.files import Entry, Names, modified_at, opened_directory
from sessions.storage.names import is_plain_name
from sessions.storage.workspaces import translated

MOST_LISTED = 10_000


@dataclass(frozen=True, slots=True)
class Directory:
    """The entries of a directory. Of a very large one only so many were looked at as `cut_at` says."""

    entries: list[Entry]
    cut_at: int | None = None


def list_directory(session_id: UUID, names: Names = (), *, most: int = MOST_LISTED) -> Directory:
    """The files and directories in a directory, directories first, by name; `most` entries are looked at.

    Links, special files and hidden names aren't there. Raises FileNotFound, StorageError.
    """
    with (
        opened_directory(session_id, names) as directory,
        translated("list the directory"),
        os.scandir(directory) as found,
    ):
        entries = [entry for each in islice(found, most) if (entry := _entry(each, names)) is not None]
        cut_at = None if next(found, None) is None else most
    entries.sort(key=lambda entry: (not entry.is_directory, entry.name.casefold(), entry.name))
    return Directory(entries, cut_at)


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
    return Entry(found.name, path, is_directory, 0 if is_directory else status.st_size, modified_at(status))
