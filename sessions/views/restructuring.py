"""Forks, merges and splits in the browser: what would come of it stands on the page before anything is written."""

from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django_htmx.http import reswap, retarget

from sessions.htmx import PageRequest, fragment, wants_fragment
from sessions.models import Session
from sessions.models.excerpts import MessageExcerpt, read_excerpts
from sessions.models.vector_rows import Collection, read_collection
from sessions.rendering.text import clipped
from sessions.storage.disk_use import DiskUse, disk_use
from sessions.views.page import render_page

OUTCOME = "outcome"  # the id of the preview, which follows what is typed
EXCERPT = 400  # characters read of a message for its line
_LINE = 120
_LOOKS = ("preview", "up", "add", "drop")


@dataclass(frozen=True, slots=True)
class MessageLine:
    """One message in a line: its number, who speaks, how it begins."""

    index: int
    role: str
    text: str
    at: Any = None
    source: str = ""

    @classmethod
    def of(cls, row: MessageExcerpt, *, index: int | None = None, source: str = "") -> "MessageLine":
        """The line of a message, under another number if it gets one."""
        text = clipped(row.content.strip() or row.thinking.strip(), _LINE) or "…"
        return cls(row.index if index is None else index, row.role, text, row.created_at, source)

    def numbered(self, index: int) -> "MessageLine":
        """The same line under another number."""
        return replace(self, index=index)


def is_a_look(request: PageRequest) -> bool:
    """Whether only the preview is asked for: a GET, or a button of the form that writes nothing."""
    return request.method != "POST" or any(name in request.POST for name in _LOOKS)


def ends_of(
    session: Session, count: int, *, first: int = 0, most: int = 2
) -> tuple[list[MessageLine], list[MessageLine]]:
    """The first and the last lines of `count` messages from an index on, without repeating any."""
    head = read_excerpts(session.pk, after=first - 1, before=first + count, limit=most, longest=EXCERPT)
    shown = first + len(head)
    tail = read_excerpts(session.pk, after=shown - 1, before=first + count, order="desc", limit=most, longest=EXCERPT)
    return [MessageLine.of(row) for row in head], [MessageLine.of(row) for row in tail[::-1]]


def files_of(session: Session) -> DiskUse:
    """What would be copied of a session's workspace."""
    return disk_use(session.pk, with_index=False)


def vectors_of(session: Session) -> Collection | None:
    """The vectors that would be copied; None without any."""
    found = read_collection(session.pk)
    return found if found and found.point_count else None


def show(
    request: PageRequest, template: str, context: dict[str, Any], *, status: int = 200, back: Session | None = None
) -> HttpResponse:
    """The form with its preview: in the page's dialog, as the preview alone, or as a page."""
    address = reverse("session_detail", args=[back.pk]) if back else reverse("session_list")
    context |= {"back": address, "here": ""}
    if not wants_fragment(request):
        return render_page(request, template, context | {"base": "sessions/restructure_page.html"}, status=status)
    response = fragment(request, template, context | {"base": "sessions/restructure_dialog.html"}, status)
    if request.htmx.target == OUTCOME:
        return response
    return reswap(retarget(response, "#dialog"), "innerHTML")


def number_of(text: str, *, most: int) -> int | None:
    """A whole number from 0 to `most` as people type it; None for anything else."""
    text = text.strip().removeprefix("#")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= most else None
