"""Pages of lists: `limit`, and `cursor` from the last page's `next`, or `offset` for old scripts."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from uuid import UUID

from sessions.api.errors import invalid
from sessions.exceptions import Invalid
from sessions.models import Job
from sessions.models.job import Position as JobPosition
from sessions.models.session_filter import Position
from sessions.models.session_list import decode_position, encode_position

_MAX_INDEX = 2**31 - 1


def check_start(cursor: str | None, offset: int) -> None:
    """Raise Invalid for a page that is to start at two places."""
    if cursor is not None and offset:
        raise invalid("offset", "Give either cursor or offset.")


def cursor_of(position: Position | None, sort: str) -> str | None:
    """The opaque text of a position in a list of sessions; None for None."""
    if position is None:
        return None
    return urlsafe_b64encode(encode_position(position, sort)).decode().rstrip("=")


def position_of(cursor: str | None, sort: str) -> Position | None:
    """Read what `cursor_of` wrote; None for None. Raises Invalid for anything else, or for another order."""
    if cursor is None:
        return None
    try:
        data = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return decode_position(data, sort)
    except (ValueError, OverflowError):
        raise _bad_cursor() from None


def number_of(cursor: str | None) -> int | None:
    """The index or number after which a page of a transcript or of revisions starts. Raises Invalid."""
    if cursor is None:
        return None
    if not (
        cursor.isascii() and cursor.isdigit() and int(cursor[:11]) <= _MAX_INDEX and len(cursor) <= len(str(_MAX_INDEX))
    ):
        raise _bad_cursor()
    return int(cursor)


def job_cursor(job: Job) -> str:
    """The opaque text of a job's place in the list of jobs."""
    return urlsafe_b64encode(f"{job.created_at.isoformat()} {job.pk}".encode()).decode().rstrip("=")


def job_position(cursor: str | None) -> JobPosition | None:
    """Read what `job_cursor` wrote; None for None. Raises Invalid for anything else."""
    if cursor is None:
        return None
    try:
        moment, _, job_id = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(" ")
        return datetime.fromisoformat(moment).astimezone(UTC), UUID(job_id)
    except (ValueError, OverflowError):
        raise _bad_cursor() from None


def _bad_cursor() -> Invalid:
    return invalid("cursor", "Give the text of `next` from the page before, asked for in the same order.")
