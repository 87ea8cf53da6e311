"""What processes left in a workspace that were killed while they changed a file of it."""

import contextlib
import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sessions.exceptions import FileNotFound
from sessions.storage import files
from sessions.storage.removal import remove_tree
from sessions.storage.workspaces import translated

_MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A change that was made, of which nobody knows whether it was noted. `path` is empty where it can't be told."""

    name: str  # what is left of it, in the workspace's directory
    path: str
    is_removal: bool
    size: int
    at: datetime


def unfinished_changes(session_id: UUID) -> list[Unfinished]:
    """Changes whose makers were killed after them. What is under way isn't among them. Raises StorageError."""
    try:
        with files.opened_directory(session_id) as workspace, translated("look for what was cut off"):
            names = [name for name in os.listdir(workspace) if os.fsencode(name).startswith(files.TEMPORARY)]
            if not names:
                return []
            with files.locked(workspace):
                return [found for name in sorted(names) if (found := _unfinished(workspace, name)) is not None]
    except FileNotFound:
        return []


def _unfinished(workspace: int, name: str) -> Unfinished | None:
    with contextlib.suppress(OSError):
        if name.startswith(files.UPLOAD):
            with files.abandoned(workspace, name) as status:
                if status.st_nlink > 1:
                    if path := _path_of(workspace, status):
                        return Unfinished(name, path, False, status.st_size, _time(status.st_mtime))
                    files.unlink(workspace, name)  # it was killed just before; the next upload sweeps the rest
        elif not name.endswith(files.FROM):
            status = os.stat(name, dir_fd=workspace, follow_symlinks=False)
            path = ""
            with contextlib.suppress(OSError):
                path = os.readlink(f"{name}{files.FROM}", dir_fd=workspace)
            return Unfinished(name, path, True, 0, _time(status.st_ctime))
    return None


def forget(session_id: UUID, change: Unfinished) -> None:
    """Remove what is left of a change, which is known now. Raises StorageError."""
    with (
        files.opened_directory(session_id) as workspace,
        translated("remove what was cut off"),
        files.locked(workspace),
    ):
        remove_tree(f"/proc/self/fd/{workspace}", change.name)
        for rest in (f"{change.name}{files.FROM}", f"{change.name}{files.MOVING}"):
            files.unlink(workspace, rest)


def _path_of(workspace: int, wanted: os.stat_result) -> str:
    """Under which name of the workspace a file is known too; empty if there is none."""
    for directory, _, names, descriptor in os.fwalk(".", dir_fd=workspace, follow_symlinks=False):
        inside = directory.removeprefix(".").strip("/")
        if inside.count("/") > _MAX_DEPTH:
            break
        for name in names:
            status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            is_it = stat.S_ISREG(status.st_mode) and (status.st_dev, status.st_ino) == (wanted.st_dev, wanted.st_ino)
            if is_it and (inside or not os.fsencode(name).startswith(files.TEMPORARY)):
                return f"{inside}/{name}".strip("/")
    return ""


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(max(seconds, 0), UTC)
