"""The search page: hits grouped by session, the words marked, filters as chips."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse

from sessions.htmx import PageRequest, fragment, wants_fragment
from sessions.models import Role, Status
from sessions.search.query import Query
from sessions.search.results import Result, Results
from sessions.search.results import search as find
from sessions.views.page import page, render_page

PAGE_SIZE = 30
# What one may want to see alone: (key, value, what the chip says).
OFFERED = (
    ("role", Role.USER.value, "Questions"),
    ("role", Role.ASSISTANT.value, "Answers"),
    ("role", Role.TOOL.value, "Tool results"),
    ("status", Status.ARCHIVED.value, "Archived"),
    ("status", Status.DELETED.value, "Trash"),
)
_ROLES = {
    Role.USER.value: "Question",
    Role.ASSISTANT.value: "Answer",
    Role.TOOL.value: "Tool",
    Role.SYSTEM.value: "System prompt",
}
_PLACES = {Status.ARCHIVED.value: "archived", Status.DELETED.value: "in the trash"}
_MARKS = re.compile("[⟦⟧]")


@dataclass(frozen=True, slots=True)
class FilterChip:
    """A filter that holds, with the address without it; or one that is offered, with the address with it."""

    label: str
    address: str
    is_on: bool


@dataclass(frozen=True, slots=True)
class HitLine:
    """A message: its place, and its text in parts, every second of which is marked."""

    address: str
    number: int
    role: str
    at: datetime
    parts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Group:
    """Hits of one session that follow each other; its name in parts, as above."""

    session_id: str
    address: str
    name: Sequence[str]
    place: str
    at: datetime | None = None
    hits: list[HitLine] = field(default_factory=list)


@page("GET")
def search(request: PageRequest) -> HttpResponse:
    """`?q=` is the query, `?after=` where the page starts. Any text is a query."""
    query = Query.parse(request.GET.get("q") or "")
    found = _find(request, query)
    context: dict[str, Any] = {"query": query, "groups": list(_groups(found.results)), "more": _more(query, found)}
    if wants_fragment(request) and "after" in request.GET:
        return fragment(request, "sessions/_hits.html", context)
    context |= {"chips": list(_chips(query)), "found": found, "total": _total(found)}
    context["is_first"] = "after" not in request.GET
    return render_page(request, "sessions/search.html", context, here="search")


def _find(request: PageRequest, query: Query) -> Results:
    """The page that is asked for; the first one if the address can't be read."""
    after = request.GET.get("after") or ""
    try:
        place = urlsafe_b64decode(after + "=" * (-len(after) % 4)) if after else None
        return find(query, user_id=request.user.pk, limit=PAGE_SIZE, after=place)
    except ValueError:  # BadPlace among them
        return find(query, user_id=request.user.pk, limit=PAGE_SIZE)


def _address(q: str, **more: str) -> str:
    return f"{reverse('search')}?{urlencode({'q': q} | more)}"


def _more(query: Query, found: Results) -> str:
    if found.next is None:
        return ""
    return _address(query.text, after=urlsafe_b64encode(found.next).decode().rstrip("="))


def _total(found: Results) -> str:
    if found.count_is_exact and found.count == 1:
        return "1 result"
    return f"{found.count:,}{'' if found.count_is_exact else '+'} results"


def _chips(query: Query) -> Iterator[FilterChip]:
    known = {(key, value): label for key, value, label in OFFERED}
    held = [(chip.key, chip.value.lower()) for chip in query.chips]
    for chip, (key, value) in zip(query.chips, held, strict=True):
        yield FilterChip(
            known.get((key, value)) or f"{key.replace('-', 'not ')}: {chip.value}", _address(chip.rest), True
        )
    for key, value, label in OFFERED:
        if query.text and (key, value) not in held:
            yield FilterChip(label, _address(f"{query.text} {key}:{value}"), False)


def _groups(results: Sequence[Result]) -> Iterator[Group]:
    """The page's results under one heading a session; the session with the best one comes first."""
    by_session: dict[Any, list[Result]] = {}
    for result in results:
        by_session.setdefault(result.session_id, []).append(result)
    for session_id, (first, *others) in by_session.items():
        address = reverse("session_detail", args=[session_id])
        group = Group(session_id, address, [first.session_name], _PLACES.get(first.status, ""))
        hits = [_line(result, address) for result in (first, *others) if result.index is not None]
        names = [result for result in (first, *others) if result.index is None]
        if names:
            group = Group(session_id, address, _MARKS.split(names[0].snippet), group.place, names[0].created_at)
        group.hits.extend(hits)
        yield group


def _line(result: Result, address: str) -> HitLine:
    number = result.index or 0
    at = f"{address}?at={number}#m-{number}"
    return HitLine(at, number, _ROLES[result.role or ""], result.created_at, _MARKS.split(result.snippet))
