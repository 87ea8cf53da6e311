"""Pages of lists: `limit`, and `cursor` from the last page's `next`, or `offset` for old scripts."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

from sessions.api.errors import invalid
from sessions.exceptions import Invalid
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


def _bad_cursor() -> Invalid:
    return invalid("cursor", "Give the text of `next` from the page before, asked for in the same order.")
