"""The panel beside a transcript: what is kept about the session. Two statements, three if it may go by itself."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from sessions.access import Actor, visible_sessions
from sessions.exceptions import FileNotFound, StorageError
from sessions.formats.recognition import NAMES
from sessions.models import Reason, RetentionPolicy, Session
from sessions.models.relatives import Relative
from sessions.models.session_panel import LinkLine, Person, RevisionLine, read_panel
from sessions.models.vector_rows import Collection
from sessions.operations.tags import tags_of
from sessions.rendering.text import Excerpt, excerpt
from sessions.storage import workspaces
from sessions.storage.directory import list_directory
from sessions.storage.files import Entry
from sessions.storage.workspaces import CONTENT, WorkspaceState
from sessions.views.activity import Activity, activity
from sessions.views.index_view import IndexView, index_view
from sessions.views.run_view import RunView, run_view
from sessions.views.words import amount, counted

REVISIONS_SHOWN = 5
FILES_SHOWN = 30
_LONGEST_SETTING = 8_000
_SETTINGS = {
    "tool_settings": "Tools",
    "agent_settings": "Agents",
    "context_window_config": "Context window",
    "configuration": "Configuration",
    "metadata": "Metadata",
}
DAY = 24 * 3600
LINK_DAYS = {"1": "for a day", "7": "for a week", "30": "for 30 days", "": "until it is revoked"}
EXPIRIES = {
    DAY: "a day after it was last opened",
    7 * DAY: "a week after it was last opened",
    30 * DAY: "30 days after it was last opened",
    90 * DAY: "90 days after it was last opened",
    365 * DAY: "a year after it was last opened",
}


@dataclass(frozen=True, slots=True)
class RevisionView:
    """A revision as lists show it."""

    number: int
    what: str
    why: str
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Setting:
    """One group of settings as JSON."""

    label: str
    text: Excerpt


@dataclass(frozen=True, slots=True)
class Summary:
    """What a summary says: its text, and topics if it names any."""

    text: str
    topics: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Panel:
    """What `_panel.html` shows."""

    tags: Sequence[str]
    has_system_prompt: bool
    people: Sequence[Person]
    links: Sequence[LinkLine]
    revisions: list[RevisionView]
    revision_count: int
    activity: Activity
    workspace: WorkspaceState
    workspace_path: Path
    index: IndexView
    files: list[Entry]
    parents: list[Relative]
    children: list[Relative]
    run: RunView | None
    vectors: Collection | None
    run_state: str
    settings: list[Setting]
    summary: Summary | None
    expires_at: datetime | None
    goes_at: datetime | None
    is_retention_on: bool


def panel(session: Session, reader: Actor) -> Panel:
    """Everything beside the transcript of a session, for this reader."""
    reader_id = reader.user_id
    rows = read_panel(session.pk, revisions=REVISIONS_SHOWN, visible=visible_sessions(reader))
    place = workspaces.trashed_path if session.in_trash else workspaces.workspace_path
    workspace = workspaces.state(session.pk, in_trash=session.in_trash)
    policy = RetentionPolicy.objects.current() if session.in_trash or session.ttl_seconds else RetentionPolicy()
    return Panel(
        tags=tags_of(session),
        has_system_prompt=rows.has_system_prompt,
        people=rows.people,
        links=rows.links,
        revisions=[revision_view(line, reader_id=reader_id) for line in rows.revisions],
        revision_count=rows.revision_count,
        activity=activity(session.pk, reader_id=reader_id),
        workspace=workspace,
        workspace_path=place(session.pk),
        index=index_view(session, rows.indexing, is_indexed=workspace.is_indexed),
        files=_files(session),
        parents=[_with_source(relative) for relative in rows.relatives if relative.is_parent],
        children=[relative for relative in rows.relatives if not relative.is_parent],
        run=run_view(session, rows.progress),
        vectors=rows.vectors if rows.vectors and rows.vectors.point_count else None,
        run_state=rows.progress.state,
        settings=[
            Setting(label, _pretty(getattr(session, name)))
            for name, label in _SETTINGS.items()
            if getattr(session, name)
        ],
        summary=_summary(session.summary),
        expires_at=session.last_accessed + timedelta(seconds=session.ttl_seconds) if session.ttl_seconds else None,
        goes_at=policy.purges_at(session.deleted_at, pinned=session.pinned),
        is_retention_on=policy.enabled,
    )


def _with_source(relative: Relative) -> Relative:
    """With the name of the system that an import came from, as people know it."""
    return replace(relative, source=NAMES.get(relative.source, "")) if relative.source else relative


def _files(session: Session) -> list[Entry]:
    """The beginning of what is in `content/`; nothing in the trash, or where a workspace is damaged."""
    try:
        return [] if session.in_trash else list_directory(session.pk, (CONTENT,), most=FILES_SHOWN).entries
    except (FileNotFound, StorageError):
        return []


def revision_view(line: RevisionLine, *, reader_id: int) -> RevisionView:
    """A revision in words: what it holds, why it is there, and by whom."""
    who = "you" if line.actor_id == reader_id else line.actor or "somebody"
    if line.reason == Reason.SYSTEM_PROMPT:
        return RevisionView(line.number, "A system prompt", "it was replaced or removed", who, line.created_at)
    why = f"message {line.first_index} was edited" if line.reason == Reason.EDIT else "another revision was restored"
    what = f"{amount(line.message_count, 'message')} from #{line.first_index}"
    return RevisionView(line.number, what, why, who, line.created_at)


def expiry_choices(ttl_seconds: int | None) -> list[tuple[str, str]]:
    """(value, label) for a select; a session's own value is among them, whatever it is."""
    choices = {"": "never"} | {str(seconds): label for seconds, label in EXPIRIES.items()}
    if ttl_seconds is not None and ttl_seconds not in EXPIRIES:
        choices[str(ttl_seconds)] = f"{_duration(ttl_seconds)} after it was last opened"
    return list(choices.items())


def _duration(seconds: int) -> str:
    for size, noun in ((DAY, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size and seconds % size == 0:
            return counted(seconds // size, noun)
    return counted(seconds, "second")


def _pretty(value: object) -> Excerpt:
    return excerpt(json.dumps(value, ensure_ascii=False, indent=2), longest=_LONGEST_SETTING)


def _summary(value: object) -> Summary | None:
    """A summary is a text, or {summary, topics}; anything else is shown as its JSON."""
    if not value:
        return None
    if isinstance(value, str):
        return Summary(value)
    if isinstance(value, dict) and isinstance(value.get("summary"), str):
        topics = value.get("topics")
        return Summary(value["summary"], [str(topic) for topic in topics[:20]] if isinstance(topics, list) else [])
    return Summary(_pretty(value).shown)
