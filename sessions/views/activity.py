"""What happened to a session, in words."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sessions.formats.recognition import NAMES
from sessions.models import Event, Verb
from sessions.views.words import counted

SHOWN = 20
_PAGE = 200
_READ = 3 * SHOWN  # an agent's appends, one message each, become one line

_FIELDS: Final = {
    "agent_settings": "agent settings",
    "configuration": "configuration",
    "context_window_config": "context window",
    "description": "description",
    "metadata": "metadata",
    "model": "model",
    "phase": "phase",
    "summary": "summary",
    "summary_model": "summary",
    "tool_settings": "tool settings",
    "ttl_seconds": "expiry",
}
_PLAIN: Final = {
    Verb.PINNED: "pinned it",
    Verb.UNPINNED: "unpinned it",
    Verb.ARCHIVED: "archived it",
    Verb.RESTORED: "restored it",
    Verb.TRASHED: "moved it to the trash",
    Verb.SYSTEM_PROMPT_SET: "set the system prompt",
    Verb.SYSTEM_PROMPT_REMOVED: "removed the system prompt",
    Verb.INDEXING_STARTED: "started to index the workspace",
    Verb.INDEXING_CANCELLED: "stopped indexing the workspace",
    Verb.INDEXED: "indexed the workspace",
    Verb.CLARIFICATION_ASKED: "asked a question",
    Verb.CLARIFICATION_ANSWERED: "answered the question",
    Verb.ERROR_REPORTED: "reported an error",
    Verb.RUN_FAILED: "said that the run has failed",
    Verb.RUN_ABORTED: "stopped the run",
    Verb.RUN_REOPENED: "reopened the run",
}


_REASONS: Final = {
    "inactive": "nobody had used it for long",
    "archived": "it had been in the archive for long",
    "expired": "it had expired",
    "too_old": "it was too old",
    "too_many": "there were too many",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the feed; `messages` counts what an append added, 0 for everything else."""

    who: str
    what: str
    at: datetime
    messages: int = 0


@dataclass(frozen=True, slots=True)
class Activity:
    """The newest lines and what happened after `since`, both newest first; the newest event's number, 0 without one."""

    lines: list[Line]
    newest: int
    verbs: list[str]


def activity(session_id: UUID, *, reader_id: int, since: int = 0) -> Activity:
    """A session's history as this reader reads it, and what happened since an event. One query."""
    events = Event.objects.filter(session_id=session_id).order_by("-id")
    rows = list(events.values("id", "actor_id", "actor_name", "token_name", "verb", "detail", "at")[:_READ])
    lines = _joined(_line(row, reader_id) for row in rows)[:SHOWN]
    return Activity(lines, rows[0]["id"] if rows else 0, [row["verb"] for row in rows if row["id"] > since])


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some lines of a history; `older` is the event before which the next page lies, None on the last."""

    lines: list[Line]
    older: int | None


def history(session_id: UUID, *, reader_id: int, before: int | None = None) -> HistoryPage:
    """One page of a session's whole history, the newest first. One query."""
    events = Event.objects.filter(session_id=session_id).order_by("-id")
    if before is not None:
        events = events.filter(pk__lt=before)
    rows = list(events.values("id", "actor_id", "actor_name", "token_name", "verb", "detail", "at")[: _PAGE + 1])
    older = rows[_PAGE - 1]["id"] if len(rows) > _PAGE else None
    return HistoryPage(_joined(_line(row, reader_id) for row in rows[:_PAGE]), older)


def _line(row: Mapping[str, Any], reader_id: int) -> Line:
    detail = row["detail"] if isinstance(row["detail"], dict) else {}
    reason = "" if row["actor_id"] else _REASONS.get(detail.get("reason", ""), "")
    if reason:
        return Line("Retention", f"{_what(row['verb'], detail)}: {reason}", row["at"])
    you = "You" if row["actor_id"] == reader_id else row["actor_name"] or "Somebody"
    messages = int(detail.get("messages", 0)) if row["verb"] == Verb.APPENDED else 0
    return Line(row["token_name"] or you, _what(row["verb"], detail), row["at"], messages)


def _joined(lines: Iterable[Line]) -> list[Line]:
    """Appends of one writer without anything in between are one line with the time of the last."""
    joined: list[Line] = []
    for line in lines:
        if line.messages and joined and joined[-1].messages and joined[-1].who == line.who:
            total = joined[-1].messages + line.messages
            joined[-1] = replace(joined[-1], messages=total, what=_appended(total))
        else:
            joined.append(line)
    return joined


