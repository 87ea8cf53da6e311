"""Merging sessions in the browser: chosen in a list, put in order, looked at, then merged."""

from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any

from django.http import HttpResponse
from django.urls import reverse

from sessions.access import Actor
from sessions.exceptions import Invalid, NotAllowed, NotFound, SessionError
from sessions.htmx import PageRequest, go_to
from sessions.models import Session
from sessions.models.excerpts import read_excerpts
from sessions.operations.jobs.merging import is_long, merge_later
from sessions.operations.restructure.merging import (
    Order,
    merge_sessions,
    mergeable_sessions,
    merged_name,
    union_of_tags,
)
from sessions.storage.disk_use import sum_of
from sessions.views.errors import sentence_of, status_of
from sessions.views.page import page, render_page
from sessions.views.restructuring import EXCERPT, MessageLine, files_of, is_a_look, vectors_of
from sessions.views.toasts import toast
from sessions.views.words import amount

_LINES = 6


@page("GET", "POST")
def merge(request: PageRequest) -> HttpResponse:
    """The form, with what would come of it (`?id=` each source in its order); then the new session's page."""
    asked = request.POST if request.method == "POST" else request.GET
    sources = mergeable_sessions(Actor.of(request.user), _in_order(asked))
    context = _context(sources, asked)
    if is_a_look(request):
        return render_page(request, "sessions/merge.html", context)
    wanted: dict[str, Any] = {
        "actor": request.user,
        "source_session_ids": [source.pk for source in sources],
        "target_name": context["name"].strip(),
        "target_description": context["description"].strip(),
        "order": context["order"],
        "archive_sources": context["archive"],
        "vectors": context["vectors"],
    }
    try:
        ids, vectors = wanted["source_session_ids"], wanted["vectors"]
        if is_long(actor=request.user, source_session_ids=ids, vectors=vectors):
            return go_to(request, reverse("job", args=[merge_later(**wanted).pk]))
        made = merge_sessions(**wanted)
    except (NotFound, NotAllowed):
        raise
    except SessionError as error:
        context["problem"] = sentence_of(error)
        return render_page(request, "sessions/merge.html", context, status=status_of(error))
    toast(request, f"Merged {amount(len(sources), 'session')} into one.")
    return go_to(request, reverse("session_detail", args=[made.pk]))


def _in_order(asked: Any) -> list[str]:
    """The sources' ids, the one that `up` names one place further up."""
    ids = list(dict.fromkeys(asked.getlist("id")))
    up = asked.get("up")
    if up in ids[1:]:
        place = ids.index(up)
        ids[place - 1], ids[place] = ids[place], ids[place - 1]
    return ids


def _context(sources: Sequence[Session], asked: Any) -> dict[str, Any]:
    """What the form says, and the preview of it."""
    try:
        order = Order(asked.get("order") or Order.SEQUENCE)
    except ValueError:
        raise Invalid("Choose an order from the two that there are.") from None
    lines = _first_lines(sources, order)
    count = sum(source.message_count for source in sources)
    return {
        "sources": sources,
        "order": order,
        "name": asked.get("name") or merged_name(sources),
        "description": asked.get("description", ""),
        "archive": "archive" in asked or "name" not in asked,  # ticked until somebody sends the form without it
        "count": count,
        "lines": lines,
        "unseen": count - len(lines),
        **_vectors(sources, asked),
        "use": sum_of(files_of(source) for source in sources),
        "tags": union_of_tags([], sources),
        "here": "session_list",
    }


def _vectors(sources: Sequence[Session], asked: Any) -> dict[str, Any]:
    """How many vectors there are, and whether they are copied: at first if they fit into one collection."""
    found = [collection for source in sources if (collection := vectors_of(source))]
    fit = len({(collection.size, collection.distance) for collection in found}) < 2
    return {
        "points": sum(collection.point_count for collection in found),
        "point_bytes": sum(collection.bytes for collection in found),
        "vectors_fit": fit,
        "vectors": "vectors" in asked if "name" in asked else fit,
    }


def _first_lines(sources: Sequence[Session], order: Order) -> list[MessageLine]:
    """How the merged transcript begins; by time it begins with some of the first messages of the sources."""
    found: list[tuple[datetime, int, MessageLine]] = []
    for place, source in enumerate(sources):
        if order == Order.SEQUENCE and len(found) >= _LINES:
            break
        rows = read_excerpts(source.pk, limit=_LINES, longest=EXCERPT)
        times = accumulate((row.created_at for row in rows), max)
        found += [(at, place, MessageLine.of(row, source=source.name)) for at, row in zip(times, rows, strict=True)]
        if order == Order.SEQUENCE and len(rows) == _LINES < source.message_count:
            break
    if order == Order.TIME:
        found.sort(key=lambda line: line[:2])  # stable: within a source as they are
    return [line.numbered(index) for index, (_, _, line) in enumerate(found[:_LINES])]
