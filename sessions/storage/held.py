"""Files that a job will read: held in the workspaces' directory until it has ended."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from sessions.storage.removal import remove_tree
from sessions.storage.staging import is_abandoned, make_marked
from sessions.storage.workspaces import root, translated

HELD = ".imports"
_BLOCK = 2**20


def _place(job_id: UUID) -> Path:
    return root() / HELD / str(job_id)


@contextmanager
def being_held(job_id: UUID, files: Sequence[BinaryIO]) -> Iterator[None]:
    """Copy files for a job, which is written inside the block. What fails leaves nothing; raises StorageError."""
    place = _place(job_id)
    mark = -1
    try:
        with translated("keep the files"):
            mark = make_marked(place)
            for number, file in enumerate(files):
                _copy(file, place / str(number))
        yield
    except BaseException:
        release(job_id)
        raise
    finally:
        if mark >= 0:
            os.close(mark)


def _copy(file: BinaryIO, path: Path) -> None:
    file.seek(0)
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as target:
        shutil.copyfileobj(file, target, _BLOCK)
        target.flush()
        os.fsync(target.fileno())


def opened(job_id: UUID, number: int) -> BinaryIO:
    """One of the files, open for reading. Raises StorageError if it isn't there."""
    with translated("read the files"):
        return open(_place(job_id) / str(number), "rb")


def release(job_id: UUID) -> None:
    """Remove a job's files; nothing happens if there are none."""
    with translated("remove the files of a job"):
        remove_tree(root() / HELD, str(job_id))


def abandoned() -> list[UUID]:
    """For which jobs files are held that nobody is just sending."""
    try:
        paths = list((root() / HELD).iterdir())
    except FileNotFoundError:
        return []
    found = []
    for path in paths:
        try:
            job_id = UUID(path.name)
        except ValueError:
            continue
        if is_abandoned(path):
            found.append(job_id)
    return found
