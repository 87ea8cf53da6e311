"""A part of a transcript as a page shows it: which messages, rendered, with the days between them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Literal

from django.urls import reverse
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.safestring import SafeString

from sessions.models import Revision, Role, Session
from sessions.models.excerpts import MessageExcerpt, read_excerpts, read_revision_excerpts
from sessions.rendering import markdown
from sessions.rendering.deadline import Allowance
from sessions.rendering.kept import kept
from sessions.rendering.text import Excerpt, clipped, count_lines, excerpt
from sessions.rendering.tool_calls import ToolCall, read_tool_calls
from sessions.views import times
from sessions.views.words import amount

PAGE = 50
LEAD = 6  # messages shown before the one that a permalink opens
_CHARACTERS = 300_000  # of all texts of a page
_BEGINNING = 20_000  # of a text that is too long to be rendered whole, and of what tools answered
_SECONDS = 2.0  # of processor time for rendering a page's texts
_LARGEST = 10**12  # stands for an index in an address
_SAME_TURN = (Role.ASSISTANT, Role.TOOL)


@dataclass(frozen=True, slots=True)
class Body:
    """A text rendered, or as it is where `html` is None; `part` says which of a message's texts it is."""

    part: str
    text: Excerpt
    html: SafeString | None = None

    @property
    def size(self) -> str:
        """How long the whole text is."""
        return amount(self.text.length, "character")


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message as `_message.html` shows it. `day` is set where a new day begins.

    `size` is what a folded message says of its length; `text_address` has its texts whole, and
    `edit_address` is empty where it can't be edited, `fork_address` where nothing goes on from it.
    """

    excerpt: MessageExcerpt
    who: str
    clock: str
    exact: str
    machine: str
    text_address: str
    edit_address: str = ""
    fork_address: str = ""
    day: str = ""
    continues: bool = False
    content: Body | None = None
    thinking: Body | None = None
    tool_calls: list[ToolCall] = field(default_factory=list)
    first_line: str = ""
    size: str = ""
    words_thought: str = ""
    tokens: str = ""


@dataclass(frozen=True, slots=True)
class TranscriptView:
    """Consecutive messages, the day that they begin on, and whether others come before and after them."""

    messages: list[MessageView] = field(default_factory=list)
    day: str = ""
    earlier: int | None = None
    later: int | None = None

    @property
    def last(self) -> int | None:
        """The index of the last message if it is the transcript's last too; -1 for an empty transcript."""
        if self.later is not None:
            return None
        return self.messages[-1].excerpt.index if self.messages else -1


def newest(session: Session, *, before: int | None = None, link: str = "") -> TranscriptView:
    """The last page of the transcript, or the page that ends before an index.

    With the secret of a public `link`, here and below, addresses are those that anybody may read.
    """
    rows = _read(session, before=before, order="desc")
    shown, _ = _affordable(rows[:PAGE])
    context = rows[len(shown)] if len(rows) > len(shown) else None
    return _view(session, shown[::-1], context, count=session.message_count, link=link)


def following(session: Session, *, after: int, link: str = "") -> TranscriptView:
    """The page that begins after an index; -1 is the transcript's first page."""
    rows = _read(session, after=after - 1)
    context = rows[0] if rows and rows[0].index == after else None
    shown, _ = _affordable(rows[1 if context else 0 :][:PAGE])
    return _view(session, shown, context, count=session.message_count, link=link)


def around(session: Session, *, at: int, link: str = "") -> TranscriptView:
    """A page with the message at an index, and some before it; near the end, the last page."""
    first = max(min(at - LEAD, session.message_count - PAGE), 0)
    rows = _read(session, after=first - 2)
    before = [row for row in rows if row.index < at]
    shown, left = _affordable(rows[len(before) :][: PAGE - (at - first)])
    lead, _ = _affordable(before[::-1][: at - first], left, at_least=0)
    context = before[-len(lead) - 1] if len(before) > len(lead) else None
    return _view(session, lead[::-1] + shown, context, count=session.message_count, link=link)


