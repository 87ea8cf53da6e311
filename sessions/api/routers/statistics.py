"""Statistics of a session: counters, models, room."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone

from sessions.access import session_for_reading
from sessions.api.answers import answer
from sessions.api.auth import ApiRequest
from sessions.api.openapi import ApiRouter, documented
from sessions.api.preconditions import expected_version
from sessions.api.schemas.statistics import ModelUseForm, StatisticsAnswer, StatisticsForm
from sessions.models import Session
from sessions.models.processing_stats import COUNTERS
from sessions.models.statistics import read_statistics
from sessions.operations.statistics import add_statistics, note_model_use
from sessions.storage.disk_use import disk_use

router = ApiRouter(tags=["Statistics"])

_WRITE = documented({200: StatisticsAnswer}, 404, 409, writes=True, if_match=True)


@router.get(
    "/sessions/{session_id}/stats",
    summary="Read a session's statistics",
    **documented({200: StatisticsAnswer}, 404, 409),
)
def read_session_statistics(request: ApiRequest, session_id: str) -> HttpResponse:
    """Counters as they were reported; models, tokens, room and people as they are."""
    return _statistics(session_for_reading(request.auth, session_id))


@router.put("/sessions/{session_id}/stats", summary="Add to a session's counters", **_WRITE)
def add_session_statistics(request: ApiRequest, session_id: str, form: StatisticsForm) -> HttpResponse:
    """The numbers are added to those that are there, also when many add at once."""
    counts = {name: getattr(form, name) for name in COUNTERS if name in form.model_fields_set}
    session = add_statistics(
        actor=request.auth,
        session_id=session_id,
        counts=counts,
        last_processing_time=form.last_processing_time,
        expected_version=expected_version(request),
    )
    return _statistics(session)


@router.put("/sessions/{session_id}/model-usage", summary="Count one use of a model", **_WRITE)
def count_model_use(request: ApiRequest, session_id: str, form: ModelUseForm) -> HttpResponse:
    """Assistants' messages that name their model count by themselves: report what isn't in the transcript."""
    session = note_model_use(
        actor=request.auth,
        session_id=session_id,
        kind=form.model_type,
        name=form.model_name,
        expected_version=expected_version(request),
    )
    return _statistics(session)


def _statistics(session: Session) -> HttpResponse:
    found = read_statistics(session.pk)
    room = disk_use(session.pk)
    collection: dict[str, Any] | None = None
    if found.collection is not None:
        collection = {
            "name": f"session_{session.pk.hex}",
            "size": found.collection.size,
            "distance": found.collection.distance.value,
            "point_count": found.collection.point_count,
        }
    return answer(
        {
            "session_id": session.pk,
            **found.counters,
            "last_processing_time": found.last_processing_time,
            "model_usage": [
                {
                    "model_type": usage.kind,
                    "model_name": usage.name,
                    "uses": usage.uses,
                    "first_used_at": usage.first_used_at,
                    "last_used_at": usage.last_used_at,
                }
                for usage in found.usage
            ],
            "model_switches": found.switches,
            "message_count": session.message_count,
            "prompt_tokens": found.prompt_tokens,
            "answer_tokens": found.answer_tokens,
            "collection": collection,
            "age_days": (timezone.now() - session.created_at).days,
            "people": found.people,
            "disk_bytes": room.bytes,
            "disk_bytes_are_exact": room.is_whole,
            "vector_bytes": found.collection.bytes if found.collection else 0,
        }
    )
