"""Points of a session's collection: put, remove, read, search."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from sessions.access import Actor, SessionRef, require_write, session_for_reading, session_for_writing, visible_sessions
from sessions.exceptions import SessionNotFound, TooManyPoints
from sessions.formats.vectors import numbers_of
from sessions.models import Session, Status, VectorCollection, Verb
from sessions.models import vector_rows as rows
from sessions.models.vector_collection import Distance, Place, key_of_text, point_id_of
from sessions.models.vector_rows import Collection, StoredPoint, touch_collection
from sessions.operations import audit
from sessions.operations.changing import check_active, check_version
from sessions.operations.vectors.nearest import nearest
from sessions.operations.vectors.unwanted import settled
from sessions.operations.vectors.values import (
    NewPoint,
    check_distance,
    check_size,
    checked_keys,
    checked_points,
    checked_vector,
)
from sessions.operations.vectors.writing import begin_writing, nobody_writes, write
from sessions.storage import qdrant
from sessions.storage.qdrant.point import Point

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
    SessionNotActive, StaleVersion, VectorMismatch, Invalid, TooManyPoints, TooLarge, VectorStoreError.
    """
    actor = Actor.of(actor)
    require_write(actor)

    def note(amount: int) -> None:
        audit.record(actor, Verb.POINTS_PUT, found.session_id, points=amount)

    with transaction.atomic():
        found = _touched(actor, session_id, expected_version) or _make(actor, session_id, expected_version)
        chosen = distance or (found.distance if found.point_count else Distance.COSINE)
        size, stored = checked_points(points, chosen)
        found = _fitting(found, size, chosen)
        if found.place == Place.DATABASE:
            _check_quota(found, stored)
            rows.write_points(found.session_id, stored)
            note(len(stored))
            return found
        begin_writing(found.session_id)
    write(found, lambda: _put_into_qdrant(found, stored), done=note, more=len(stored))
    return found


def _put_into_qdrant(collection: Collection, points: Sequence[StoredPoint]) -> int:
    settled(collection)
    store, name = qdrant.connected(), qdrant.name_of(collection.session_id)
    store.make(name, collection.size, collection.distance.value)
    sent = [Point(point_id_of(point.key), point.vector, point.payload) for point in points]
    if collection.point_count + len(sent) > settings.MAX_POINTS:
        count = store.count(name)
        _check_room(count, len(sent) - store.there(name, [point.point_id for point in sent]))
    store.put(name, sent)
    return len(sent)


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
    made = VectorCollection(session=session, size=0, distance=Distance.COSINE, place=_place())
    VectorCollection.objects.bulk_create([made], ignore_conflicts=True)
    found = _touched(actor, session.pk, expected_version)
    if found is None:
        raise SessionNotFound(session_id)
    return found


def _place() -> Place:
    """Where collections are made now."""
    return Place.QDRANT if qdrant.is_configured() else Place.DATABASE


def _fitting(collection: Collection, size: int, distance: Distance) -> Collection:
    """The collection, which takes vectors of this size and distance; one without points takes any from now on.

    Raises VectorMismatch.
    """
    if not collection.point_count:
        free = VectorCollection.objects.filter(nobody_writes(), pk=collection.session_id, moving_since=None)
        if free.update(size=size, distance=distance, place=_place()):
            return replace(collection, size=size, distance=distance, place=_place())
    check_distance(distance, collection)
    check_size("points[0].vector", size, collection)
    return collection


def _check_quota(collection: Collection, points: Sequence[StoredPoint]) -> None:
    """Raise TooManyPoints if those that aren't there yet are too many."""
    room = settings.MAX_POINTS - collection.point_count
    if len(points) <= room:
        return
    there = rows.read_payloads(collection.session_id, [point.key for point in points])
    _check_room(collection.point_count, len(points) - len(there))


