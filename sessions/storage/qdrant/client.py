"""Collections in Qdrant. This module brings qdrant-client into the process: import it with the first call alone."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from http import HTTPStatus
from typing import Any, ParamSpec, TypeVar

from sessions.exceptions import VectorStoreError
from sessions.storage.qdrant import Address
from sessions.storage.qdrant.library import (
    ApiClient,
    ApiException,
    QdrantException,
    ResponseHandlingException,
    SyncApis,
    UnexpectedResponse,
    models,
)
from sessions.storage.qdrant.point import Point, little_endian
from sessions.storage.qdrant.transport import BoundedTransport

P = ParamSpec("P")
T = TypeVar("T")

_SENT_BYTES = 2**20  # of vectors
_DISTANCES = {"cosine": models.Distance.COSINE, "dot": models.Distance.DOT, "euclid": models.Distance.EUCLID}
# What qdrant-client raises over answers that aren't Qdrant's, and over errors of its own server.
_FOREIGN = (ApiException, QdrantException, AssertionError, AttributeError, TypeError, ValueError, KeyError)


def connect(address: Address, seconds: float) -> "Collections":
    """The collections at an address, for so many seconds."""
    headers = {"api-key": address.key} if address.key else None
    return Collections(SyncApis(address.url, headers=headers, transport=BoundedTransport(seconds), trust_env=False))


def _translated(work: Callable[P, T]) -> Callable[P, T]:
    """Make VectorStoreError of what qdrant-client raises."""

    @wraps(work)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return work(*args, **kwargs)
        except _FOREIGN as error:
            raise _error_of(error) from error

    return call


def _error_of(error: Exception) -> VectorStoreError:
    if isinstance(error, ResponseHandlingException) and isinstance(error.source, VectorStoreError):
        return error.source
    if isinstance(error, UnexpectedResponse) and error.status_code is not None:
        if error.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return VectorStoreError("Qdrant refused the key. Look at RESEARCHMIND_QDRANT_KEY.")
        if HTTPStatus.MULTIPLE_CHOICES <= error.status_code < HTTPStatus.BAD_REQUEST:
            return VectorStoreError("Qdrant sent a redirect, which isn't followed. QDRANT_URL must be its own address.")
        return VectorStoreError(f"Qdrant answered {error.status_code}. Try again in a moment.")
    return VectorStoreError("Qdrant's answer can't be understood. Is QDRANT_URL the address of a Qdrant?")


class Collections:
    """Collections of one Qdrant. Everything raises VectorStoreError, or VectorStoreUnreachable if nobody answers."""

    def __init__(self, apis: "SyncApis[ApiClient]") -> None:
        self._collections = apis.collections_api
        self._points = apis.points_api
        self._searches = apis.search_api

    @_translated
    def make(self, name: str, size: int, distance: str) -> None:
        """See to it that the collection is there with this size and distance. One that has others goes first."""
        wanted = models.VectorParams(size=size, distance=_DISTANCES[distance])
        if self._exists(name):
            found = _result(self._collections.get_collection(name)).config.params.vectors
            if isinstance(found, models.VectorParams) and (found.size, found.distance) == (size, wanted.distance):
                return
            self._collections.delete_collection(name)
        self._collections.create_collection(name, create_collection=models.CreateCollection(vectors=wanted))

    def _exists(self, name: str) -> bool:
        return bool(_result(self._collections.collection_exists(name)).exists)

    @_translated
    def put(self, name: str, points: Iterable[Point]) -> None:
        """Keep points, each in place of the one that has its id; they can be found when this returns."""
        for batch in _batches(points):
            sent = [
                models.PointStruct(id=point.point_id, vector=_numbers(point.vector), payload=point.payload)
                for point in batch
            ]
            self._points.upsert_points(name, wait=True, point_insert_operations=models.PointsList(points=sent))

    @_translated
    def remove(self, name: str, point_ids: Sequence[int | str]) -> int:
        """Remove points; return how many of them were there."""
        there = self._there(name, point_ids)
        if there:
            self._points.delete_points(name, wait=True, points_selector=models.PointIdsList(points=list(there)))
        return len(there)

    @_translated
    def there(self, name: str, point_ids: Sequence[int | str]) -> int:
        """How many of these points are there."""
        return len(self._there(name, point_ids))

    def _there(self, name: str, point_ids: Sequence[int | str]) -> list[int | str]:
        if not self._exists(name):
            return []
        wanted = models.PointRequest(ids=list(point_ids), with_payload=False, with_vector=False)
        return [_id_of(record.id) for record in _result(self._points.get_points(name, point_request=wanted))]

    @_translated
    def page(
        self, name: str, *, start: int | str | None, limit: int, with_vectors: bool
    ) -> tuple[list[Point], int | str | None]:
        """Points in the order of their ids, beginning with `start` or the next after it; the id that comes then."""
        if not self._exists(name):
            return [], None
        wanted = models.ScrollRequest(limit=limit, offset=start, with_payload=True, with_vector=with_vectors)
        page = _result(self._points.scroll_points(name, scroll_request=wanted))
        points = [Point(_id_of(found.id), _floats(found.vector), dict(found.payload or {})) for found in page.points]
        return points, None if page.next_page_offset is None else _id_of(page.next_page_offset)

    @_translated
    def nearest(self, name: str, vector: Sequence[float], limit: int) -> list[tuple[Point, float]]:
        """The points nearest to a vector with their scores, the nearest first."""
        if not self._exists(name):
            return []
        wanted = models.QueryRequest(
            query=models.NearestQuery(nearest=list(vector)),
            limit=limit,
            with_payload=True,
            params=models.SearchParams(exact=True),
        )
        found = _result(self._searches.query_points(name, query_request=wanted)).points
        return [(Point(_id_of(point.id), b"", dict(point.payload or {})), point.score) for point in found]

    @_translated
    def count(self, name: str) -> int:
        """How many points there are, exactly."""
        if not self._exists(name):
            return 0
        wanted = models.CountRequest(exact=True)
        return int(_result(self._points.count_points(name, count_request=wanted)).count)

    @_translated
    def drop(self, name: str) -> None:
        """Remove the collection with everything in it. Returns when Qdrant says that it isn't there."""
        if self._exists(name):
            self._collections.delete_collection(name)
            if self._exists(name):
                raise VectorStoreError("Qdrant didn't remove the collection.")

    @_translated
    def names(self) -> list[str]:
        """The names of all collections, ours and others'."""
        return [found.name for found in _result(self._collections.get_collections()).collections]


def _result(answer: Any) -> Any:
    """What an answer holds. Raises ValueError for one that holds nothing."""
    if answer.result is None:
        raise ValueError("no result")
    return answer.result


def _id_of(point_id: Any) -> int | str:
    return point_id if isinstance(point_id, int) else str(point_id)


def _batches(points: Iterable[Point]) -> Iterator[list[Point]]:
    """Points as many as fit into one request: as text their vectors are five times as large."""
    batch: list[Point] = []
    size = 0
    for point in points:
        batch.append(point)
        size += len(point.vector)
        if size >= _SENT_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _numbers(vector: bytes) -> list[float]:
    return little_endian(array("f", vector)).tolist()


def _floats(vector: Any) -> bytes:
    return b"" if vector is None else little_endian(array("f", vector)).tobytes()
