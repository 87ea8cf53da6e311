"""Splitting a session in the browser."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse

from sessions.access import Actor, session_for_owning
from sessions.exceptions import FileNotFound, Impossible, NotAllowed, SessionError, SessionNotFound, StorageError
from sessions.htmx import PageRequest, go_to
from sessions.models import Session
from sessions.models.vector_rows import Collection
from sessions.operations.jobs.splitting import is_long, split_later
from sessions.operations.restructure.making import shortened
from sessions.operations.restructure.splitting import MAX_PARTS, Part, ranges_of, split_session
from sessions.storage.directory import list_directory
from sessions.storage.files import Entry
from sessions.storage.workspaces import CONTENT
from sessions.views.errors import sentence_of, status_of
from sessions.views.page import page, render_page
from sessions.views.restructuring import MessageLine, ends_of, is_a_look, number_of, vectors_of
from sessions.views.session_points import count_chosen, read_chosen
from sessions.views.toasts import toast
from sessions.views.words import amount

_FILES_SHOWN = 50
_RANGE = re.compile(r"#?(\d{1,9})(?:\s*[-–]\s*#?(\d{1,9}))?")


@dataclass(slots=True)
class PartView:
    """A part as the form has it, and what would come of it."""

    number: int
    name: str
    messages: str
    files: Sequence[str] = ()
    points: str = ""
    point_count: int = 0
    count: int = 0
    first: Sequence[MessageLine] = ()
    last: Sequence[MessageLine] = ()
    problem: str = ""
    ranges: Sequence[tuple[int, int]] = field(default_factory=list)
    point_ids: Sequence[int | UUID] = ()

    @property
    def part(self) -> Part:
        """The part as the operation takes it."""
        return Part(self.name.strip(), message_ranges=self.ranges, files=self.files, point_ids=self.point_ids)


@page("GET", "POST")
def split(request: PageRequest, session_id: str) -> HttpResponse:
    """The form, with what would come of each part; then back to the session, whose lineage leads to the parts.

    `?at=` is the first message of the second part. Another look at the preview is a POST that says so.
    """
    session = session_for_owning(Actor.of(request.user), session_id)
    asked = request.POST if request.method == "POST" else request.GET
    collection = vectors_of(session)
    parts = _parts(session, asked, collection)
    context: dict[str, Any] = {
        "session": session,
        "parts": parts,
        "entries": _entries(session),
        "collection": collection,
        "archive": "archive" in asked,
        "remove_points": "remove_points" in asked or "name" not in asked,
        "may_add": len(parts) < MAX_PARTS,
        "back": reverse("session_detail", args=[session.pk]),
    }
    if is_a_look(request) or any(part.problem for part in parts):
        return render_page(request, "sessions/split.html", context, status=200 if is_a_look(request) else 422)
    try:
        if collection:
            for part in parts:
                part.point_ids = read_chosen(part.points, collection)
        what: dict[str, Any] = {"actor": request.user, "session_id": session.pk}
        what["parts"] = [part.part for part in parts]
        then = {"archive_original": context["archive"], "remove_points": context["remove_points"]}
        if is_long(**what):
            return go_to(request, reverse("job", args=[split_later(**what, **then).pk]))
        made = split_session(**what, **then)
    except (SessionNotFound, NotAllowed):
        raise
    except SessionError as error:
        context["problem"] = sentence_of(error)
        return render_page(request, "sessions/split.html", context, status=status_of(error))
    toast(request, f"Split into {amount(len(made.sessions), 'session')}.")
    return go_to(request, context["back"])


def _parts(session: Session, asked: Any, collection: Collection | None) -> list[PartView]:
    names, ranges = asked.getlist("name"), asked.getlist("messages")
    if not names:
        return [_looked_at(session, part, collection) for part in _halves(session, asked.get("at", ""))]
    if "add" in asked:
        names, ranges = [*names, _name(session, len(names) + 1)], [*ranges, ""]
    drop = number_of(asked.get("drop", ""), most=MAX_PARTS)
    parts = [
        PartView(number, name, text, asked.getlist(f"files-{number}"), asked.get(f"points-{number}", ""))
        for number, (name, text) in enumerate(zip(names, ranges, strict=False))
        if number != drop or len(names) == 1
    ]
    for number, part in enumerate(parts):
        part.number = number
    return [_looked_at(session, part, collection) for part in parts[:MAX_PARTS]]


def _halves(session: Session, at: str) -> list[PartView]:
    """Two parts that meet at a message, in the middle if nobody says where; all files are in the first."""
    count = session.message_count
    middle = number_of(at, most=count - 1) if at else count // 2
    middle = min(max(middle or 0, min(count, 1)), max(count - 1, 0))
    files = [entry.path for entry in _entries(session)]
    return [
        PartView(0, _name(session, 1), _range_text(0, middle - 1), files),
        PartView(1, _name(session, 2), _range_text(middle, count - 1)),
    ]


def _name(session: Session, number: int) -> str:
    return shortened(session.name, f" ({number})")


def _range_text(first: int, last: int) -> str:
    return "" if last < first else str(first) if first == last else f"{first}-{last}"


def _looked_at(session: Session, part: PartView, collection: Collection | None) -> PartView:
    """The part with what would come of it, or with what is wrong about it."""
    try:
        part.ranges = _read_ranges(part.messages)
        part.ranges = ranges_of(part.part, session)
        if collection:
            part.point_count = count_chosen(part.points, collection)
    except SessionError as error:
        part.problem = sentence_of(error)
        return part
    if not part.ranges and not part.files and not part.point_count:
        part.problem = "Give it messages, files or vectors." if collection else "Give it messages or files."
    part.count = sum(last - first + 1 for first, last in part.ranges)
    if part.ranges:
        part.first, _ = ends_of(session, part.ranges[0][1] - part.ranges[0][0] + 1, first=part.ranges[0][0], most=1)
    if part.count > 1:
        part.last, _ = ends_of(session, 1, first=part.ranges[-1][1], most=1)
    return part


def _read_ranges(text: str) -> list[tuple[int, int]]:
    """`0-11, 20, 25-30` as pairs. Raises Impossible for anything else."""
    ranges = []
    for piece in filter(None, (piece.strip() for piece in text.split(","))):
        found = _RANGE.fullmatch(piece)
        if found is None:
            raise Impossible(f"“{piece[:40]}” is no range of messages. Write them as 0-11, 20, 25-30.")
        ranges.append((int(found[1]), int(found[2] or found[1])))
    return ranges


def _entries(session: Session) -> list[Entry]:
    """What is in `content/`, to be chosen from."""
    with suppress(FileNotFound, StorageError):
        return list_directory(session.pk, (CONTENT,), most=_FILES_SHOWN).entries
    return []
