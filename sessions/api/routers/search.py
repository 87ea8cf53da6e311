"""Searching in messages and in the names of sessions."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from django.http import HttpResponse
from ninja import Query

from sessions.api.answers import answer
from sessions.api.auth import ApiRequest
from sessions.api.errors import invalid
from sessions.api.openapi import ApiRouter, documented
from sessions.api.schemas.search import SearchAnswer, SearchQuery
from sessions.search import query as language
from sessions.search.results import BadPlace, Result
from sessions.search.results import search as find

router = ApiRouter(tags=["Search"])


@router.get("/search", summary="Search in messages and in names of sessions", **documented({200: SearchAnswer}))
def search(request: ApiRequest, query: Query[SearchQuery]) -> HttpResponse:
    """Any text is a query. Ranked within the newest 1,000 messages and names that fit; the trash must be asked for."""
    actor = request.auth
    try:
        found = find(
            language.Query.parse(query.q),
            user_id=actor.user_id,
            only_session=actor.only_session,
            limit=query.limit,
            after=_place(query.cursor),
        )
    except BadPlace:
        raise invalid("cursor", "Give the text of `next` from the page before, of the same search.") from None
    return answer(
        {
            "results": [_result_answer(result) for result in found.results],
            "count": found.count,
            "count_is_exact": found.count_is_exact,
            "next": None if found.next is None else urlsafe_b64encode(found.next).decode().rstrip("="),
        }
    )


def _place(cursor: str | None) -> bytes | None:
    if cursor is None:
        return None
    try:
        return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError as error:
        raise BadPlace from error


def _result_answer(result: Result) -> dict[str, Any]:
    return {
        "session_id": result.session_id,
        "session_name": result.session_name,
        "index": result.index,
        "role": result.role,
        "created_at": result.created_at,
        "snippet": result.snippet,
        "score": result.score,
    }
