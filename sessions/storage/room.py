"""How much room a workspace's files take, without looking at 100,000 of them at every upload.

A workspace with many files is measured, and the sum is noted on its directory for a time that grows with
their number: counting then costs a tenth of a processor at most, however many uploads come. Uploads add to
the note, so together they can't take more than there is; what an agent writes beside them counts once the
note has run out. A note lets an upload in, and never refuses one. (docs/decisions/0014-runs.md)
"""

import contextlib
import os
import time

from sessions.storage.disk_use import measure

_NOTE = "user.researchmind.use"  # an extended attribute: it is gone with the directory, and nobody exports it
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


def _noted(workspace: int) -> tuple[int | None, float]:
    """The note, and until when it holds; (None, 0) if there is none that does."""
    with contextlib.suppress(OSError, ValueError):
        used, until = os.getxattr(workspace, _NOTE).split()
        if 0 < float(until) - time.time() <= _EVERYTHING * _SECONDS_EACH:
            return int(used), float(until)
    return None, 0


def _note(workspace: int, used: int, until: float) -> None:
    with contextlib.suppress(OSError):  # a file system without attributes: everything is counted each time
        os.setxattr(workspace, _NOTE, f"{used} {until}".encode())
