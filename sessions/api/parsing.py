"""Reading bodies strictly: numbers that no database keeps, and what isn't JSON, are refused at the door."""

import json
import re
from typing import Any, Never

import orjson
from django.http import HttpRequest
from ninja.parser import Parser

from sessions.api.errors import Problem

JSON = "application/json"
_LARGEST_INTEGER = 2**63 - 1
_DIGITS = len(str(_LARGEST_INTEGER))
_LONG_NUMBER = re.compile(rb"[0-9]{%d}" % _DIGITS)


class StrictParser(Parser):
    """JSON in UTF-8 and nothing else."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the body's value. Raises Problem for another content type, and for what isn't strict JSON."""
        if request.content_type != JSON:
            sent = f", not {request.content_type}" if request.content_type else ""
            raise Problem(415, "unsupported_media_type", f"Send the body as JSON, with Content-Type: {JSON}{sent}.")
        return strict_json(request.body)


def strict_json(body: bytes) -> Any:
    """Return what a body of JSON means.

    orjson refuses NaN, infinity, numbers beyond a double, half surrogates, bytes that aren't
    UTF-8 and nesting that would break us; but it makes a float of an integer beyond 64 bits
    without a word. Where a row of that many digits stands anywhere, the digits are looked at.
    NUL and nesting beyond 64 are for the operations to refuse, which know the field.
    """
    try:
        value = orjson.loads(body)
        if _LONG_NUMBER.search(body):
            value = json.loads(body, parse_int=_integer)
    except (orjson.JSONDecodeError, RecursionError) as error:
        _refuse(str(error))
    return value


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > _DIGITS or abs(int(digits)) > _LARGEST_INTEGER:
        _refuse("a number beyond 64 bits can't be kept; write it as text")
    return int(digits)


def _refuse(reason: str) -> Never:
    raise Problem(422, "invalid_json", "The body is not JSON that can be kept.", errors=[("body", f"{reason}.")])
