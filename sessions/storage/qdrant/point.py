"""A point on its way to Qdrant or from it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Point:
    """A point. `vector` is little-endian float32, empty where nobody asked for it."""

    point_id: int | str
    vector: bytes
    payload: dict[str, Any]
