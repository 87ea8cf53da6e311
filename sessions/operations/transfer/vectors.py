"""The vectors of a document on their way into the database."""

from collections.abc import Iterator
from itertools import islice
from uuid import UUID

from django.conf import settings

from sessions.exceptions import Invalid, TooManyPoints
from sessions.formats.document import Point, Vectors
from sessions.formats.vectors import numbers_of
from sessions.models.vector_collection import Distance
from sessions.models.vector_rows import StoredPoint
from sessions.operations.vectors.copying import store_collection
from sessions.operations.vectors.values import MAX_SIZE, NewPoint, checked_points

_AT_ONCE = 200


def store_vectors(session_id: UUID, found: Vectors) -> None:
    """Make the collection of a session whose row is written in the same transaction.

    Raises Invalid, TooLarge for what `put_points` would not take either, TooManyPoints.
    """
    if found.distance not in Distance.values or found.size > MAX_SIZE:
        raise Invalid("The vectors are of no kind that is kept here.", errors=[("vectors.jsonl", "Line 1.")])
    distance = Distance(found.distance)
    store_collection(session_id, found.size, distance, _checked(iter(found.points), distance))


def _checked(points: Iterator[Point], distance: Distance) -> Iterator[StoredPoint]:
    count = 0
    while portion := list(islice(points, _AT_ONCE)):
        new = [NewPoint(_id_of(point), numbers_of(point.vector), point.payload) for point in portion]
        _, stored = checked_points(new, distance)
        count += len(stored)
        if count > settings.MAX_POINTS:
            raise TooManyPoints(
                f"A session has at most {settings.MAX_POINTS:,} points here.", limit=settings.MAX_POINTS
            )
        yield from stored


def _id_of(point: Point) -> int | UUID:
    return point.point_id if isinstance(point.point_id, int) else UUID(point.point_id)