def single(session: Session, *, index: int) -> MessageView | None:
    """One message, rendered, with what `following` would know about its neighbour."""
    if index >= session.message_count:
        return None
    rows = _read(session, after=index - 2, limit=2)
    found = next((row for row in rows if row.index == index), None)
    if found is None:
        return None
    context = rows[0] if rows[0] is not found else None
    return _view(session, [found], context, count=session.message_count).messages[0]


def of_revision(session: Session, revision: Revision, *, after: int | None = None) -> TranscriptView:
    """A page of a revision's messages, read-only."""
    rows = read_revision_excerpts(revision, after=after, limit=PAGE, longest=markdown.LONGEST)
    shown, _ = _affordable(rows)
    count = revision.first_index + revision.message_count
    view = _view(session, shown, None, count=count, revision=revision.number)
    return TranscriptView(view.messages, view.day, None, view.later)


def _read(
    session: Session,
    *,
    after: int | None = None,
    before: int | None = None,
    order: Literal["asc", "desc"] = "asc",
    limit: int = PAGE + 1,
) -> list[MessageExcerpt]:
    """One row more than a page: the neighbour tells whether a new day begins and whether somebody goes on."""
    return read_excerpts(session.pk, after=after, before=before, order=order, limit=limit, longest=markdown.LONGEST)


def _affordable(
    rows: Sequence[MessageExcerpt], characters: int = _CHARACTERS, at_least: int = 1
) -> tuple[list[MessageExcerpt], int]:
    """The first rows whose texts fit into so many characters, and how many characters are left."""
    shown: list[MessageExcerpt] = []
    for row in rows:
        characters -= _cost(row)
        if characters < 0 and len(shown) >= at_least:
            break
        shown.append(row)
    return shown, max(characters, 0)


def _cost(row: MessageExcerpt) -> int:
    lengths = (_shown_length(row.content_length), _shown_length(row.thinking_length), row.tool_calls_length)
    return sum(min(length, markdown.LONGEST) for length in lengths)


def _shown_length(length: int) -> int:
    return length if length <= markdown.LONGEST else _BEGINNING


def _view(
    session: Session,
    rows: Sequence[MessageExcerpt],
    context: MessageExcerpt | None,
    *,
    count: int,
    revision: int | None = None,
    link: str = "",
) -> TranscriptView:
    if not rows:
        return TranscriptView()
    if link:
        text_address = _addresses("shared_text", link)
    elif revision is None:
        text_address = _addresses("message_text", session.pk)
    else:
        text_address = _addresses("revision_text", session.pk, revision)
    is_editable = session.takes_words and revision is None
    edit_address = _addresses("message_edit", session.pk) if is_editable else None
    goes_on = revision is None and not link and not session.in_trash
    fork = f"{reverse('session_fork', args=[session.pk])}?at=" if goes_on else ""
    builder = _Builder(_names_of_calls(rows), text_address, edit_address, fork)
    messages = []
    for row, before in zip(rows, [context, *rows], strict=False):
        messages.append(builder.message(row, before))
    first, last = rows[0].index, rows[-1].index
    day = "" if messages[0].day else day_name(rows[0].created_at)
    return TranscriptView(messages, day, first if first > 0 else None, last if last < count - 1 else None)


def _addresses(name: str, *args: object) -> Callable[[int], str]:
    """What `reverse` would say for any index, asked once a page instead of once a message."""
    before, _, after = reverse(name, args=[*args, _LARGEST]).rpartition(str(_LARGEST))
    return lambda index: f"{before}{index}{after}"


