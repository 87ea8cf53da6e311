"""Two sessions side by side: what is equal is folded, whatever their length a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse

from sessions.access import Actor, session_for_reading
from sessions.exceptions import FileNotFound, Impossible, StorageError
from sessions.htmx import PageRequest
from sessions.models import Session
from sessions.models.comparison import Contents, contents_of, equal_from, first_difference
from sessions.models.excerpts import MessageExcerpt, read_excerpts_at
from sessions.operations.tags import tags_of
from sessions.rendering.text import Excerpt, excerpt
from sessions.storage.directory import list_directory
from sessions.storage.files import Entry
from sessions.storage.workspaces import CONTENT
from sessions.views.page import page, render_page
from sessions.views.session_page import number

ROWS = 30
_WINDOW = 400  # messages compared at once
_WINDOWS = 4
_LONGEST = 2_000
_MOST_FILES = 200


@dataclass(frozen=True, slots=True)
class Side:
    """A message on one side."""

    message: MessageExcerpt
    text: Excerpt
    address: str


@dataclass(frozen=True, slots=True)
class Line:
    """Equal messages from `first` to `last`, folded, or one index with what both sides say."""

    first: int
    last: int
    is_equal: bool
    left: Side | None = None
    right: Side | None = None

    @property
    def count(self) -> int:
        """How many messages it stands for."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class FileLine:
    """A file and its size on both sides; None where it isn't."""

    path: str
    left: int | None
    right: int | None

    @property
    def word(self) -> str:
        """How the two compare, as far as sizes tell."""
        if self.left is None or self.right is None:
            return "only here"
        return "same size" if self.left == self.right else "another size"


@page("GET")
def compare(request: PageRequest) -> HttpResponse:
    """Sessions `?a=` and `?b=`, from message `?from=` on; `?whole=1` folds nothing."""
    actor = Actor.of(request.user)
    if not (request.GET.get("a") and request.GET.get("b")):
        raise Impossible("Comparing takes two sessions. Tick two in a list, and press Compare.")
    one, other = (session_for_reading(actor, request.GET[name], include_deleted=True) for name in ("a", "b"))
    start = max(number(request.GET.get("from")) or 0, 0)
    is_whole = "whole" in request.GET
    lines, following = _lines(one, other, start, is_whole=is_whole)
    contents = contents_of([one.pk, other.pk])
    context = {
        "one": one,
        "other": other,
        "lines": _with_texts(one, other, lines),
        "start": start,
        "is_whole": is_whole,
        "more": _address(one, other, following, is_whole=is_whole) if following is not None else "",
        "whole_address": _address(one, other, start, is_whole=not is_whole),
        "beginning": _address(one, other, 0, is_whole=is_whole),
        "swapped": _address(other, one, start, is_whole=is_whole),
        "base_address": _address(one, other, None, is_whole=True),
        "figures": _figures((one, contents[one.pk]), (other, contents[other.pk])),
        "files": _files(one, other),
    }
    return render_page(request, "sessions/compare.html", context)


def _lines(one: Session, other: Session, start: int, *, is_whole: bool) -> tuple[list[Line], int | None]:
    """The lines of a page, and where the next one begins; None after the last."""
    shared, longest = sorted((one.message_count, other.message_count))
    lines: list[Line] = []
    at, rows, windows = start, 0, 0
    while at < shared and rows < ROWS and windows < _WINDOWS:
        windows += 1
        for is_equal in equal_from(one.pk, other.pk, start=at, limit=min(_WINDOW, shared - at)):
            if rows == ROWS:
                break
            if is_equal and not is_whole:
                _fold(lines, at, at)
            else:
                lines.append(Line(at, at, is_equal))
                rows += 1
            at += 1
        if lines and lines[-1].is_equal and not is_whole and rows < ROWS and at < shared:
            difference = first_difference(one.pk, other.pk, start=at)
            end = shared if difference is None else difference
            if end > at:
                _fold(lines, at, end - 1)
            at = end
    while shared <= at < longest and rows < ROWS:
        lines.append(Line(at, at, is_equal=False))
        at, rows = at + 1, rows + 1
    return lines, at if at < longest else None


def _fold(lines: list[Line], first: int, last: int) -> None:
    """Add equal messages, to the ones before if these are folded already."""
    if lines and lines[-1].is_equal and lines[-1].last == first - 1:
        lines[-1] = Line(lines[-1].first, last, is_equal=True)
    else:
        lines.append(Line(first, last, is_equal=True))


def _with_texts(one: Session, other: Session, lines: Sequence[Line]) -> list[Line]:
    wanted = [line.first for line in lines if line.count == 1]
    left, right = (_sides(session, wanted) for session in (one, other))
    return [
        Line(line.first, line.last, line.is_equal, left.get(line.first), right.get(line.first))
        if line.count == 1
        else line
        for line in lines
    ]


def _sides(session: Session, indexes: Sequence[int]) -> dict[int, Side]:
    page = reverse("session_detail", args=[session.pk])
    return {
        row.index: Side(
            row,
            excerpt(row.content or row.thinking, longest=_LONGEST, length=row.content_length or row.thinking_length),
            f"{page}?at={row.index}#m-{row.index}",
        )
        for row in read_excerpts_at(session.pk, indexes, longest=_LONGEST + 1)
    }


def _address(one: Session, other: Session, start: int | None, *, is_whole: bool) -> str:
    parameters: dict[str, Any] = {"a": one.short_id, "b": other.short_id}
    if is_whole:
        parameters["whole"] = 1
    if start:
        parameters["from"] = start
    return f"{reverse('compare')}?{urlencode(parameters)}"


def _figures(*sides: tuple[Session, Contents]) -> list[tuple[str, list[Any]]]:
    """(what, its value on each side) for the table under the transcripts."""

    def each(value: Any) -> list[Any]:
        return [value(session, contents) for session, contents in sides]

    return [
        ("Messages", each(lambda session, _: session.message_count)),
        *(
            (label, each(lambda _, contents, role=role: contents.messages.get(role, 0)))
            for role, label in (("user", "of users"), ("assistant", "of assistants"), ("tool", "of tools"))
        ),
        ("Tokens read", each(lambda _, contents: contents.tokens_read)),
        ("Tokens written", each(lambda _, contents: contents.tokens_written)),
        ("Models", each(lambda _, contents: ", ".join(contents.models) or "–")),
        ("Tags", each(lambda session, _: ", ".join(tags_of(session)) or "–")),
        ("Status", each(lambda session, _: session.get_status_display())),
    ]


def _files(one: Session, other: Session) -> list[FileLine]:
    """The files in `content/` of both by path, as far as they are looked at."""
    left, right = ({entry.path: entry.size for entry in _content(session)} for session in (one, other))
    return [FileLine(path, left.get(path), right.get(path)) for path in sorted({*left, *right})[:_MOST_FILES]]


def _content(session: Session) -> list[Entry]:
    files: list[Entry] = []
    waiting: list[tuple[str, ...]] = [] if session.in_trash else [(CONTENT,)]
    while waiting and len(files) < _MOST_FILES:
        names = waiting.pop()
        try:
            entries = list_directory(session.pk, names, most=_MOST_FILES).entries
        except (FileNotFound, StorageError):
            continue
        files += [entry for entry in entries if not entry.is_directory]
        waiting += [(*names, entry.name) for entry in entries if entry.is_directory]
    return files
