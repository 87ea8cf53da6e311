"""How much room a workspace's files take, without looking at 100,000 of them at every upload.

A workspace with many files is measured, and the sum is noted on its directory for a time that grows with
their number: counting then costs a tenth of a processor at most, however many uploads come. Uploads add to
the note, so together they can't take more than there is; what an agent writes beside them counts once the
note has run out. A note lets an upload in, and never refuses one. (docs/decisions/0014-runs.md)
"""

import contextlib
import fcntl
import os
import time
from uuid import UUID

from sessions.storage.disk_use import DiskUse, measure, opened_workspace

_NOTE = "user.researchmind.use"  # an extended attribute: it is gone with the directory, and nobody exports it
_PART = "user.researchmind.use.part"  # for readers alone: there is more than was counted
_MANY = 1_000  # files; fewer are counted in three milliseconds
_SECONDS_EACH = 5e-5  # ten times what it takes to look at a file
_EVERYTHING = 10_000_000


def take_room(workspace: int, size: int, *, replaced: int, quota: int) -> int | None:
    """Note `size` bytes more in an open workspace whose lock the caller holds.

    `replaced` bytes will go. Returns None; or what is used, with nothing noted, if there would be more than `quota`.
    """
    used, until = _noted(workspace)
    if used is None or used - replaced + size > quota:
        found = measure(os.dup(workspace), most=_EVERYTHING)
        used = found.size
        until = time.time() + found.files * _SECONDS_EACH if found.files >= _MANY else 0
    if used - replaced + size > quota:
        return used - replaced
    if until:
        _note(workspace, used + size, until)
    return None


def used_room(session_id: UUID, *, in_trash: bool = False) -> DiskUse:
    """What the files of a workspace have together, for readers: counted as seldom as for uploads.

    Of very many files the first 100,000 are counted: the answer then says that it isn't whole. Nobody waits
    for somebody else's change, and what is missing counts nothing.
    """
    workspace = opened_workspace(session_id, in_trash=in_trash)
    if workspace is None:
        return DiskUse()
    try:
        noted, is_whole = _noted(workspace)[0], True
        if noted is None:
            noted, is_whole = _noted(workspace, _PART)[0], False
        return _counted(workspace) if noted is None else DiskUse(size=noted, is_whole=is_whole)
    finally:
        os.close(workspace)


def _counted(workspace: int) -> DiskUse:
    try:
        fcntl.flock(workspace, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_ours = True
    except OSError:
        is_ours = False  # somebody takes room just now, which a note of ours would forget
    found = measure(os.dup(workspace))
    if found.files >= _MANY and (is_ours or not found.is_whole):
        _note(workspace, found.size, time.time() + found.files * _SECONDS_EACH, _NOTE if found.is_whole else _PART)
    return found


def forget_room(workspace: int) -> None:
    """What was noted isn't so any more: something was removed."""
    for name in (_NOTE, _PART):
        with contextlib.suppress(OSError):
            os.removexattr(workspace, name)


def _noted(workspace: int, name: str = _NOTE) -> tuple[int | None, float]:
    """The note, and until when it holds; (None, 0) if there is none that does."""
    with contextlib.suppress(OSError, ValueError):
        used, until = os.getxattr(workspace, name).split()
        if 0 < float(until) - time.time() <= _EVERYTHING * _SECONDS_EACH:
            return int(used), float(until)
    return None, 0


def _note(workspace: int, used: int, until: float, name: str = _NOTE) -> None:
    with contextlib.suppress(OSError):  # a file system without attributes: everything is counted each time
        os.setxattr(workspace, name, f"{used} {until}".encode())
