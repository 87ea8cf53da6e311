"""Whether the database and the workspaces' directory can be used, asked with a deadline."""

import os
import threading
from dataclasses import dataclass

from django.db import DatabaseError, connection, connections

from sessions.exceptions import StorageError
from sessions.storage import workspaces

OK = "ok"
SECONDS = 1.5
_NO_ANSWER = "no answer"


@dataclass(slots=True)
class Health:
    """`ok`, or in a word or two what is wrong, for each thing that the service stands on."""

    database: str = _NO_ANSWER
    workspaces: str = _NO_ANSWER

    @property
    def is_ok(self) -> bool:
        """Whether both can be used."""
        return self.database == self.workspaces == OK


class _Examination(threading.Thread):
    """Asks in a thread of its own: a database or a disk that hangs must not hang who asks."""

    def __init__(self) -> None:
        super().__init__(name="health", daemon=True)
        self.found = Health()

    def run(self) -> None:
        self.found.workspaces = _workspaces()
        self.found.database = _database()


_lock = threading.Lock()
_running: list[_Examination] = []


def examine(seconds: float | None = None) -> Health:
    """Ask both within so many seconds, SECONDS unless told. Who asks at the same time shares one examination."""
    with _lock:
        if not (_running and _running[-1].is_alive()):
            _running[:] = [_Examination()]
            _running[0].start()
        examination = _running[0]
    examination.join(SECONDS if seconds is None else seconds)
    return examination.found


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM django_migrations LIMIT 1")
            cursor.fetchone()
    except DatabaseError:
        return "unavailable"
    finally:
        connections.close_all()
    return OK


def _workspaces() -> str:
    try:
        workspaces.make_root()
    except StorageError:
        return "unavailable"
    return OK if os.access(workspaces.root(), os.R_OK | os.W_OK | os.X_OK) else "not writable"
