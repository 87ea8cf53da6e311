"""JSON files read piece by piece: memory grows with the largest conversation, not with the file."""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO, Protocol

import ijson
import orjson

from sessions.exceptions import TooLarge, UnreadableFile

LARGEST_PIECE = 64 * 2**20  # bytes of one conversation, message or line
_BLOCK = 64 * 2**10
_DEEPEST = 500  # levels of arrays and objects
_LONGEST_NUMBER = 2_000  # digits; Python reads 4,300
_DIGITS = re.compile(rb"[0-9]{%d}" % _LONGEST_NUMBER)
_TWO_DIGITS = re.compile(rb"[0-9]{2}")
_SLOW = ijson.get_backend("python")
_NOT_JSON = (ijson.JSONError, ValueError, ArithmeticError, UnicodeError, RecursionError)


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class _Odd(Exception):
    """What comes may be made to do harm: let the reader that bears everything have a look."""


class _Watched:
    """Passes on what a file holds, and raises _Odd for a run of digits or a nesting that no sane file has.

    A whole number of more digits than Python reads kills ijson's reader in C and the process with it, and
    nesting costs that reader the square of its depth. The same may well stand inside a text.
    """

    def __init__(self, file: _Readable) -> None:
        self._file = file
        self._end = b""
        self.depth = 0  # about: brackets inside texts count too

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self.depth += block.count(b"[") + block.count(b"{") - block.count(b"]") - block.count(b"}")
        seen = self._end + block
        # Of so many digits two stand at two places next to each other of those that are looked at first.
        is_long = _TWO_DIGITS.search(seen[:: _LONGEST_NUMBER // 3]) and _DIGITS.search(seen)
        if self.depth > _DEEPEST or is_long:
            raise _Odd
        self._end = seen[-_LONGEST_NUMBER:]
        return block


class _Measured:
    """Passes on what a file holds, and refuses to go on when one piece takes too many bytes."""

    def __init__(self, file: _Readable) -> None:
        self._file = file
        self._left = LARGEST_PIECE
        self.pieces = 0

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self._left -= len(block)
        if self._left < 0:
            raise TooLarge(
                f"The piece at [{self.pieces}] is larger than {LARGEST_PIECE // 2**20} MiB.", limit=LARGEST_PIECE
            )
        return block

    def next_piece(self) -> None:
        self.pieces += 1
        self.start()

    def start(self) -> None:
        self._left = LARGEST_PIECE


def items(file: BinaryIO, prefix: str) -> Iterator[Any]:
    """The values under a prefix such as `item` (of an array) or `messages.item`, from the file's start.

    Raises UnreadableFile where the file stops being JSON; what came before has been yielded.
    """
    measured = _Measured(skip_mark(file))
    try:
        yield from _pieces(measured, prefix)
    except _Odd:
        done, measured = measured.pieces, _Measured(skip_mark(file))
        yield from islice(_pieces(measured, prefix, is_odd=True), done, None)


def _pieces(measured: _Measured, prefix: str, *, is_odd: bool = False) -> Iterator[Any]:
    watched = _Watched(measured)
    try:
        if is_odd:
            values = _SLOW.items(_SLOW.parse(_bounded(_SLOW.basic_parse(measured, buf_size=_BLOCK))), prefix)
        else:
            values = ijson.items(watched, prefix, buf_size=_BLOCK)
        for value in values:
            measured.next_piece()
            watched.depth = 0
            yield value
    except _NOT_JSON as error:
        raise _unreadable(measured, error) from error


def _unreadable(measured: _Measured, error: Exception) -> UnreadableFile:
    return UnreadableFile(
        f"The file is not whole JSON: it breaks off or goes wrong after [{measured.pieces - 1}].",
        errors=[(f"[{measured.pieces}]", f"{error}"[:200])],
    )


def holds(file: BinaryIO, name: str) -> bool:
    """Whether the file's object has a member of this name that isn't empty, however much stands before it.

    Raises UnreadableFile where the file stops being JSON before that.
    """
    measured = _Measured(skip_mark(file))
    watched = _Watched(measured)
    try:
        try:
            return _is_among(ijson.basic_parse(watched, buf_size=_BLOCK), name, measured, watched)
        except _Odd:
            measured = _Measured(skip_mark(file))
            slow = _bounded(_SLOW.basic_parse(measured, buf_size=_BLOCK))
            return _is_among(slow, name, measured, watched)
    except _NOT_JSON as error:
        raise _unreadable(measured, error) from error


def _is_among(found: Iterator[tuple[str, Any]], name: str, measured: _Measured, watched: _Watched) -> bool:
    depth = 0
    for event, value in found:
        measured.start()  # nothing is kept of what is passed over
        if event in ("start_map", "start_array"):
            depth += 1
        elif event in ("end_map", "end_array"):
            depth -= 1
        elif event == "map_key" and depth == 1:
            watched.depth = 1
            if value == name:
                event, value = next(found)
                return bool(value) if value is not None else event != "null" and next(found)[0][:3] != "end"
    return False


def events(file: BinaryIO, most: int) -> Iterator[tuple[str, Any]]:
    """What ijson calls events, of the file's beginning; they end where it stops being JSON."""
    seen = 0
    try:
        try:
            for event in islice(ijson.basic_parse(_Watched(skip_mark(file))), most):
                seen += 1
                yield event
        except _Odd:
            yield from islice(_bounded(_SLOW.basic_parse(skip_mark(file))), seen, most)
    except _NOT_JSON:
        return


def _bounded(found: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The events again. Raises ValueError for what is nested too deeply."""
    depth = 0
    for event, value in found:
        if event in ("start_map", "start_array"):
            depth += 1
            if depth > _DEEPEST:
                raise ValueError(f"it is nested deeper than {_DEEPEST} levels")
        elif event in ("end_map", "end_array"):
            depth -= 1
        yield event, value


def first_item(file: BinaryIO, prefix: str) -> Any:
    """The first value under a prefix, None without one."""
    return next(items(file, prefix), None)


def skip_mark(file: BinaryIO) -> BinaryIO:
    """Go to the file's start, past the byte order mark that some editors put there."""
    file.seek(0)
    if file.read(3) != b"\xef\xbb\xbf":
        file.seek(0)
    return file


def is_array(file: BinaryIO) -> bool:
    """Whether the file's JSON is an array."""
    return skip_mark(file).read(4096).lstrip().startswith(b"[")


def lines(file: BinaryIO) -> Iterator[tuple[int, Any]]:
    """(number from 1, value) of each line that holds JSON; the value of a line that doesn't is None.

    Blank lines are passed over. A line that is too long is passed over unread, as None.
    """
    skip_mark(file)
    number = 0
    while line := file.readline(LARGEST_PIECE):
        number += 1
        if len(line) == LARGEST_PIECE and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = file.readline(2**20)
            yield number, None
        elif line.strip():
            yield number, line_value(line)


def line_value(line: bytes) -> Any:
    """What a line of JSON means, None if it isn't JSON."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(line.decode("utf-8", "replace"))  # halves of surrogate pairs and long numbers: values.clean
    except (ValueError, RecursionError):
        return None
