"""The fleet: every run that goes, those that need somebody first."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zlib import crc32

import orjson
from django.conf import settings
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from sessions.htmx import PageRequest, wants_fragment
from sessions.models import fleet as rows
from sessions.models.rows import Row
from sessions.rendering.text import clipped
from sessions.views.page import page, render_page
from sessions.views.run_view import span_of

PAGE_SIZE = 50
_WORDS = {
    rows.WAITING: ("Needs an answer", "warn"),
    rows.FAILED: ("Failed", "bad"),
    rows.SILENT: ("Silent", "warn"),
    rows.GOING: ("Going", ""),
}
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class FleetRow:
    """A run in the fleet. `said` is what somebody should know: the question, the error, or the task at hand."""

    name: str
    address: str
    word: str
    tone: str
    phase: str
    tasks: int
    done: int
    said: str
    heartbeat_at: datetime
    silent: str


@page("GET")
def fleet(request: PageRequest) -> HttpResponse:
    """One page of the fleet. `?seen=` is what a page that polls has: 204 if that is still so, else the list anew."""
    after = _position(request.GET.get("after", ""))
    now = timezone.now()
    found = rows.read_fleet(
        request.user.pk, silent_before=now - settings.RUN_SILENT_AFTER, limit=PAGE_SIZE, after=after
    )
    context: dict[str, Any] = {
        "rows": [_row(row, now) for row in found.rows],
        "more": f"{reverse('fleet')}?after={_encoded(found.next)}" if found.next else "",
        "after": request.GET.get("after", "") if after else "",
    }
    seen = f"{crc32(render_to_string('sessions/_fleet_rows.html', context).encode()):x}"
    if not wants_fragment(request):
        return render_page(request, "sessions/fleet.html", context | {"seen": seen}, here="fleet")
    if seen == request.GET.get("seen"):
        return HttpResponse(status=204)
    return HttpResponse(render_to_string("sessions/_fleet.html", context | {"seen": seen}))


def _row(row: Row, now: datetime) -> FleetRow:
    word, tone = _WORDS[row["group"]]
    quiet: timedelta = now - row["heartbeat_at"]
    said = row["question"] or (row["failure_reason"] or row["error"] if row["group"] == rows.FAILED else row["task"])
    return FleetRow(
        name=row["name"],
        address=f"{reverse('session_detail', args=[row['session_id']])}#run",
        word=word,
        tone=tone,
        phase=row["phase"].replace("_", " "),
        tasks=row["tasks"],
        done=row["done"],
        said=clipped(said or row["error"] or "", _LONGEST),
        heartbeat_at=row["heartbeat_at"],
        silent=span_of(quiet) if row["group"] == rows.SILENT else "",
    )


def _encoded(position: rows.FleetPosition) -> str:
    data = orjson.dumps([position.group, position.heartbeat_at, position.session_id], option=orjson.OPT_UTC_Z)
    return urlsafe_b64encode(data).decode().rstrip("=")


def _position(text: str) -> rows.FleetPosition | None:
    """Read what `_encoded` wrote; None, the first page, for anything else."""
    try:
        group, heartbeat, session_id = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        at = datetime.fromisoformat(heartbeat)
        is_one = group in _WORDS and at.tzinfo is not None
        return rows.FleetPosition(group, at, UUID(session_id)) if is_one else None
    except (ValueError, TypeError, AttributeError):
        return None
