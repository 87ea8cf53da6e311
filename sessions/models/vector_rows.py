"""The vectors' own SQL: one statement that authorises and locks, one that writes all points."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from sessions.models.membership import may_write
from sessions.models.rows import db_id, db_json
from sessions.models.session import Session, Status
from sessions.models.vector_collection import FLOAT_BYTES, Distance, Place, VectorCollection, VectorPoint

_SESSION = Session._meta.db_table
_COLLECTION = VectorCollection._meta.db_table
_POINT = VectorPoint._meta.db_table
_LARGEST = 2**63 - 1
# Whoever purges or trashes a session locks its row first: a write to its vectors comes before that, or not at all.
_LOCK = {"postgresql": " FOR KEY SHARE OF s", "sqlite": ""}
_COUNT = (
    f"CASE WHEN {_COLLECTION}.place = '{Place.QDRANT.value}' THEN {_COLLECTION}.point_count ELSE "
    f"(SELECT count(*) FROM {_POINT} p WHERE p.session_id = {_COLLECTION}.session_id) END"
)
# SQLite 3.40 says in RETURNING that NULL IS NOT NULL where a CHECK of the column has asked whether it is.
_WAITS = f"COALESCE(length(CAST({_COLLECTION}.unwanted AS text)), 0)"
COLLECTION_COLUMNS = f"{_COLLECTION}.size, {_COLLECTION}.distance, {_COLLECTION}.place, {_COUNT}, {_WAITS}"
COLLECTION_WIDTH = 5  # columns


@dataclass(frozen=True, slots=True)
class Collection:
    """A session's collection as it is now. Unwanted are points that Qdrant has to remove before it is asked."""

    session_id: UUID
    size: int
    distance: Distance
    place: Place
    point_count: int
    has_unwanted: bool = False

    @property
    def bytes(self) -> int:
        """What its vectors take, payloads and indexes left out."""
        return self.point_count * self.size * FLOAT_BYTES


class StoredPoint(NamedTuple):
    """A point on its way into the database or out of it. `vector` is little-endian float32."""

    key: str
    vector: bytes
    payload: Any


def collection_from(session_id: UUID, columns: Sequence[Any]) -> Collection:
    """Read what COLLECTION_COLUMNS selected."""
    size, distance, place, count, has_unwanted = columns
    return Collection(session_id, size, Distance(distance), Place(place), count, bool(has_unwanted))


def find_collection(collections: QuerySet[VectorCollection]) -> Collection | None:
    """The one collection that a query finds, with the number of its points; None without one. One statement."""
    points = VectorPoint.objects.filter(session_id=OuterRef("pk")).order_by().values("session_id")
    counted = collections.annotate(
        here=Subquery(points.annotate(amount=Count("*")).values("amount")), waits=Q(unwanted__isnull=False)
    )
    found = counted.values_list("pk", "size", "distance", "place", "point_count", "here", "waits").first()
    if found is None:
        return None
    session_id, size, distance, place, there, here, waits = found
    return collection_from(session_id, (size, distance, place, there if place == Place.QDRANT else here or 0, waits))


def read_collection(session_id: UUID) -> Collection | None:
    """The session's collection; None if it never had a vector. One statement."""
    return find_collection(VectorCollection.objects.filter(pk=session_id))


def touch_collection(
    session_id: UUID, *, user_id: int, only_session: UUID | None, expected_version: int | None
) -> Collection | None:
    """Lock the collection of an active session that the user may write, and move its revision.

    Returns None if nothing matched: no such session, no collection yet, or another version.
    """
    if only_session is not None and only_session != session_id:
        return None
    condition = f"s.id = %s AND {may_write('s')} AND s.status = %s"
    values: list[Any] = [db_id(session_id), user_id, user_id, Status.ACTIVE.value]
    if expected_version is not None:
        condition += " AND s.version = %s"
        values.append(min(expected_version, _LARGEST))
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {_COLLECTION} SET revision = revision + 1 WHERE session_id = "
            f"(SELECT s.id FROM {_SESSION} s WHERE {condition}{_LOCK[connection.vendor]}) "
            f"RETURNING {COLLECTION_COLUMNS}",
            values,
        )
        row = cursor.fetchone()
    return None if row is None else collection_from(session_id, row)


def write_points(session_id: UUID, points: Iterable[StoredPoint]) -> None:
    """Insert points, in place of those that have their keys."""
    rows = [(db_id(session_id), point.key, point.vector, db_json(point.payload)) for point in points]
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {_POINT} (session_id, key, vector, payload) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT (session_id, key) DO UPDATE SET vector = excluded.vector, payload = excluded.payload",
            rows,
        )


def remove_points(session_id: UUID, keys: Sequence[str]) -> int:
    """Remove the points with these keys; return how many there were."""
    return VectorPoint.objects.filter(session_id=session_id, key__in=keys).order_by()._raw_delete("default")


def read_points(session_id: UUID, *, start: str, limit: int, with_vectors: bool) -> list[StoredPoint]:
    """Points in the order of their keys, `limit` at most, beginning with the key `start` or the next after it."""
    rows = VectorPoint.objects.filter(session_id=session_id, key__gte=start).order_by("key")
    names = ("key", "vector", "payload") if with_vectors else ("key", "payload")
    found = rows.values_list(*names)[:limit]
    if with_vectors:
        return [StoredPoint(key, bytes(vector), payload) for key, vector, payload in found]
    return [StoredPoint(key, b"", payload) for key, payload in found]


def each_vector(session_id: UUID, *, at_once: int) -> Iterator[tuple[str, bytes]]:
    """Key and vector of every point, in the order of their keys. One statement; `at_once` rows are held in memory."""
    rows = VectorPoint.objects.filter(session_id=session_id).order_by("key").values_list("key", "vector")
    return ((key, bytes(vector)) for key, vector in rows.iterator(chunk_size=at_once))


def read_payloads(session_id: UUID, keys: Sequence[str]) -> dict[str, Any]:
    """The payloads of these points by their keys."""
    rows = VectorPoint.objects.filter(session_id=session_id, key__in=keys).order_by()
    return dict(rows.values_list("key", "payload"))
