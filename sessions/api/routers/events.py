"""What happened: the history of one session, and a feed of all changes that the caller may see."""

from typing import Any

from django.http import HttpResponse
from ninja import Query

from sessions import access
from sessions.api.answers import answer
from sessions.api.auth import ApiRequest
from sessions.api.errors import invalid
from sessions.api.openapi import ApiRouter, documented
from sessions.api.schemas.events import FeedAnswer, FeedQuery, HistoryAnswer, HistoryQuery
from sessions.api.waiting import wait_for
from sessions.models.event_feed import place_of, read_feed, read_history
from sessions.models.rows import Row

router = ApiRouter(tags=["History"])
_LARGEST = 2**63 - 1


@router.get(
    "/sessions/{session_id}/events",
    summary="The history of a session, the newest first",
    **documented({200: HistoryAnswer}, 404, 409),
)
def session_events(request: ApiRequest, session_id: str, query: Query[HistoryQuery]) -> HttpResponse:
    """In the trash too. Once a session is deleted for ever, its owner still reads its history under its whole id."""
    found_id = access.history_for_reading(request.auth, session_id)
    rows = read_history(found_id, limit=query.limit + 1, before=_number(query.cursor))
    page = rows[: query.limit]
    more = str(page[-1]["id"]) if len(rows) > len(page) else None
    return answer({"events": [_event(row) for row in page], "next": more})


@router.get("/events", summary="What has changed, in everything that you may see", **documented({200: FeedAnswer}))
def events(request: ApiRequest, query: Query[FeedQuery]) -> HttpResponse:
    """Call it with `after` from the answer before, and with `wait` to be answered as soon as something happens.

    Nothing is left out and nothing comes twice, however many write at once. Without `after` it is the newest
    events, to start from. Few callers may wait at a time; the others are answered at once: pause before asking again
    where `events` is empty.
    """
    actor = request.auth
    after = None
    if query.after is not None:
        after = place_of(query.after)
        if after is None:
            raise invalid("after", "There is no such event. Give `next` of the answer before, or 0.")

    def look() -> list[Row]:
        return read_feed(actor.user_id, limit=query.limit, after=after, only_session=actor.only_session)

    rows = wait_for(look, seconds=query.wait, actor=actor, environ=request.META)
    return answer({"events": [_event(row) for row in rows], "next": rows[-1]["id"] if rows else query.after or 0})


def _event(row: Row) -> dict[str, Any]:
    return {
        "event_id": row["id"],
        "session_id": row["session_id"],
        "verb": row["verb"],
        "actor": row["actor_name"],
        "at": row["at"],
        "detail": row["detail"],
    }


def _number(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 20 and int(cursor) <= _LARGEST):
        raise invalid("cursor", "Give the text of `next` from the page before.")
    return int(cursor)
