"""Telling sessions apart."""

from collections import Counter
from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Query

from sessions import access
from sessions.api.answers import answer, session_id_of
from sessions.api.auth import ApiRequest
from sessions.api.openapi import ApiRouter, documented
from sessions.api.schemas.comparison import ComparedIds, ComparisonAnswer
from sessions.exceptions import Impossible
from sessions.models.comparison import Contents, contents_of, first_difference_of
from sessions.models.rows import Row

router = ApiRouter(tags=["Sessions"])


@router.get(
    "/sessions/compare",
    summary="Compare sessions: what they hold, and where their transcripts part",
    operation_id="compare_sessions",
    **documented({200: ComparisonAnswer}, 404, 409),
)
def compare(request: ApiRequest, session_ids: Annotated[ComparedIds | None, Query(None)]) -> HttpResponse:
    """Ids with commas between them, 2 to 50. `first_difference` is the first index at which not all say the same.

    A transcript that ends earlier differs there. Texts are compared, not times, authors and origins.
    """
    names = [name.strip() for name in (session_ids or "").split(",")]
    if len(names) < 2:
        raise Impossible("Comparing takes two sessions or more.")
    rows = access.session_rows_for_reading(request.auth, names)
    ids = [session_id_of(row) for row in rows]
    if len(set(ids)) < len(ids):
        raise Impossible("One of the sessions is named twice. Name each once.")
    contents = contents_of(ids)
    data = {
        "sessions": [_compared(row, contents[pk]) for row, pk in zip(rows, ids, strict=True)],
        "first_difference": first_difference_of(ids, [row["message_count"] for row in rows]),
        "summary": {
            "session_count": len(rows),
            "message_count": sum(row["message_count"] for row in rows),
            "status_distribution": dict(Counter(row["status"] for row in rows)),
            "common_models": _common([_models(row, contents[pk]) for row, pk in zip(rows, ids, strict=True)]),
            "common_tags": _common([set(row["tags"]) for row in rows]),
        },
    }
    return answer(data)


def _compared(row: Row, contents: Contents) -> dict[str, Any]:
    copied = ("name", "status", "tags", "message_count", "created_at", "updated_at", "last_accessed")
    return {
        "session_id": row["id"],
        **{name: row[name] for name in copied},
        "model": row["model"] or None,
        "statistics": {
            "messages": contents.messages,
            "prompt_tokens": contents.tokens_read,
            "answer_tokens": contents.tokens_written,
        },
        "model_usage": [
            {"model_name": name, "uses": uses, "answer_tokens": tokens}
            for name, (uses, tokens) in contents.models.items()
        ],
    }


def _models(row: Row, contents: Contents) -> set[str]:
    return {*contents.models, row["model"]} - {""}


def _common(sets: list[set[str]]) -> list[str]:
    return sorted(set.intersection(*sets))
