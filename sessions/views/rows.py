"""The rows of a list, ready for their template."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.urls import reverse
from django.utils import timezone

from sessions.models import RetentionPolicy, RunState, Status
from sessions.models.fleet import read_marks
from sessions.models.rows import Row
from sessions.models.session_filter import Position, SessionFilter
from sessions.models.session_list import list_sessions
from sessions.storage import workspaces
from sessions.views.listing import PAGE_SIZE, ListQuery
from sessions.views.shell import hue

_FIELDS = (
    "id", "name", "preview", "status", "pinned", "model", "phase", "message_count",
    "created_at", "updated_at", "last_accessed", "deleted_at",
)  # fmt: skip
_TAGS_SHOWN = 4
_NAMES_SHOWN = 2  # of members
_PHASE_TONES = {"failed": "bad", "clarification": "warn", "complete": "good"}
_STATES = {RunState.WAITING.value: ("waiting for an answer", "warn"), RunState.ABORTED.value: ("stopped", "bad")}
_ICONS = {Status.ARCHIVED.value: "archive", Status.DELETED.value: "trash"}


@dataclass(frozen=True, slots=True)
class Label:
    """A tag on a row."""

    name: str
    hue: str
    address: str


@dataclass(frozen=True, slots=True)
class Pill:
    """A phase in words, and its tone."""

    text: str
    tone: str

    @classmethod
    def of(cls, phase: str, run: Row | None = None) -> "Pill":
        """The pill of a phase, and of the run if there is one: that it waits or was stopped, or its tasks."""
        state = run["state"] if run else ""
        if state in _STATES:
            return cls(*_STATES[state])
        text = phase.replace("_", " ")
        if run and run["tasks"] and state == RunState.GOING:
            text = f"{text} {run['done']}/{run['tasks']}".strip()
        return cls(text, _PHASE_TONES.get(phase, ""))


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A row of a list. `group` is the heading above it, if one starts here; `tags_left` are without a label."""

    id: str
    name: str
    address: str
    preview: str
    tags: list[Label]
    tags_left: int
    phase: Pill
    model: str
    message_count: int
    is_indexed: bool
    is_pinned: bool
    people: str
    icon: str
    at: datetime
    goes_at: datetime | None  # when retention deletes it for ever
    group: str


@dataclass(frozen=True, slots=True)
class Rows:
    """What `_rows.html` shows: a page of rows, the address of the next one, and whether a search found all."""

    query: ListQuery
    rows: list[SessionRow] = field(default_factory=list)
    more: str = ""
    is_exact: bool = True
    policy: RetentionPolicy | None = None  # of the trash


def page_of(query: ListQuery, owner_id: int, *, limit: int = PAGE_SIZE) -> Rows:
    """One page of a list, in three statements at most whatever its length, and two more if it is searched.

    The trash needs one more, for when each goes.
    """
    filtered = query.filter(owner_id)
    page = list_sessions(
        filtered.wanted, sort=query.sort, limit=limit, after=query.after, fields=_FIELDS, with_people=True
    )
    more = query.address(after=page.next) if page.next else ""
    policy = _policy_for(query)
    return Rows(query, list(_with_groups(query, page.rows, policy)), more, filtered.is_exact, policy)


def one_row(query: ListQuery, owner_id: int, session_id: str) -> Rows:
    """The row of one session as this list shows it, without a heading; none if the session has gone."""
    wanted = SessionFilter(owner_id, statuses=Status.values, only_session=UUID(session_id), scope="all")
    page = list_sessions(wanted, sort=query.sort, limit=1, fields=_FIELDS, with_people=True)
    runs = read_marks([row["id"] for row in page.rows])
    policy = _policy_for(query)
    return Rows(query, [_row(query, row, "", runs.get(row["id"]), policy) for row in page.rows], policy=policy)


def _policy_for(query: ListQuery) -> RetentionPolicy | None:
    return RetentionPolicy.objects.current() if query.view.is_trash else None


def _with_groups(query: ListQuery, rows: list[Row], policy: RetentionPolicy | None) -> Iterator[SessionRow]:
    now = timezone.now()
    runs = {} if policy else read_marks([row["id"] for row in rows])  # no run goes on in the trash
    group = _group(query, query.after, now) if query.after else ""
    for row in rows:
        above, group = group, _group(query, Position(row["pinned"], row[query.column], row["id"]), now)
        yield _row(query, row, group if group != above else "", runs.get(row["id"]), policy)


def _group(query: ListQuery, at: Position, now: datetime) -> str:
    return query.group(pinned=at.pinned, value=at.value, now=now)


def _people(row: Row) -> str:
    """Who has it: its owner for a session of somebody else's, the names of its members for one's own."""
    names = row["is_shared"]
    if row["role"] is not None:
        return str(row["owner_name"])
    if len(names) <= _NAMES_SHOWN:
        return ", ".join(names)
    return f"{', '.join(names[:_NAMES_SHOWN])} and {len(names) - _NAMES_SHOWN} more"


def _row(query: ListQuery, row: Row, group: str, run: Row | None, policy: RetentionPolicy | None) -> SessionRow:
    deleted_at = row["deleted_at"]
    return SessionRow(
        id=row["id"],
        name=row["name"],
        address=reverse("session_detail", args=[row["id"]]),
        preview=row["preview"],
        tags=[Label(tag, hue(tag), query.address(tag=tag)) for tag in row["tags"][:_TAGS_SHOWN]],
        tags_left=max(0, len(row["tags"]) - _TAGS_SHOWN),
        phase=Pill.of(row["phase"], run),
        model=row["model"],
        message_count=row["message_count"],
        is_indexed=workspaces.state(row["id"], in_trash=deleted_at is not None).is_indexed,
        is_pinned=row["pinned"],
        people=_people(row),
        icon="pin" if row["pinned"] else _ICONS.get(row["status"], "session"),
        at=deleted_at or row["updated_at" if query.column == "name" else query.column],
        goes_at=policy.purges_at(deleted_at, pinned=row["pinned"]) if policy else None,
        group=group,
    )