def _what(verb: str, detail: dict[str, Any]) -> str:
    if verb in _PLAIN:
        return _PLAIN[Verb(verb)]
    said = _OF_TRANSCRIPTS.get(verb) or _OF_RUNS.get(verb) or _OF_PEOPLE.get(verb)
    return said(detail) if said else verb.replace("_", " ")


def _created(detail: dict[str, Any]) -> str:
    messages = detail.get("messages", 0)
    return f"created it with {counted(messages, 'message')}" if messages else "created it"


def _imported(detail: dict[str, Any]) -> str:
    return f"imported it from {NAMES.get(str(detail.get('source')), 'a file')}"


def _merged(detail: dict[str, Any]) -> str:
    return f"made it out of {counted(len(detail.get('sources', [])), 'session')}"


def _tagged(detail: dict[str, Any]) -> str:
    tags = detail.get("tags", [])
    return f"tagged it {', '.join(map(str, tags))}" if tags else "removed its tags"


def _edited(detail: dict[str, Any]) -> str:
    cut = detail.get("cut", 0)
    edited = f"edited message {detail.get('index', '')}"
    return f"{edited} and cut off {counted(cut, 'message')}" if cut else edited


def _phase(detail: dict[str, Any]) -> str:
    phase = str(detail.get("phase", "")).replace("_", " ")
    return f"entered the phase {phase}" if phase else "left the phase"


_OF_TRANSCRIPTS: Final[Mapping[str, Callable[[dict[str, Any]], str]]] = {
    Verb.APPENDED: lambda detail: _appended(detail.get("messages", 0)),
    Verb.CREATED: _created,
    Verb.IMPORTED: _imported,
    Verb.FORKED: lambda detail: "forked it" if "into" in detail else "made it as a fork",
    Verb.MERGED: lambda detail: "merged it into another session" if "into" in detail else _merged(detail),
    Verb.SPLIT: lambda detail: "split a part off" if "into" in detail else "made it as a part of another session",
    Verb.RENAMED: lambda detail: f"renamed it to “{detail.get('name', '')}”",
    Verb.TAGGED: _tagged,
    Verb.EDITED: _edited,
    Verb.REVISION_RESTORED: lambda detail: f"restored revision {detail.get('number', '')}",
    Verb.FILE_PUT: lambda detail: f"kept the file {detail.get('path', '')}",
    Verb.FILE_REMOVED: lambda detail: f"removed the file {detail.get('path', '')}",
    Verb.INDEXING_FAILED: lambda detail: "could not index the workspace",
    Verb.REPAIRED: lambda detail: f"repaired its {detail.get('what', 'rows')}",
    Verb.POINTS_PUT: lambda detail: f"kept {counted(detail.get('points', 0), 'vector')}",
    Verb.POINTS_REMOVED: lambda detail: f"removed {counted(detail.get('points', 0), 'vector')}",
    Verb.STATISTICS_ADDED: lambda detail: "added to the statistics",
    Verb.MODEL_USED: lambda detail: f"used {detail.get('model_name', 'a model')}",
    Verb.UPDATED: lambda detail: f"changed the {_fields(detail.get('fields', []))}",
}
_OF_PEOPLE: Final[Mapping[str, Callable[[dict[str, Any]], str]]] = {
    Verb.SHARED: lambda detail: f"shared it with {detail.get('username', '')} as {detail.get('role', '')}",
    Verb.ROLE_CHANGED: lambda detail: f"made {detail.get('username', '')} {detail.get('role', '')}",
    Verb.UNSHARED: lambda detail: f"took it from {detail.get('username', '')}",
    Verb.LEFT: lambda detail: "left it",
    Verb.LINK_CREATED: lambda detail: f"made a public link{' with the files' if detail.get('include_files') else ''}",
    Verb.LINK_REVOKED: lambda detail: "revoked a public link",
}
_OF_RUNS: Final[Mapping[str, Callable[[dict[str, Any]], str]]] = {
    Verb.PHASE_ENTERED: _phase,
    Verb.QUESTION_ANSWERED: lambda detail: f"answered {detail.get('question_id', 'a question')}",
    Verb.ARTIFACT_SET: lambda detail: f"kept {detail.get('kind', 'an artifact')}, version {detail.get('version', 1)}",
    Verb.TASKS_SET: lambda detail: f"planned {counted(detail.get('tasks', 0), 'task')}",
    Verb.TASK_UPDATED: lambda detail: f"task {detail.get('task_id', '')}: {detail.get('status', '')}",
}


def _appended(messages: int) -> str:
    return f"appended {counted(messages, 'message')}"


def _fields(names: Iterable[str]) -> str:
    words = list(dict.fromkeys(_FIELDS.get(name, name) for name in names))
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