class _Builder:
    """Makes views of a page's messages; they share the time that rendering may take."""

    def __init__(
        self,
        call_names: dict[str, str],
        text_address: Callable[[int], str],
        edit_address: Callable[[int], str] | None,
        fork_address: str,
    ) -> None:
        self._allowance = Allowance(_SECONDS)
        self._call_names = call_names
        self._text_address = text_address
        self._edit_address = edit_address
        self._fork_address = fork_address

    def message(self, row: MessageExcerpt, before: MessageExcerpt | None) -> MessageView:
        """The view of one message that comes after another, or after none."""
        is_tool = row.role == Role.TOOL
        local = timezone.localtime(row.created_at)
        new_day = row.index == 0 if before is None else _day(before) != local.date()
        return MessageView(
            excerpt=row,
            who=self._who(row),
            clock=f"{local:%H:%M}",
            exact=f"{_date(local.date())}, {local:%H:%M}",
            machine=times.machine(row.created_at),
            text_address=self._text_address(row.index),
            day=day_name(row.created_at) if new_day else "",
            continues=before is not None and not new_day and _is_same_turn(before, row),
            content=self._content(row),
            thinking=self._thinking(row),
            tool_calls=read_tool_calls(row.tool_calls),
            first_line=clipped(row.content, 120) if is_tool else "",
            size=_size(row),
            words_thought=amount(len(row.thinking.split()), "word") if row.thinking else "",
            tokens=amount(row.eval_count, "token") if row.eval_count is not None else "",
            edit_address=self._edit_address(row.index) if self._edit_address and row.role == Role.USER else "",
            fork_address=f"{self._fork_address}{row.index}" if self._fork_address else "",
        )

    def _who(self, row: MessageExcerpt) -> str:
        if row.role == Role.TOOL:
            return row.tool_name or self._call_names.get(row.tool_call_id, "") or "Tool"
        if row.role == Role.USER:
            return row.author or "User"
        return "Assistant" if row.role == Role.ASSISTANT else "System prompt"

    def _content(self, row: MessageExcerpt) -> Body | None:
        if not row.content.strip():
            return None
        if row.role == Role.TOOL:
            return Body("content", excerpt(row.content, longest=_BEGINNING, length=row.content_length))
        return self._body("content", row.content, row.content_length, breaks=row.role == Role.USER)

    def _thinking(self, row: MessageExcerpt) -> Body | None:
        return self._body("thinking", row.thinking, row.thinking_length) if row.thinking.strip() else None

    def _body(self, part: str, text: str, length: int, *, breaks: bool = False) -> Body:
        longest = markdown.LONGEST if length <= markdown.LONGEST else _BEGINNING
        shown = excerpt(text, longest=longest, length=length)
        return Body(part, shown, kept.html(shown.shown, breaks=breaks, allowance=self._allowance))


def _size(row: MessageExcerpt) -> str:
    """A tool's answer is told in lines, unless it is cut; a prompt in characters."""
    if not row.content_length:
        return "nothing"
    if row.role == Role.TOOL and row.content_length == len(row.content):
        return amount(count_lines(row.content), "line")
    return amount(row.content_length, "character")


def _names_of_calls(rows: Iterable[MessageExcerpt]) -> dict[str, str]:
    calls = (call for row in rows for call in read_tool_calls(row.tool_calls))
    return {call.call_id: call.name for call in calls if call.call_id}


def _is_same_turn(before: MessageExcerpt, row: MessageExcerpt) -> bool:
    """Whether an assistant goes on: its header would only repeat who speaks."""
    if row.role == Role.TOOL:
        return before.role in _SAME_TURN
    return row.role == Role.ASSISTANT and before.role in _SAME_TURN and (before.model == row.model or not before.model)


@lru_cache(maxsize=400)
def _date(day: date) -> str:
    return format_date(day, "j M Y")


def _day(row: MessageExcerpt) -> date:
    return timezone.localtime(row.created_at).date()


def day_name(value: datetime, now: datetime | None = None) -> str:
    """A day as a divider says it: `Friday, 20 November`, with the year if it isn't this one."""
    local, today = timezone.localtime(value), timezone.localtime(now or timezone.now())
    return format_date(local, "l, j F" if local.year == today.year else "l, j F Y")
