"""What lies in the workspaces' directory, looked at without following a link or changing anything."""

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sessions.exceptions import StorageError
from sessions.storage.held import HELD
from sessions.storage.removal import remove_tree
from sessions.storage.staging import MAKING, STAGING, is_abandoned
from sessions.storage.workspaces import CONTENT, TRASH, root, translated, trash, trashed_path, workspace_path

YOUNG_SECONDS = 2.0  # what is younger may be in the making: its row comes a moment later
_OURS = {TRASH, STAGING, HELD}
_OF_THE_DISK = {"lost+found"}  # where a file system has its root


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a session's workspace was found."""

    outside: bool
    in_trash: bool
    is_odd: bool  # something that isn't a directory stands in its place

    @property
    def is_anywhere(self) -> bool:
        """Whether anything was found."""
        return self.outside or self.in_trash


def standing(session_id: UUID) -> Standing:
    """Look for a workspace in both places."""
    outside, in_trash = _mode(workspace_path(session_id)), _mode(trashed_path(session_id))
    modes = [mode for mode in (outside, in_trash) if mode]
    return Standing(bool(outside), bool(in_trash), not all(stat.S_ISDIR(mode) for mode in modes))


def entries(*, in_trash: bool) -> Iterator[tuple[str, UUID | None]]:
    """(name, session id) of everything in the workspaces' directory or its trash; None if the name is no id of ours."""
    directory = trash() if in_trash else root()
    try:
        with os.scandir(directory) as found:
            for entry in found:
                if in_trash or entry.name not in _OURS | _OF_THE_DISK:
                    yield entry.name, _id_of(entry.name)
    except FileNotFoundError:
        return


def abandoned_staging() -> Iterator[str]:
    """The names of staged workspaces whose maker is gone."""
    try:
        names = [entry.name for entry in os.scandir(root() / STAGING)]
    except FileNotFoundError:
        return
    for name in names:
        path = root() / STAGING / name
        if is_abandoned(path) and os.path.lexists(path):
            yield name


def place_of(session_id: UUID, *, in_trash: bool) -> Path:
    """Where it would be."""
    return trashed_path(session_id) if in_trash else workspace_path(session_id)


def wait_until_grown(path: Path) -> None:
    """Wait, for YOUNG_SECONDS at most, until what is there can't be in the making any more."""
    try:
        status = path.lstat()
    except OSError:
        return
    age = time.time() - max(status.st_ctime, status.st_mtime)
    if 0 <= age < YOUNG_SECONDS:
        time.sleep(YOUNG_SECONDS - age)


def is_unfinished(path: Path) -> bool:
    """Whether the workspace says of itself that its session was never committed."""
    return os.path.lexists(path / MAKING)


def is_empty(path: Path) -> bool:
    """Whether it is a directory that holds nothing, or an empty `content/` alone."""
    try:
        if not stat.S_ISDIR(path.lstat().st_mode):
            return False
        names = os.listdir(path)
        return names in ([], [CONTENT]) and (not names or _is_empty_directory(path / CONTENT))
    except OSError:
        return False


def is_gone_or_removed(path: Path) -> bool:
    """Remove what lies there; return whether it is gone."""
    try:
        with translated("remove what was left behind"):
            remove_tree(path.parent, path.name)
    except StorageError:
        return False
    return not os.path.lexists(path)


def _is_empty_directory(path: Path) -> bool:
    return stat.S_ISDIR(path.lstat().st_mode) and not os.listdir(path)


def _mode(path: Path) -> int:
    try:
        return path.lstat().st_mode
    except OSError:
        return 0


def _id_of(name: str) -> UUID | None:
    try:
        found = UUID(name)
    except ValueError:
        return None
    return found if str(found) == name else None
