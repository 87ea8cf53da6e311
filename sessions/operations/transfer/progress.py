"""The progress of a run in an archive (`progress.json`): out as it is, in as far as it fits."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import models

from sessions.exceptions import Invalid
from sessions.formats.document import Tally
from sessions.formats.values import clean, dict_in, list_in, text_of, time_of, whole_number
from sessions.models import (
    Answer,
    Artifact,
    Clarification,
    ErrorEntry,
    LogEntry,
    PhaseEntry,
    Run,
    RunState,
    Session,
)
from sessions.models.bulk_rows import insert_object, insert_rows
from sessions.models.task import Task, TaskStatus
from sessions.operations.runs.artifacts import checked_kind
from sessions.storage.names import checked_path

_LARGEST = 2**31 - 1
_AT_ONCE = 500  # lines of a log
_HEAD = (
    "started_at", "heartbeat_at", "version", "current_question_index", "is_aborted", "abort_reason", "failure_reason",
)  # fmt: skip
Row = dict[str, Any]


class _Misfit(ValueError):
    """A value that its column can't hold."""


@dataclass(frozen=True, slots=True)
class _List:
    """One list of a run: its columns, what tells its rows apart, and what else must hold of each."""

    model: type[models.Model]
    columns: tuple[str, ...]
    unique: tuple[str, ...] = ()
    order: str = "id"
    holds: Callable[[Row], bool] = lambda row: True


def _fits_artifact(row: Row) -> bool:
    try:
        return row["kind"] == checked_kind(row["kind"]) and bool(not row["path"] or checked_path(row["path"]))
    except Invalid:
        return False


def _fits_question(row: Row) -> bool:
    return isinstance(row["options"], list) and all(isinstance(option, str) for option in row["options"])


LISTS: Mapping[str, _List] = {
    "phases": _List(PhaseEntry, ("phase", "entered_at"), holds=lambda row: bool(row["phase"])),
    "answers": _List(Answer, ("question_id", "answer", "answered_at"), ("question_id",)),
    "artifacts": _List(
        Artifact, ("kind", "version", "data", "path", "created_at"), ("kind", "version"), holds=_fits_artifact
    ),
    "tasks": _List(
        Task,
        ("task_id", "position", "title", "status", "error"),
        ("task_id",),
        order="position",
        holds=lambda row: "/" not in row["task_id"] and bool(row["task_id"].strip()),
    ),
    "errors": _List(ErrorEntry, ("timestamp", "task_id", "error_message", "phase")),
    "logs": _List(LogEntry, ("timestamp", "message")),
    "clarifications": _List(
        Clarification,
        ("question", "context", "options", "asked_at", "is_pending", "answer", "answered_at"),
        holds=_fits_question,
    ),
}


def progress_of(session_id: UUID) -> dict[str, Any] | None:
    """A session's run with all that it has told, the lines of its log read as they are asked for; None without one."""
    head = Run.objects.filter(pk=session_id).values(*_HEAD).first()
    if head is None:
        return None
    lists = {
        name: list(each.model._default_manager.filter(session_id=session_id).order_by(each.order).values(*each.columns))
        for name, each in LISTS.items()
        if name != "logs"
    }
    return {"run": head, **lists, "logs": _log(session_id)}


def _log(session_id: UUID) -> Iterator[Row]:
    """The log by pages: nobody says how long it may become."""
    rows = LogEntry.objects.filter(session_id=session_id).order_by("id").values("id", *LISTS["logs"].columns)
    last = 0
    while page := list(rows.filter(id__gt=last)[:_AT_ONCE]):
        for row in page:
            last = row.pop("id")
            yield row


def store_progress(session: Session, progress: Mapping[str, Any], tally: Tally) -> None:
    """Give a new session the run that a file tells of; what doesn't fit is counted and left out."""
    kept = {name: list(_rows(progress, name, tally)) for name in LISTS}
    is_waiting = any(row["is_pending"] for row in kept["clarifications"])
    found = dict_in(progress, "run")
    head = Run(session_id=session.pk, owner_id=session.owner_id)
    for name in _HEAD:
        try:
            setattr(head, name, _value(Run._meta.get_field(name), found.get(name)))
        except _Misfit:
            tally.drop("progress")
    head.state = RunState.of(phase=session.phase, is_aborted=head.is_aborted, is_waiting=is_waiting)
    insert_object(head)
    for name, rows in kept.items():
        columns = LISTS[name].columns
        insert_rows(LISTS[name].model, ["session", *columns], ([session.pk, *row.values()] for row in rows))


def _rows(progress: Mapping[str, Any], name: str, tally: Tally) -> Iterator[Row]:
    """The rows of a list that its table takes: each once, one active task, one question that waits."""
    each = LISTS[name]
    fields = [each.model._meta.get_field(column) for column in each.columns]
    seen: set[Any] = set()
    for found in list_in(progress, name):
        try:
            row = {field.name: _value(field, found.get(field.name)) for field in fields}
        except (_Misfit, AttributeError):
            tally.drop("progress")
            continue
        keys: set[Any] = {tuple(row[column] for column in each.unique)} if each.unique else set()
        if row.get("status") == TaskStatus.ACTIVE or row.get("is_pending"):
            keys.add("the one")
        if seen & keys or not each.holds(row):
            tally.drop("progress")
            continue
        seen |= keys
        yield row


def _value(field: Any, value: Any) -> Any:
    """A value as a column takes it. Raises _Misfit."""
    if value is None and field.null:
        return None
    if isinstance(field, models.JSONField):
        return clean(value)
    if isinstance(field, models.BooleanField):
        return value is True
    if isinstance(field, models.DateTimeField):
        return _required(time_of(value))
    if isinstance(field, models.IntegerField):
        return _required(None if (number := whole_number(value)) is None or number > _LARGEST else number)
    text = text_of(value, field.max_length)
    if field.choices and text not in {choice for choice, _ in field.choices} | ({""} if field.blank else set()):
        raise _Misfit(field.name)
    return text


def _required(value: Any) -> Any:
    if value is None:
        raise _Misfit("value")
    return value
