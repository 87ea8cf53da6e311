"""A point on its way to Qdrant or from it."""

import sys
from array import array
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Point:
    """A point. `vector` is little-endian float32, empty where nobody asked for it."""

    point_id: int | str
    vector: bytes
    payload: dict[str, Any]


def little_endian(numbers: "array[float]") -> "array[float]":
    """The numbers with their bytes turned around on machines of the other order."""
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
