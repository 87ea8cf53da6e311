"""Files and vectors on their way into a session that is being made: copied first, where nothing is locked."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Self
from uuid import UUID

from django.conf import settings

from sessions.exceptions import QuotaExceeded
from sessions.operations.vectors.copying import VectorCopy
from sessions.operations.workspaces import create_workspace, settle_staged_workspace
from sessions.storage.reading import FoundFile, workspace_files
from sessions.storage.staging import StagedWorkspace, staged_workspace

_BLOCK = 2**20


def _same(path: bytes) -> bytes | None:
    return path


class WorkspaceCopy:
    """A workspace filled from others, and vectors. They are removed when the block ends, unless a session got them.

    Links are not followed; links, FIFOs, devices and hidden search indexes stay behind. A process that is killed leaves
    it in `.staging/`, where the worker sweeps it after a day. `step` is called with 1 after each file and each vector,
    and with 0 within large files; what it raises ends the copying.
    """

    def __init__(self, step: Callable[[int], object] = lambda _: None) -> None:
        self._step = step
        self.files = 0
        self.size = 0
        self.left_out = 0
        self._stack = ExitStack()
        self.vectors = self._stack.enter_context(VectorCopy(most=settings.MAX_POINTS, step=step))
        self._staged: StagedWorkspace | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def add(
        self,
        session_id: UUID,
        *,
        to: Callable[[bytes], bytes | None] = _same,
        quota: int | None = None,
    ) -> None:
        """Copy the files of a session, each to the path that `to` says, None for those that stay behind.

        Raises QuotaExceeded, StorageFull, StorageError, UnsafeArchive where two land in one place.
        """
        staged = self._staged = self._staged or self._stack.enter_context(staged_workspace())
        for found in workspace_files(session_id):
            path = to(found.path)
            if path is None:
                continue
            if found.left_out:
                self.left_out += 1
            elif found.file is None:
                staged.add_directory(path)
            else:
                self._count(found, quota)
                staged.add_file(path, self._blocks(found))
                self._step(1)

    def _blocks(self, found: FoundFile) -> Iterator[bytes]:
        assert found.file is not None  # noqa: S101  (for the type checker; directories don't come here)
        for block in iter(partial(found.file.read, _BLOCK), b""):
            self._step(0)
            yield block

    def _count(self, found: FoundFile, quota: int | None) -> None:
        self.files += 1
        self.size += found.size
        if quota is not None and self.size > quota:
            raise QuotaExceeded(
                f"The files would have more than the {quota} bytes that a session may have. Remove some first.",
                used=self.size,
                quota=quota,
            )

    def flush(self) -> None:
        """Wait until everything is on the disk."""
        if self._staged is not None:
            self._staged.flush()

    def settle(self, session_id: UUID) -> None:
        """Give it to a session whose row is written in the same transaction: last, so that a kill rarely comes between.

        Without anything copied the session gets an empty one. Raises StorageFull, StorageError.
        """
        self.vectors.settle(session_id)
        if self._staged is None:
            create_workspace(session_id)
        else:
            settle_staged_workspace(session_id, self._staged, in_trash=False)
