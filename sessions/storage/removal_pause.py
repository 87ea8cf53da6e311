"""While a backup is copied no workspace may go whose session is in it: removals and backups lock the root."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from sessions.exceptions import StorageError
from sessions.storage.workspaces import make_root, root, translated


@contextmanager
def removing() -> Iterator[None]:
    """Remove something inside. Raises StorageError, with nothing removed, while a backup is taken."""
    with _locked(fcntl.LOCK_SH | fcntl.LOCK_NB):
        yield


@contextmanager
def no_removals() -> Iterator[None]:
    """Wait for the removals that are under way, and let none begin inside."""
    with _locked(fcntl.LOCK_EX):
        yield


@contextmanager
def _locked(how: int) -> Iterator[None]:
    make_root()
    with translated("lock the workspaces' directory"):
        lock = os.open(root(), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(lock, how)
        except BlockingIOError:
            raise StorageError("A backup is being taken: it is removed afterwards.") from None
        yield
    finally:
        os.close(lock)
