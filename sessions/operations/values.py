"""Rules for values that more than one operation takes."""

import math
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from sessions.exceptions import Invalid, TooLarge

_LARGEST_INTEGER = 2**63 - 1


def checked_text(where: str, value: str, *, longest: int | None = None, blank: bool = True) -> str:
    """Return the text. Raises Invalid if a database could not keep it, or if it is too long or blank."""
    if "\x00" in value:
        raise Invalid(f"{where} holds a NUL character.", errors=[(where, "Remove the NUL character.")])
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Invalid(
                f"{where} holds half of a surrogate pair.", errors=[(where, "Not a valid Unicode text.")]
            ) from None
    if longest is not None and len(value) > longest:
        raise Invalid(
            f"{where} is too long.", errors=[(where, f"At most {longest} characters, this has {len(value)}.")]
        )
    if not blank and not value.strip():
        raise Invalid(f"{where} is empty.", errors=[(where, "Give it at least one visible character.")])
    return value


def checked_content(where: str, value: str) -> str:
    """Return a message's text. Raises Invalid as `checked_text`, TooLarge beyond RESEARCHMIND_MAX_MESSAGE_MB."""
    checked_text(where, value)
    limit = settings.MAX_MESSAGE_BYTES
    if len(value) > limit // 4 and len(value.encode()) > limit:
        raise TooLarge(
            f"{where} is larger than {limit // 2**20} MiB. Split it, or keep it as a file in the workspace.",
            limit=limit,
        )
    return value


def checked_time(where: str, value: datetime) -> datetime:
    """Return the time. Raises Invalid if it has no zone, or lies outside the years 1 to 9999 in UTC."""
    if timezone.is_naive(value):
        raise Invalid("A time needs its zone.", errors=[(where, "Write it with Z or an offset.")])
    try:
        value.astimezone(UTC)
    except OverflowError:
        raise Invalid(f"{where} is out of range.", errors=[(where, "In the years 1 to 9999, in UTC.")]) from None
    return value


def checked_json(where: str, value: Any) -> Any:
    """Return a JSON value. Raises Invalid for NUL, half surrogates, NaN, numbers beyond 64 bits and deep nesting."""
    if not value:  # most are: None, {} and the like break no rule
        return value
    deepest = settings.MAX_NESTING
    pending = [(value, 0)]
    while pending:
        item, depth = pending.pop()
        if depth > deepest:
            raise Invalid(f"{where} is nested too deeply.", errors=[(where, f"At most {deepest} levels.")])
        if isinstance(item, str):
            checked_text(where, item)
        elif isinstance(item, dict):
            pending.extend((key, depth) for key in item)
            pending.extend((inner, depth + 1) for inner in item.values())
        elif isinstance(item, list | tuple):
            pending.extend((inner, depth + 1) for inner in item)
        else:
            _check_number(where, item)
    return value


def _check_number(where: str, value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise Invalid(f"{where} holds a number that isn't finite.", errors=[(where, "NaN and infinity can't be kept.")])
    if isinstance(value, int) and abs(value) > _LARGEST_INTEGER:
        raise Invalid(f"{where} holds a number beyond 64 bits.", errors=[(where, "Write large numbers as text.")])
