"""SQLite for many writers: a busy database is waited for, a locked one is given up within two seconds.

SQLite's own timeout can't tell the two apart. Eight writers on a slow disk make one of them wait for
seconds now and then, which is no reason to fail; a process that holds the lock and does nothing is
(docs/decisions/0004-databases.md).
"""

import sqlite3
import time
from collections.abc import Callable
from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base

GIVE_UP_SECONDS = 0.9  # SQLite's timeout: two of them without a commit by anybody mean that it is locked
PATIENCE_SECONDS = 20.0


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that waits for its turn as long as others get theirs."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(wait_while_others_commit)


def wait_while_others_commit(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Run a statement outside a transaction, or the BEGIN of one; while it finds the database busy, try again.

    Each try waits GIVE_UP_SECONDS. Raises OperationalError once nobody else has committed during
    one of them, or after PATIENCE_SECONDS. Inside a transaction the lock is held already.
    """
    connection = context["connection"]
    if connection.in_atomic_block:
        return execute(sql, params, many, context)
    until = time.monotonic() + PATIENCE_SECONDS
    seen = None
    while True:
        try:
            return execute(sql, params, many, context)
        except OperationalError as error:
            if not _is_busy(error) or time.monotonic() > until:
                raise
            version = connection.connection.execute("PRAGMA data_version").fetchone()  # moves when others commit
            if version == seen:
                raise
            seen = version


def _is_busy(error: OperationalError) -> bool:
    code = getattr(error.__cause__, "sqlite_errorcode", 0)
    return bool(code & 0xFF == sqlite3.SQLITE_BUSY)
