"""Vectors on their way into a session that is being made, or into a file: read first, where nothing is locked."""

import tempfile
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Collection as Some
from contextlib import ExitStack
from itertools import islice
from typing import IO, Self, cast
from uuid import UUID, uuid5

import orjson

from sessions.access import Actor
from sessions.exceptions import Conflict, PointNotFound, TooManyPoints, VectorMismatch
from sessions.models import VectorCollection, Verb
from sessions.models import vector_rows as rows
from sessions.models.vector_collection import FLOAT_BYTES, Distance, Place, key_of, key_of_text, point_id_of
from sessions.models.vector_rows import Collection, StoredPoint
from sessions.operations import audit
from sessions.operations.vectors.moving import move_after_commit
from sessions.operations.vectors.points import read_points
from sessions.operations.vectors.unwanted import take_away
from sessions.operations.vectors.values import checked_key
from sessions.operations.vectors.writing import nobody_writes

_IN_MEMORY = 2**20
_AT_ONCE = 200  # points
_PAGE_BYTES = 2**19  # of vectors: as Python's numbers and as text they are eight times that


def each_point(collection: Collection) -> Iterator[StoredPoint]:
    """Every point in the order of its id, wherever it is kept. Raises VectorStoreError."""
    limit = max(1, min(_AT_ONCE, _PAGE_BYTES // max(1, collection.size * FLOAT_BYTES)))
    start: str | None = ""
    while start is not None:
        page, start = read_points(collection, start=start, limit=limit, with_vectors=True)
        yield from (StoredPoint(key_of_text(point.point_id), point.vector, point.payload) for point in page)


class VectorCopy:
    """Points of sessions, kept in a file that nobody sees until a session is given them. Gone when the block ends.

    `most` is how many there may be. `step` is called with 1 for each point that is read and with 0 while they are
    written; what it raises ends the copying.
    """

    def __init__(self, most: int | None = None, step: Callable[[int], object] = lambda _: None) -> None:
        self.most = most
        self._step = step
        self.count = 0
        self.size = 0
        self.distance = Distance.COSINE
        self.keys: set[str] = set()
        self.revision = 0  # of the collection that chosen points were copied from
        self._stack = ExitStack()
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def add(self, session_id: UUID, *, only: Some[str] | None = None) -> None:
        """Copy the points of a session, or those with the keys in `only`.

        A point whose id another session's has already gets one made of its session and its id. Raises VectorMismatch
        for vectors that don't belong together, TooManyPoints, VectorStoreError.
        """
        collection = rows.read_collection(session_id)
        if collection is None or not collection.point_count:
            return
        if self.count and (self.size, self.distance) != (collection.size, collection.distance):
            raise VectorMismatch(
                f"One session's vectors have {self.size} numbers compared by {self.distance.value}, another's "
                f"{collection.size} compared by {collection.distance.value}: they can't be in one collection.",
                errors=[("vectors", "Leave them out, or make them alike.")],
            )
        self.size, self.distance = collection.size, collection.distance
        for point in each_point(collection):
            if only is None or point.key in only:
                key = _free(session_id, point.key, self.keys)
                self.keys.add(key)
                self._keep(point._replace(key=key))

    def add_chosen(self, session_id: UUID, point_ids: Sequence[int | UUID]) -> None:
        """Copy chosen points of a session. Raises PointNotFound, Invalid, and as `add`."""
        wanted = {checked_key(f"point_ids[{number}]", found) for number, found in enumerate(point_ids)}
        row = VectorCollection.objects.filter(pk=session_id).values_list("revision", flat=True).first()
        self.revision = row or 0
        self.add(session_id, only=wanted)
        missing = wanted - self.keys
        if missing:
            point_id = point_id_of(min(missing))
            raise PointNotFound(
                f"The session has no point with the id {point_id}.", point_id=point_id, session_id=str(session_id)
            )

    def _keep(self, point: StoredPoint) -> None:
        self.count += 1
        if self.most is not None and self.count > self.most:
            raise TooManyPoints(
                f"A session has at most {self.most:,} points here.", point_count=self.count, limit=self.most
            )
        line = orjson.dumps([point.key, b64encode(point.vector).decode(), point.payload])
        if self._file is None:
            spool = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  (the stack closes it)
            self._file = cast("IO[bytes]", self._stack.enter_context(spool))
        self._file.write(line + b"\n")
        self._step(1)

    def points(self) -> Iterator[StoredPoint]:
        """What was copied, from the beginning."""
        if self._file is None:
            return
        self._file.seek(0)
        for line in self._file:
            self._step(0)
            key, vector, payload = orjson.loads(line)
            yield StoredPoint(key, b64decode(vector), payload)

    def settle(self, session_id: UUID) -> None:
        """Give the points to a session whose row is written in the same transaction."""
        if self.count:
            store_collection(session_id, self.size, self.distance, self.points())


def store_collection(session_id: UUID, size: int, distance: Distance, points: Iterable[StoredPoint]) -> int:
    """Make the collection of a session whose row is written in the same transaction; return how many points it has.

    It is in the database until that has committed; then it moves to Qdrant where there is one.
    """
    VectorCollection.objects.create(session_id=session_id, size=size, distance=distance, place=Place.DATABASE)
    count, left = 0, iter(points)
    while portion := list(islice(left, _AT_ONCE)):
        rows.write_points(session_id, portion)
        count += len(portion)
    move_after_commit(session_id)
    return count


def _free(session_id: UUID, key: str, taken: set[str]) -> str:
    """The key, or one made of it that no point has yet."""
    if key not in taken:
        return key
    return key_of(uuid5(session_id, str(point_id_of(key))))


def take_points(actor: Actor, session_id: UUID, copies: Sequence[VectorCopy]) -> int:
    """Remove the points that were copied from where they were, in the transaction that gives them to others.

    Those in Qdrant are unwanted from then on. Raises Conflict if somebody has written since they were copied.
    """
    keys = sorted(set().union(*(copied.keys for copied in copies)))
    if not keys:
        return 0
    row = VectorCollection.objects.select_for_update().filter(pk=session_id).first()
    if row is None or any(copied.revision != row.revision for copied in copies if copied.count):
        raise Conflict("The session's vectors have changed while they were copied. Try again.")
    if row.place == Place.QDRANT:
        if VectorCollection.objects.filter(pk=session_id).exclude(nobody_writes()).exists():
            raise Conflict("Somebody is writing into the session's vectors. Try again.")
        take_away(row, keys)
    else:
        for start in range(0, len(keys), _AT_ONCE):
            rows.remove_points(session_id, keys[start : start + _AT_ONCE])
        VectorCollection.objects.filter(pk=session_id).update(revision=row.revision + 1)
    audit.record(actor, Verb.POINTS_REMOVED, session_id, points=len(keys))
    return len(keys)
