"""Values of foreign files made into values that can be kept: lenient about their form, strict about their size."""

import hashlib
import math
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, BinaryIO

import orjson

_LARGEST_INTEGER = 2**63 - 1
_BEGINNING = 64 * 2**10  # bytes of a log by which it is known
_DEEPEST = 48  # levels of JSON; what lies deeper is kept as its text
_SURROGATES = re.compile("[\ud800-\udfff]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS = 1e11  # a number of seconds so large lies in the year 5138: it counts milliseconds


def clean_text(value: str) -> str:
    """The text without what no database keeps: NUL and halves of surrogate pairs become the replacement character."""
    if "\x00" in value:
        value = value.replace("\x00", "\ufffd")
    if not value.isascii() and _SURROGATES.search(value):
        value = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def text_of(value: Any, longest: int | None = None) -> str:
    """A text; of a number its digits, of anything else nothing. Beyond `longest` characters it is cut, with `…`."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return ""
    text = clean_text(str(value))
    return text if longest is None or len(text) <= longest else text[: longest - 1] + "…"


def title_of(value: Any) -> str:
    """A title in one line, as long as a name may be."""
    return text_of(" ".join(text_of(value).split()), 255)


def whole_number(value: Any) -> int | None:
    """A count of 0 or more, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = int(value) if math.isfinite(value) else -1
    return number if 0 <= number <= _LARGEST_INTEGER else None


def object_of(value: Any) -> dict[str, Any]:
    """The value if it is an object, cleaned; an empty one otherwise."""
    cleaned = clean(value) if isinstance(value, dict) else {}
    return cleaned if isinstance(cleaned, dict) else {}


def clean(value: Any, depth: int = 0) -> Any:
    """A JSON value that can be kept: no NUL, no number beyond 64 bits, nothing nested too deeply."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict | list | tuple) and depth >= _DEEPEST:
        return clean_text(str(value)[:10_000])
    if isinstance(value, dict):
        return {clean_text(str(key)): clean(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [clean(inner, depth + 1) for inner in value]
    return _number(value)


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LARGEST_INTEGER:
        return str(value)
    return value


def time_of(value: Any) -> datetime | None:
    """A time: seconds or milliseconds since 1970, or ISO 8601, in UTC if it names no zone. None for anything else."""
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value.strip())
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool) and value > 0:
            seconds = float(value) / (1000 if value > _MILLISECONDS else 1)
            return _EPOCH + timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        pass
    return None


def digest_of(value: Any) -> str:
    """An id for what brings none along: the same content has the same."""
    if not isinstance(value, bytes):
        value = orjson.dumps(clean(value), option=orjson.OPT_SORT_KEYS)
    return f"sha256:{hashlib.sha256(value).hexdigest()}"


def digest_of_beginning(file: BinaryIO) -> str:
    """An id for a log that brings none along: it grows at its end, and stays the same log."""
    file.seek(0)
    return digest_of(file.read(_BEGINNING))


def dict_in(found: Any, key: str) -> dict[str, Any]:
    """The object under a key, as it is; an empty one if something else is there."""
    value = found.get(key) if isinstance(found, dict) else None
    return value if isinstance(value, dict) else {}


def list_in(found: Any, key: str) -> list[Any]:
    """The array under a key, as it is; an empty one if something else is there."""
    value = found.get(key) if isinstance(found, dict) else None
    return value if isinstance(value, list) else []
