"""`vectors.jsonl`: what the collection is, then its points, each number as short as single precision allows.

numpy is imported by those alone who write many vectors: it takes 10 MiB of each worker.
"""

import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn
from uuid import UUID

import orjson

from sessions.exceptions import UnsafeArchive
from sessions.formats.document import Point, Vectors
from sessions.formats.values import clean, whole_number

FLOATS = "<f4"
_NAME = "vectors.jsonl"


def as_json(vector: bytes) -> bytes:
    """A vector of little-endian float32 as a JSON list that reads back to the same bytes."""
    import numpy as np

    return orjson.dumps(np.frombuffer(vector, dtype=FLOATS), option=orjson.OPT_SERIALIZE_NUMPY)


def numbers_of(vector: bytes) -> list[float]:
    """The numbers of a vector of little-endian float32."""
    numbers = array("f", vector)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tolist()


def floats_of(numbers: Iterable[float]) -> bytes:
    """A vector of little-endian float32; what is too large for that becomes infinite."""
    floats = array("f", numbers)
    if sys.byteorder == "big":
        floats.byteswap()
    return floats.tobytes()


def lines_of(vectors: Vectors) -> Iterator[bytes]:
    """A collection as lines."""
    yield orjson.dumps({"size": vectors.size, "distance": vectors.distance}) + b"\n"
    yield from map(line_of, vectors.points)


def line_of(point: Point) -> bytes:
    """One point as a line."""
    vector = orjson.Fragment(as_json(point.vector))
    return orjson.dumps({"point_id": point.point_id, "vector": vector, "payload": point.payload}) + b"\n"


def vectors_of(lines: Iterator[Mapping[str, Any]]) -> Vectors | None:
    """The collection that lines tell of; None without any. Its points are read as they are asked for.

    Raises UnsafeArchive for what isn't one, then or now.
    """
    head = next(lines, None)
    if head is None:
        return None
    size, distance = whole_number(head.get("size")), head.get("distance")
    if not size or not isinstance(distance, str):
        _refuse(1, "size and distance of the vectors")
    return Vectors(size, distance, (_point(number, line, size) for number, line in enumerate(lines, 2)))


def _point(number: int, line: Mapping[str, Any], size: int) -> Point:
    vector, payload = line.get("vector"), line.get("payload")
    if not isinstance(vector, list) or len(vector) != size or not {*map(type, vector)} <= {int, float}:
        _refuse(number, f"a vector of {size} numbers")
    if not isinstance(payload, dict):
        _refuse(number, f"a vector of {size} numbers and a payload")
    data = floats_of(vector)  # what becomes infinite nobody stores
    return Point(_id(number, line.get("point_id")), data, clean(payload))


def _id(number: int, found: Any) -> int | str:
    if isinstance(found, int) and not isinstance(found, bool) and found >= 0:
        return found
    try:
        return str(UUID(found))
    except (ValueError, TypeError, AttributeError):
        _refuse(number, "a point's id")


def _refuse(number: int, what: str) -> NoReturn:
    raise UnsafeArchive(f"Line {number} of {_NAME} isn't {what}.", errors=[(_NAME, f"Line {number}.")])
