"""What every change of a session has in common: its preconditions, its version and its time."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from sessions.exceptions import SessionNotActive, StaleVersion
from sessions.models import Session
from sessions.models.session import ACCESS_STEP
from sessions.operations.noting import worth_a_try


def check_version(session: Session, expected_version: int | None) -> None:
    """Raise StaleVersion if the caller saw another version than the current one."""
    if expected_version is not None and session.version != expected_version:
        raise StaleVersion(
            f"The session has changed: version {session.version} is current, not {expected_version}. Read it again.",
            session_id=str(session.pk),
            version=session.version,
        )


def check_active(session: Session) -> None:
    """Raise SessionNotActive if the transcript takes no changes."""
    if not session.is_writable:
        raise SessionNotActive(
            "The session is archived. Restore it to change its transcript.",
            session_id=str(session.pk),
            status=session.status,
            message_count=session.message_count,
            version=session.version,
        )


def save_changes(session: Session, values: dict[str, Any], *, now: datetime | None = None, is_use: bool = True) -> None:
    """Write fields of a locked session together with its next version and time.

    A change by somebody is a use of the session, from which its expiry counts; retention's own isn't.
    """
    now = now or timezone.now()
    values = values | {"version": session.version + 1, "updated_at": now}
    if is_use and now - session.last_accessed >= ACCESS_STEP:
        values["last_accessed"] = now
    for field, value in values.items():
        setattr(session, field, value)
    session.save(update_fields=list(values))


def mark_accessed(session_id: UUID, last_accessed: datetime) -> datetime:
    """Move last_accessed to now, at most once a minute, in one statement; return what it is then."""
    now = timezone.now()
    if now - last_accessed < ACCESS_STEP:
        return last_accessed
    with worth_a_try("last_accessed_not_noted"):
        Session.objects.filter(pk=session_id, last_accessed__lte=now - ACCESS_STEP).update(last_accessed=now)
    return now
