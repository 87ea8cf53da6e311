"""What a vector may be."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from sessions.exceptions import Invalid, TooLarge, VectorMismatch
from sessions.formats.vectors import floats_of
from sessions.models.vector_collection import Distance, key_of
from sessions.models.vector_rows import Collection, StoredPoint
from sessions.operations.values import checked_json

MAX_BATCH = 1_000
MAX_SIZE = 16_384
LARGEST = 1e15  # so that no sum of products leaves float32
MAX_PAYLOAD_BYTES = 64 * 2**10
MAX_NUMBER = 2**63 - 1
_NEARLY_ONE = 1e-6  # Qdrant leaves vectors alone whose length is that near to 1


@dataclass(frozen=True, slots=True)
class NewPoint:
    """A point as a caller gives it."""

    point_id: int | UUID
    vector: Sequence[float]
    payload: dict[str, Any] = field(default_factory=dict)


def checked_points(points: Sequence[NewPoint], distance: Distance) -> tuple[int, list[StoredPoint]]:
    """The vectors' size, and the points as both stores keep them; of two with one id the last counts.

    Raises Invalid for no points or too many, for vectors of several sizes, TooLarge for a payload.
    """
    if not 0 < len(points) <= MAX_BATCH:
        raise Invalid("Too many points, or none.", errors=[("points", f"1 to {MAX_BATCH:,} at once.")])
    size = len(points[0].vector)
    stored: dict[str, StoredPoint] = {}
    for number, point in enumerate(points):
        where = f"points[{number}]"
        if len(point.vector) != size:
            told = f"It has {len(point.vector)} numbers, the first one has {size}."
            raise Invalid("The vectors have different sizes.", errors=[(f"{where}.vector", told)])
        key = checked_key(f"{where}.point_id", point.point_id)
        vector = checked_vector(f"{where}.vector", point.vector, distance)
        stored[key] = StoredPoint(key, vector, _checked_payload(f"{where}.payload", point.payload))
    return size, list(stored.values())


def checked_keys(point_ids: Sequence[int | UUID]) -> list[str]:
    """The keys of points. Raises Invalid for none or too many."""
    if not 0 < len(point_ids) <= MAX_BATCH:
        raise Invalid("Too many points, or none.", errors=[("point_ids", f"1 to {MAX_BATCH:,} at once.")])
    return [checked_key(f"point_ids[{number}]", point_id) for number, point_id in enumerate(point_ids)]


def checked_vector(where: str, vector: Sequence[float], distance: Distance) -> bytes:
    """The vector in little-endian float32; for cosine at length 1, as Qdrant keeps it. Raises Invalid."""
    if not 0 < len(vector) <= MAX_SIZE:
        raise Invalid("A vector has no such size.", errors=[(where, f"1 to {MAX_SIZE:,} numbers.")])
    largest = max(max(vector), -min(vector))
    if not largest <= LARGEST or math.isnan(math.hypot(*vector)):
        raise Invalid(
            "A vector holds a number that can't be kept.", errors=[(where, f"From -{LARGEST:g} to {LARGEST:g}.")]
        )
    return floats_of(_at_length_1(where, vector, largest) if distance == Distance.COSINE else vector)


def _at_length_1(where: str, vector: Sequence[float], largest: float) -> Sequence[float]:
    if not largest:
        raise Invalid("A vector of zeros has no direction.", errors=[(where, "At least one number beside 0.")])
    if abs(math.hypot(*vector) ** 2 - 1) <= _NEARLY_ONE:
        return vector
    scaled = [number / largest for number in vector]  # so that the smallest lose nothing
    length = math.hypot(*scaled)
    return [number / length for number in scaled]


def check_size(where: str, size: int, collection: Collection) -> None:
    """Raise VectorMismatch unless vectors of the size belong into the collection."""
    if size != collection.size:
        raise VectorMismatch(
            f"The session's vectors have {collection.size} numbers.", errors=[(where, f"This has {size}.")]
        )


def check_distance(distance: Distance, collection: Collection) -> None:
    """Raise VectorMismatch if another distance is asked for than the collection has."""
    if distance != collection.distance:
        raise VectorMismatch(
            f"The session's vectors are compared by {collection.distance.value}.",
            errors=[("distance", "Leave it out, or give the same.")],
        )


def checked_key(where: str, point_id: int | UUID) -> str:
    """The key of a point. Raises Invalid for a number that none has."""
    if isinstance(point_id, int) and not 0 <= point_id <= MAX_NUMBER:
        raise Invalid("A point has no such number.", errors=[(where, f"0 to {MAX_NUMBER}, or a UUID.")])
    return key_of(point_id)


def _checked_payload(where: str, payload: dict[str, Any]) -> dict[str, Any]:
    checked_json(where, payload)
    if payload and len(orjson.dumps(payload)) > MAX_PAYLOAD_BYTES:
        raise TooLarge(f"{where} is larger than {MAX_PAYLOAD_BYTES // 2**10} KiB.", limit=MAX_PAYLOAD_BYTES)
    return payload
