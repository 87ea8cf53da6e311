"""Reports of a run: log lines and errors. They are taken from a stopped run too."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sessions.access import Actor
from sessions.exceptions import Invalid
from sessions.models import ErrorEntry, LogEntry, Verb
from sessions.operations import audit
from sessions.operations.runs.phases import checked_phase
from sessions.operations.runs.touching import touched_run
from sessions.operations.values import checked_content, checked_text, checked_time

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MAX_LINES = 1000


@dataclass(frozen=True, slots=True)
class NewLine:
    """A line for the log; its time is now unless it says another."""

    message: str
    timestamp: datetime | None = None


def add_logs(
    *, actor: "Actor | User", session_id: UUID | str, lines: Sequence[NewLine], expected_version: int | None = None
) -> tuple[list[LogEntry], int]:
    """Add lines to the log, all or none; return them, and the run's version.

    They stand in order of arrival. The log tells its own story: no event is written. Raises
    SessionNotFound, SessionNotActive, StaleVersion, Invalid, TooLarge.
    """
    if not 0 < len(lines) <= MAX_LINES:
        raise Invalid("No lines, or too many.", errors=[("logs", f"1 to {MAX_LINES} lines at once.")])
    for number, line in enumerate(lines):
        checked_content(f"logs[{number}].message", line.message)
        if line.timestamp is not None:
            checked_time(f"logs[{number}].timestamp", line.timestamp)
    with touched_run(actor, session_id, expected_version=expected_version, step=False) as (_, touched):
        entries = LogEntry.objects.bulk_create(
            LogEntry(session_id=touched.session_id, message=line.message, timestamp=line.timestamp or touched.at)
            for line in lines
        )
    return entries, touched.version


def add_error(
    *,
    actor: "Actor | User",
    session_id: UUID | str,
    error_message: str,
    task_id: str = "",
    phase: str | None = None,
    timestamp: datetime | None = None,
    expected_version: int | None = None,
) -> tuple[ErrorEntry, int]:
    """Keep an error, in the current phase unless it names another; return it, and the run's version.

    Raises SessionNotFound, SessionNotActive, StaleVersion, Invalid, TooLarge.
    """
    checked_content("error_message", error_message)
    checked_text("task_id", task_id, longest=255)
    if timestamp is not None:
        checked_time("timestamp", timestamp)
    named = checked_phase(phase) if phase else None
    with touched_run(actor, session_id, expected_version=expected_version, step=False) as (actor, touched):
        entry = ErrorEntry.objects.create(
            session_id=touched.session_id,
            timestamp=timestamp or touched.at,
            task_id=task_id,
            error_message=error_message,
            phase=named or touched.phase,
        )
        audit.record(actor, Verb.ERROR_REPORTED, touched.session_id, task_id=task_id, phase=entry.phase)
    return entry, touched.version