def _check_room(count: int, more: int) -> None:
    if count + more > settings.MAX_POINTS:
        raise TooManyPoints(
            f"A session has at most {settings.MAX_POINTS:,} points here.", point_count=count, limit=settings.MAX_POINTS
        )


def remove_points(
    *,
    actor: "Actor | User",
    session_id: UUID | str,
    point_ids: Sequence[int | UUID],
    expected_version: int | None = None,
) -> int:
    """Remove the points with these ids; return how many there were.

    Raises SessionNotFound, SessionNotActive, StaleVersion, Invalid, VectorStoreError.
    """
    actor = Actor.of(actor)
    require_write(actor)
    keys = checked_keys(point_ids)

    with transaction.atomic():
        found = _touched(actor, session_id, expected_version)
        if found is None:
            _writable(actor, session_id, expected_version)
            return 0
        whole_id = found.session_id

        def note(amount: int) -> None:
            if amount:
                audit.record(actor, Verb.POINTS_REMOVED, whole_id, points=amount)

        if found.place == Place.DATABASE:
            removed = rows.remove_points(found.session_id, keys)
            note(removed)
            return removed
        begin_writing(whole_id)
    return write(found, lambda: _remove_from_qdrant(found, [point_id_of(key) for key in keys]), done=note)


def _remove_from_qdrant(collection: Collection, point_ids: Sequence[int | str]) -> int:
    settled(collection)
    return qdrant.connected().remove(qdrant.name_of(collection.session_id), point_ids)


def count_points(collection: Collection) -> int:
    """How many points there are, now. Raises VectorStoreError."""
    if collection.place == Place.DATABASE:
        return collection.point_count
    return qdrant.connected().count(qdrant.name_of(settled(collection).session_id))


def read_points(
    collection: Collection, *, start: str = "", limit: int, with_vectors: bool = False
) -> tuple[list[FoundPoint], str | None]:
    """A page of points in the order of their ids, numbers before UUIDs, and the key that the next page starts with.

    Raises VectorStoreError.
    """
    if collection.place == Place.DATABASE:
        page = rows.read_points(collection.session_id, start=start, limit=limit + 1, with_vectors=with_vectors)
        if page or not _has_moved(collection):
            points = [FoundPoint(point_id_of(point.key), point.payload, point.vector) for point in page[:limit]]
            return points, page[limit].key if len(page) > limit else None
    found, following = qdrant.connected().page(
        qdrant.name_of(settled(collection).session_id),
        start=point_id_of(start) if start else None,
        limit=limit,
        with_vectors=with_vectors,
    )
    points = [FoundPoint(point.point_id, point.payload, point.vector) for point in found]
    return points, None if following is None else key_of_text(following)


def search_points(collection: Collection, *, vector: Sequence[float], limit: int) -> list[FoundPoint]:
    """The points nearest to a vector, the nearest first. Raises VectorMismatch, Invalid, VectorStoreError.

    `score` is the cosine or the product, larger for nearer ones, or the Euclidean distance, smaller for nearer ones.
    """
    if not collection.size:
        return []
    check_size("vector", len(vector), collection)
    wanted = checked_vector("vector", vector, collection.distance)
    if collection.place == Place.DATABASE:
        near = nearest(collection, wanted, limit)
        payloads = rows.read_payloads(collection.session_id, [key for key, _ in near])
        if payloads or not _has_moved(collection):
            scored = [(key, score) for key, score in near if key in payloads]
            return [FoundPoint(point_id_of(key), payloads[key], score=score) for key, score in scored]
    found = qdrant.connected().nearest(qdrant.name_of(settled(collection).session_id), numbers_of(wanted), limit)
    return [FoundPoint(point.point_id, point.payload, score=score) for point, score in found]


def _has_moved(collection: Collection) -> bool:
    """Whether points that were in the database are in Qdrant by now."""
    if not collection.point_count:
        return False
    now = rows.read_collection(collection.session_id)
    return now is not None and now.place == Place.QDRANT
