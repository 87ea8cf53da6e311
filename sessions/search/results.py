"""A page of results: ranked hits with their snippets, and where the next page starts."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

import orjson

from sessions.models.rows import Row
from sessions.models.session_filter import SessionFilter
from sessions.models.session_list import DEFAULT_SORT, count_sessions, decode_position, encode_position, list_sessions
from sessions.search import snippets
from sessions.search.finding import Bounds, Hit, Hits, find, find_sessions, read_texts
from sessions.search.query import Query
from sessions.search.whose import Whose

_NAME_FIELDS = ("id", "name", "status", "created_at", "pinned", "updated_at")


@dataclass(frozen=True, slots=True)
class Result:
    """A message, or a session found by its name (`index` and `role` None). Hits in `snippet` are between ⟦ and ⟧."""

    session_id: str
    session_name: str
    status: str
    index: int | None
    role: str | None
    created_at: datetime
    snippet: str
    score: float


@dataclass(frozen=True, slots=True)
class Results:
    """A page of results. `count` is how many there are altogether, at least so many unless `count_is_exact`."""

    results: Sequence[Result] = ()
    count: int = 0
    count_is_exact: bool = True
    next: bytes | None = None


class BadPlace(ValueError):
    """An `after` that isn't `next` of a page of the same kind of search."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page ends. What came after the first page was asked for is left out of all the others."""

    newest_message: int
    newest_name: int
    rank: tuple[float, int, int] = field(default=(-2.0, 0, 0))

    def encode(self) -> bytes:
        return orjson.dumps([self.newest_message, self.newest_name, *self.rank])

    @classmethod
    def decode(cls, data: bytes) -> "_Place":
        """Read what `encode` wrote. Raises BadPlace for anything else."""
        try:
            parts = orjson.loads(data)
        except orjson.JSONDecodeError:
            parts = None
        match parts:
            case [int(message), int(name), float(score), int(kind), int(number)] if _is_id(message) and _is_id(name):
                return cls(message, name, (score, kind, number))
        raise BadPlace


def _is_id(number: int) -> bool:
    return 0 <= number < 2**62


def search(
    query: Query, *, user_id: int, only_session: UUID | None = None, limit: int = 50, after: bytes | None = None
) -> Results:
    """Find what the user may see, or what is in `only_session` alone. `after` is `next` of the page before.

    Without a word to look for, filters list the sessions that they fit, the newest first. One's own
    trash is searched if `status:deleted` asks for it. Raises BadPlace.
    """
    whose = Whose(user_id, only_session)
    if query.statuses:
        whose = replace(whose, statuses=query.statuses)
    if not query.phrases:
        return _listed(query, whose, limit=limit, after=after)
    place = None if after is None else _Place.decode(after)
    newest = Bounds() if place is None else Bounds(place.newest_message, place.newest_name)
    messages, names = find(query, whose, newest)
    return _page(query, messages, names, place, limit)


def _page(query: Query, messages: Hits, names: Hits, place: _Place | None, limit: int) -> Results:
    ranked = sorted([*messages.hits, *names.hits], key=lambda hit: hit.rank)
    if place is None:
        place = _Place(messages.newest, names.newest)
    left = [hit for hit in ranked if hit.rank > place.rank]
    shown = left[:limit]
    texts = read_texts(shown, query)
    return Results(
        [_result(hit, texts.get(hit.id, ""), query) for hit in shown],
        len(ranked),
        messages.are_all and names.are_all,
        replace(place, rank=shown[-1].rank).encode() if len(left) > limit else None,
    )


def _result(hit: Hit, text: str, query: Query) -> Result:
    session = hit.session
    found = session["id"], session["name"], session["status"]
    if hit.is_name:
        return Result(*found, None, None, session["created_at"], snippets.marked(session["name"], query), hit.score)
    message = hit.message
    about = message["index"], message["role"], message["created_at"]
    return Result(*found, *about, snippets.snippet(text, query), hit.score)


def _listed(query: Query, whose: Whose, *, limit: int, after: bytes | None) -> Results:
    """Sessions that filters alone choose; nothing if there are none, or if they speak of messages."""
    if not query.has_filters or query.roles or query.without_roles or query.without:
        return Results()
    wanted = SessionFilter(whose.user_id, statuses=whose.statuses, only_session=whose.only_session, scope="all")
    wanted = _narrowed(wanted, query)
    try:
        place = None if after is None else decode_position(after, DEFAULT_SORT)
    except (ValueError, OverflowError) as error:
        raise BadPlace from error
    page = list_sessions(wanted, limit=limit, after=place, fields=_NAME_FIELDS)
    following = None if page.next is None else encode_position(page.next, DEFAULT_SORT)
    return Results([_listed_result(row) for row in page.rows], count_sessions(wanted), True, following)


def _listed_result(row: Row) -> Result:
    text = snippets.readable(row["name"])
    return Result(row["id"], row["name"], row["status"], None, None, row["created_at"], text, 0.0)


@dataclass(frozen=True, slots=True)
class Filtered:
    """A list's filter with a query taken in, and whether all sessions that match are among them."""

    wanted: SessionFilter
    is_exact: bool = True


def filter_by(query: Query, wanted: SessionFilter) -> Filtered:
    """Narrow a list to the sessions whose name or one of whose messages a search would find.

    Its words are looked for among the newest messages and names with the list's statuses.
    """
    if not query.phrases:
        return Filtered(_narrowed(wanted, query))
    whose = Whose(wanted.user_id, wanted.only_session, wanted.statuses, wanted.scope)
    tags = [*query.tags, *wanted.tags_all, *(wanted.tags_any if len(wanted.tags_any) == 1 else [])]
    query = replace(query, tags=tags)
    ids, are_all = find_sessions(query, whose)
    return Filtered(replace(wanted, matching=ids), are_all)


def _narrowed(wanted: SessionFilter, query: Query) -> SessionFilter:
    return replace(
        wanted,
        tags_all=[*wanted.tags_all, *query.tags],
        tags_none=query.without_tags,
        models=query.models,
        created_from=query.after,
        created_before=query.before,
    )
