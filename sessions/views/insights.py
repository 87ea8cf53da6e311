"""Insights: messages and tokens a day, models, sessions by status, room on the disk. One's own sessions."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.template.defaultfilters import filesizeformat
from django.urls import reverse

from sessions.access import Actor, visible_sessions
from sessions.htmx import PageRequest, go_to
from sessions.models import SessionCount, Status
from sessions.operations.insights import read_insights
from sessions.operations.jobs.counting import count_later, counting_job
from sessions.views.charts import Bar, bars, columns
from sessions.views.page import page, render_page
from sessions.views.words import amount

_PLACES = ((Status.ACTIVE, "session_list"), (Status.ARCHIVED, "archived_sessions"), (Status.DELETED, "trash"))


@page("GET", "POST")
def insights(request: PageRequest) -> HttpResponse:
    """The charts, or asking the worker to count anew."""
    if request.method == "POST":
        return go_to(request, reverse("job", args=[count_later(actor=request.user).pk]))
    found = read_insights(request.user)
    is_kept = found.data is None or not found._state.adding  # else it was counted for this page
    job = counting_job(request.user) if is_kept else None
    context: dict[str, Any] = {"found": found, "is_kept": is_kept, "statuses": _statuses(request), "job": job}
    if found.data is not None:
        context |= _charts(request, found.data)
    return render_page(request, "sessions/insights.html", context, here="insights")


def _charts(request: PageRequest, data: Mapping[str, Any]) -> dict[str, Any]:
    days = data["days"]
    return {
        "charts": [
            columns("Messages a day", "message", [(day, messages) for day, messages, _, _ in days]),
            columns("Tokens a day", "token", [(day, read + written) for day, _, read, written in days]),
        ],
        "models": bars((name, uses, amount(uses, "answer"), "") for name, uses in data["models"]),
        "disk": _disk(request, data["disk"]),
        "measured": data["measured"],
    }


def _statuses(request: PageRequest) -> list[Bar]:
    counts = [
        (status.label, SessionCount.objects.sessions(request.user.pk, [status]), reverse(place))
        for status, place in _PLACES
    ]
    return bars((label, count, amount(count, "session"), address) for label, count, address in counts)


def _disk(request: PageRequest, sizes: list[tuple[str, int]]) -> list[Bar]:
    """The largest workspaces of sessions that are still the reader's to see."""
    visible = visible_sessions(Actor.of(request.user)).filter(pk__in=[UUID(session_id) for session_id, _ in sizes])
    names = {str(pk): name for pk, name in visible.values_list("pk", "name")}
    return bars(
        (names[session_id], size, filesizeformat(size), reverse("session_detail", args=[session_id]))
        for session_id, size in sizes
        if session_id in names
    )
