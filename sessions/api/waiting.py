"""Long polls: who waits holds a thread, but no connection to the database, and few may wait at once."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection

from sessions.access import Actor, is_still_let_in
from sessions.api.errors import unauthenticated
from sessions.storage import caller

LOOK_SECONDS = 0.5
_LET_IN_SECONDS = 4.0
_Found = TypeVar("_Found")

_waiting = threading.BoundedSemaphore(max(1, settings.SERVER_THREADS // 4))


def wait_for(
    look: Callable[[], list[_Found]], *, seconds: float, actor: Actor, environ: Mapping[str, Any]
) -> list[_Found]:
    """Look again and again until something is found or the time is over; return what was found.

    Where as many wait already as may, the answer comes at once. Ends when the caller hangs up.
    Raises Problem (401) within five seconds after the credentials are withdrawn.
    """
    found = look()
    if found or not seconds or not _waiting.acquire(blocking=False):
        return found
    try:
        until = time.monotonic() + seconds
        asked = time.monotonic()
        while not found and (left := until - time.monotonic()) > 0 and not caller.is_gone(environ):
            _give_back()
            time.sleep(min(LOOK_SECONDS, left))
            if time.monotonic() - asked > _LET_IN_SECONDS:
                asked = time.monotonic()
                if not is_still_let_in(actor):
                    raise unauthenticated("You aren't let in any more.", "invalid_token")
            found = look()
        return found
    finally:
        _waiting.release()


def _give_back() -> None:
    """Let others have PostgreSQL's connection; SQLite's is this thread's own and holds nothing between statements."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()
