"""The vector collection of a session: scroll, put, remove, search."""

import re
from typing import Any

import orjson
from django.http import HttpResponse
from ninja import Query

from sessions.api.answers import answer
from sessions.api.auth import ApiRequest
from sessions.api.errors import invalid
from sessions.api.idempotency import once, sees_to_its_key
from sessions.api.openapi import ApiRouter, documented
from sessions.api.preconditions import expected_version
from sessions.api.schemas.points import (
    PointListAnswer,
    PointListQuery,
    PointSearchAnswer,
    PutPointsAnswer,
    PutPointsForm,
    RemovedPointsAnswer,
    RemovePointsForm,
    SearchPointsForm,
)
from sessions.formats.vectors import as_json
from sessions.models.vector_collection import Distance
from sessions.operations.vectors import points
from sessions.operations.vectors.points import FoundPoint, collection_for_reading
from sessions.operations.vectors.values import NewPoint
from sessions.storage import qdrant

router = ApiRouter(tags=["Vectors"])

_CURSOR = re.compile("[0-9]{20}|u[0-9a-f]{32}")


@router.get(
    "/sessions/{session_id}/points",
    summary="Read the points of the vector collection",
    **documented({200: PointListAnswer}, 404, 409),
)
def list_points(request: ApiRequest, session_id: str, query: Query[PointListQuery]) -> HttpResponse:
    """By their ids, numbers before UUIDs. A session that never had a point has none, and no size."""
    if query.cursor is not None and not _CURSOR.fullmatch(query.cursor):
        raise invalid("cursor", "Give the text of `next` from the page before.")
    found = collection_for_reading(request.auth, session_id)
    page: list[FoundPoint] = []
    following = None
    if found is not None:
        page, following = points.read_points(
            found, start=query.cursor or "", limit=query.limit, with_vectors=query.vectors
        )
    data: dict[str, Any] = {
        "points": [_point(point, with_vector=query.vectors) for point in page],
        "size": None if found is None else found.size,
        "distance": None if found is None else found.distance.value,
        "next": following,
    }
    if query.count and query.cursor is None:
        data["count"] = 0 if found is None else points.count_points(found)
    return answer(data)


@router.post(
    "/sessions/{session_id}/points",
    summary="Put points into the vector collection, up to 1,000 of them",
    **documented({200: PutPointsAnswer}, 404, 409, writes=True, if_match=True),
)
@sees_to_its_key
def put_points(request: ApiRequest, session_id: str, form: PutPointsForm) -> HttpResponse:
    """All or none; each takes the place of the one that has its id. The first choose `size` and `distance`."""
    in_database = not qdrant.is_configured()  # nothing of the database is held while Qdrant works; twice harms nothing
    return once(request, lambda: _put(request, session_id, form), is_one_transaction=in_database)


def _put(request: ApiRequest, session_id: str, form: PutPointsForm) -> HttpResponse:
    found = points.put_points(
        actor=request.auth,
        session_id=session_id,
        points=[NewPoint(point.point_id, point.vector, point.payload or {}) for point in form.points],
        distance=Distance(form.distance) if form.distance else None,
        expected_version=expected_version(request),
    )
    kept = len({point.point_id for point in form.points})
    return answer({"upserted_points": kept, "size": found.size, "distance": found.distance.value})


@router.delete(
    "/sessions/{session_id}/points",
    summary="Remove points from the vector collection",
    **documented({200: RemovedPointsAnswer}, 404, 409, writes=True, if_match=True),
)
def remove_points(request: ApiRequest, session_id: str, form: RemovePointsForm) -> HttpResponse:
    """The answer tells how many of them were there."""
    removed = points.remove_points(
        actor=request.auth,
        session_id=session_id,
        point_ids=form.point_ids,
        expected_version=expected_version(request),
    )
    return answer({"removed_points": removed})


@router.post(
    "/sessions/{session_id}/points/search",
    summary="The points nearest to a vector",
    **documented({200: PointSearchAnswer}, 403, 404, 409, 411, 413, 415),
)
def search_points(request: ApiRequest, session_id: str, form: SearchPointsForm) -> HttpResponse:
    """The nearest first. A session without points has none; a vector of another size is 422."""
    found = collection_for_reading(request.auth, session_id)
    nearest = [] if found is None else points.search_points(found, vector=form.vector, limit=form.limit)
    return answer(
        {"results": [{"point_id": point.point_id, "score": point.score, "payload": point.payload} for point in nearest]}
    )


def _point(point: FoundPoint, *, with_vector: bool) -> dict[str, Any]:
    vector = orjson.Fragment(as_json(point.vector)) if with_vector else None
    return {"point_id": point.point_id, "payload": point.payload, "vector": vector}
