"""The run's own SQL: one statement that authorises, locks, and counts as heartbeat."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from sessions.models.membership import may_write
from sessions.models.rows import db_id, db_time
from sessions.models.run import Run
from sessions.models.session import ACCESS_STEP, Session, Status

_RUN = Run._meta.db_table
_SESSION = Session._meta.db_table
_LARGEST = 2**63 - 1
# Whoever purges or trashes a session locks its row first: a write to its run comes before that, or not at all.
_LOCK = {"postgresql": " FOR KEY SHARE OF s", "sqlite": ""}


@dataclass(frozen=True, slots=True)
class Touched:
    """A locked run after its heartbeat was moved, and the phase that its session is in."""

    session_id: UUID
    version: int
    is_aborted: bool
    phase: str
    at: datetime
    is_stale: bool  # the session's last_accessed lies more than ACCESS_STEP back


def touch_run(
    session_id: UUID, *, now: datetime, user_id: int, only_session: UUID | None, expected_version: int | None
) -> Touched | None:
    """Move heartbeat and version of the run of an active session that the user may write; lock its row.

    Returns None if nothing matched: no such session, no run yet, or another version.
    """
    if only_session is not None and only_session != session_id:
        return None
    condition = (
        f"session_id = (SELECT s.id FROM {_SESSION} s WHERE s.id = %s AND {may_write('s')} AND s.status = %s"
        f"{_LOCK[connection.vendor]})"
    )
    values: list[Any] = [db_time(now), db_id(session_id), user_id, user_id, Status.ACTIVE.value]
    if expected_version is not None:
        condition += " AND version = %s"
        values.append(min(expected_version, _LARGEST))
    of_session = f"FROM {_SESSION} s WHERE s.id = {_RUN}.session_id"
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {_RUN} SET heartbeat_at = %s, version = version + 1 WHERE {condition} RETURNING version, "
            f"is_aborted, (SELECT s.phase {of_session}), (SELECT s.last_accessed <= %s {of_session})",
            [*values, db_time(now - ACCESS_STEP)],
        )
        row = cursor.fetchone()
    return None if row is None else Touched(session_id, row[0], bool(row[1]), row[2], now, bool(row[3]))
