"""JSON files read piece by piece: memory grows with the largest conversation, not with the file."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO, Protocol

import ijson
import orjson

from sessions.exceptions import TooLarge, UnreadableFile

LARGEST_PIECE = 64 * 2**20  # bytes of one conversation, message or line
_BLOCK = 64 * 2**10


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


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
        self._left = LARGEST_PIECE


def items(file: BinaryIO, prefix: str) -> Iterator[Any]:
    """The values under a prefix such as `item` (of an array) or `messages.item`, from the file's start.

    Raises UnreadableFile where the file stops being JSON; what came before has been yielded.
    """
    measured = _Measured(skip_mark(file))
    try:
        for value in ijson.items(measured, prefix, buf_size=_BLOCK):
            yield value
            measured.next_piece()
    except (ijson.JSONError, ValueError, UnicodeError, RecursionError) as error:
        raise UnreadableFile(
            f"The file is not whole JSON: it breaks off or goes wrong after [{measured.pieces - 1}].",
            errors=[(f"[{measured.pieces}]", f"{error}"[:200])],
        ) from error


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
