"""Points of a session's collection: put, remove, read, search."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from sessions.access import Actor, SessionRef, require_write, session_for_reading, session_for_writing, visible_sessions
from sessions.exceptions import SessionNotFound, TooManyPoints
from sessions.models import Session, Status, VectorCollection, Verb
from sessions.models import vector_rows as rows
from sessions.models.vector_collection import Distance, Place, point_id_of
from sessions.models.vector_rows import Collection, StoredPoint, touch_collection
from sessions.operations import audit
from sessions.operations.changing import check_active, check_version
from sessions.operations.vectors.nearest import nearest
from sessions.operations.vectors.values import (
    NewPoint,
    check_distance,
    check_size,
    checked_keys,
    checked_points,
    checked_vector,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True)
class FoundPoint:
    """A point as it is found. `vector` is little-endian float32, empty where nobody asked for it."""

    point_id: int | str
    payload: dict[str, Any]
    vector: bytes = b""
    score: float = 0.0


def put_points(
    *,
    actor: "Actor | User",
    session_id: UUID | str,
    points: Sequence[NewPoint],
    distance: Distance | None = None,
    expected_version: int | None = None,
) -> Collection:
    """Keep points, each in place of the one that has its id; return the collection as it was before.

    The first points choose the vectors' size and distance (cosine unless told). Raises SessionNotFound,
    SessionNotActive, StaleVersion, VectorMismatch, Invalid, TooManyPoints, TooLarge.
    """
    actor = Actor.of(actor)
    require_write(actor)
    with transaction.atomic():
        found = _touched(actor, session_id, expected_version) or _make(actor, session_id, expected_version)
        chosen = distance or (found.distance if found.point_count else Distance.COSINE)
        size, stored = checked_points(points, chosen)
        found = _fitting(found, size, chosen)
        _check_quota(found, stored)
        rows.write_points(found.session_id, stored)
        audit.record(actor, Verb.POINTS_PUT, found.session_id, points=len(stored))
    return found


def collection_for_reading(actor: "Actor | User", session_id: UUID | str) -> Collection | None:
    """The collection of a session that the actor may read; None if it has none. Raises SessionNotFound, AmbiguousId.

    One statement where there is one, and the id is whole.
    """
    actor = Actor.of(actor)
    whole_id = SessionRef.parse(session_id).whole
    found = None
    if whole_id is not None:
        readable = visible_sessions(actor).exclude(status=Status.DELETED)
        found = rows.find_collection(VectorCollection.objects.filter(pk=whole_id, session__in=readable))
    if found is None:
        session = session_for_reading(actor, session_id)
        found = rows.find_collection(VectorCollection.objects.filter(pk=session.pk))
    return found


def _touched(actor: Actor, session_id: UUID | str, expected_version: int | None) -> Collection | None:
    """The collection, locked; None if there is none yet, or it can't be written."""
    whole_id = SessionRef.parse(session_id).whole or session_for_reading(actor, session_id).pk
    found = touch_collection(
        whole_id, user_id=actor.user_id, only_session=actor.only_session, expected_version=expected_version
    )
    if found is not None and not found.point_count:
        return rows.read_collection(whole_id)  # who waited for the lock counted before it
    return found


def _writable(actor: Actor, session_id: UUID | str, expected_version: int | None) -> Session:
    """The session, locked. Raises SessionNotFound, SessionNotActive, StaleVersion."""
    session = session_for_writing(actor, session_id, lock=True)
    check_active(session)
    check_version(session, expected_version)
    return session


def _make(actor: Actor, session_id: UUID | str, expected_version: int | None) -> Collection:
    """The session's collection, made now unless somebody else was faster. Raises as `_writable`."""
    session = _writable(actor, session_id, expected_version)
    made = VectorCollection(session=session, size=0, distance=Distance.COSINE, place=Place.DATABASE)
    VectorCollection.objects.bulk_create([made], ignore_conflicts=True)
    found = _touched(actor, session.pk, expected_version)
    if found is None:
        raise SessionNotFound(session_id)
    return found


def _fitting(collection: Collection, size: int, distance: Distance) -> Collection:
    """The collection, which takes vectors of this size and distance; one without points takes any from now on.

    Raises VectorMismatch.
    """
    if not collection.point_count:
        VectorCollection.objects.filter(pk=collection.session_id).update(size=size, distance=distance)
        return replace(collection, size=size, distance=distance)
    check_distance(distance, collection)
    check_size("points[0].vector", size, collection)
    return collection


def _check_quota(collection: Collection, points: Sequence[StoredPoint]) -> None:
    """Raise TooManyPoints if those that aren't there yet are too many."""
    room = settings.MAX_POINTS - collection.point_count
    if len(points) <= room:
        return
    there = rows.read_payloads(collection.session_id, [point.key for point in points])
    if len(points) - len(there) > room:
        raise TooManyPoints(
            f"A session has at most {settings.MAX_POINTS:,} points here.",
            point_count=collection.point_count,
            limit=settings.MAX_POINTS,
        )


def remove_points(
    *,
    actor: "Actor | User",
    session_id: UUID | str,
    point_ids: Sequence[int | UUID],
    expected_version: int | None = None,
) -> int:
    """Remove the points with these ids; return how many there were.

    Raises SessionNotFound, SessionNotActive, StaleVersion, Invalid.
    """
    actor = Actor.of(actor)
    require_write(actor)
    keys = checked_keys(point_ids)
    with transaction.atomic():
        found = _touched(actor, session_id, expected_version)
        if found is None:
            _writable(actor, session_id, expected_version)
            return 0
        removed = rows.remove_points(found.session_id, keys)
        if removed:
            audit.record(actor, Verb.POINTS_REMOVED, found.session_id, points=removed)
    return removed


def read_points(
    collection: Collection, *, start: str = "", limit: int, with_vectors: bool = False
) -> tuple[list[FoundPoint], str | None]:
    """A page of points in the order of their ids, numbers before UUIDs, and the key that the next page starts with."""
    page = rows.read_points(collection.session_id, start=start, limit=limit + 1, with_vectors=with_vectors)
    points = [FoundPoint(point_id_of(point.key), point.payload, point.vector) for point in page[:limit]]
    return points, page[limit].key if len(page) > limit else None


def search_points(collection: Collection, *, vector: Sequence[float], limit: int) -> list[FoundPoint]:
    """The points nearest to a vector, the nearest first. Raises VectorMismatch, Invalid.

    `score` is the cosine or the product, larger for nearer ones, or the Euclidean distance, smaller for nearer ones.
    """
    check_size("vector", len(vector), collection)
    wanted = checked_vector("vector", vector, collection.distance)
    found = nearest(collection, wanted, limit)
    payloads = rows.read_payloads(collection.session_id, [key for key, _ in found])
    return [FoundPoint(point_id_of(key), payloads[key], score=score) for key, score in found if key in payloads]
