"""The progress of a run as rows, everything in one statement: the database makes JSON of each list."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, models

from sessions.models.answer import Answer
from sessions.models.artifact import Artifact
from sessions.models.clarification import Clarification
from sessions.models.error_entry import ErrorEntry
from sessions.models.log_entry import LogEntry
from sessions.models.phase_entry import PhaseEntry
from sessions.models.rows import Row, db_id, time_of
from sessions.models.run import Run, RunState
from sessions.models.session import Session
from sessions.models.task import Task, TaskStatus

NEWEST = 100  # log lines and errors that progress holds; the whole lists have addresses of their own
_HEAD = (
    "state", "started_at", "heartbeat_at", "version", "current_question_index", "is_aborted", "abort_reason",
    "failure_reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, and its session's phase at that moment. Without a run, `state` is empty and the version 0.

    Lists are in order of arrival.
    """

    phase: str = ""
    state: str = ""
    started_at: datetime | None = None
    heartbeat_at: datetime | None = None
    version: int = 0
    current_question_index: int = 0
    is_aborted: bool = False
    abort_reason: str = ""
    failure_reason: str = ""
    phases: list[Row] = field(default_factory=list)
    answers: list[Row] = field(default_factory=list)
    artifacts: list[Row] = field(default_factory=list)
    tasks: list[Row] = field(default_factory=list)
    errors: list[Row] = field(default_factory=list)
    logs: list[Row] = field(default_factory=list)
    clarifications: list[Row] = field(default_factory=list)

    @property
    def clarification(self) -> Row | None:
        """The question that was asked last."""
        return self.clarifications[-1] if self.clarifications else None

    @property
    def pending(self) -> Row | None:
        """The question that waits for its answer."""
        asked = self.clarification
        return asked if asked and asked["is_pending"] else None

    @property
    def is_going(self) -> bool:
        """Whether an agent is at work, or waits."""
        return self.state in (RunState.GOING, RunState.WAITING)

    def task_ids(self, status: TaskStatus) -> list[str]:
        """The tasks with a status, in the plan's order."""
        return [task["task_id"] for task in self.tasks if task["status"] == status]


class RowList:
    """A list of what belongs to a session: which columns of which rows, the newest ones in their order."""

    def __init__(
        self, model: type[models.Model], names: Sequence[str], *, order: str = "id", only: str = "", newest: int = 0
    ) -> None:
        fields = [model._meta.get_field(name) for name in names]
        self.names = [*names]
        self.times = {field.name for field in fields if isinstance(field, models.DateTimeField)}
        self._json = {field.name for field in fields if isinstance(field, models.JSONField)}
        condition = f"t.session_id = s.id{only}"
        columns = ", ".join(f't."{name}"' for name in dict.fromkeys((*names, order)))
        direction, limit = ("DESC", f" LIMIT {newest}") if newest else ("ASC", "")
        self._rows = f"SELECT {columns} FROM {model._meta.db_table} t WHERE {condition} ORDER BY t.{order}"
        self._rows += f" {direction}{limit}"
        self._order = order

    def select(self, vendor: str) -> str:
        """The expression that gives the whole list as JSON."""
        order = f'"{self._order}"'
        if vendor == "sqlite":
            values = ", ".join(f'json("{name}")' if name in self._json else f'"{name}"' for name in self.names)
            ordered = f"SELECT * FROM ({self._rows}) newest ORDER BY {order}"
            return f"(SELECT json_group_array(json_array({values})) FROM ({ordered}) list)"
        values = ", ".join(f'"{name}"' for name in self.names)
        array = f"json_agg(json_build_array({values}) ORDER BY {order})"
        return f"CAST((SELECT {array} FROM ({self._rows}) list) AS text)"

    def read(self, text: str | None) -> list[Row]:
        """The rows of such JSON."""
        rows = [dict(zip(self.names, values, strict=True)) for values in orjson.loads(text or "[]")]
        for name in self.times:
            for row in rows:
                row[name] = row[name] and time_of(row[name])
        return rows


_NEWEST_VERSION = (
    f" AND t.version = (SELECT max(v.version) FROM {Artifact._meta.db_table} v "
    "WHERE v.session_id = t.session_id AND v.kind = t.kind)"
)
_ARTIFACT = ("id", "kind", "version", "path", "created_at")
_LISTS = {
    "phases": RowList(PhaseEntry, ("phase", "entered_at")),
    "answers": RowList(Answer, ("question_id", "answer", "answered_at")),
    "artifacts": RowList(Artifact, (*_ARTIFACT, "data"), order="kind", only=_NEWEST_VERSION),
    "tasks": RowList(Task, ("task_id", "title", "status", "error"), order="position"),
    "errors": RowList(ErrorEntry, ("id", "timestamp", "task_id", "error_message", "phase"), newest=NEWEST),
    "logs": RowList(LogEntry, ("id", "timestamp", "message"), newest=NEWEST),
    "clarifications": RowList(
        Clarification,
        ("id", "question", "context", "options", "asked_at", "is_pending", "answer", "answered_at"),
        newest=1,
    ),
}
_WITHOUT_DATA = _LISTS | {"artifacts": RowList(Artifact, _ARTIFACT, order="kind", only=_NEWEST_VERSION)}


def progress_columns(*, with_data: bool) -> str:
    """What to select for `read_columns`, from sessions `s` joined with their runs `r`."""
    vendor = connection.vendor
    head = [f"CAST(r.{name} AS text)" if name.endswith("_at") else f"r.{name}" for name in _HEAD]
    lists = (_LISTS if with_data else _WITHOUT_DATA).values()
    return ", ".join(["s.phase", *head, *(found.select(vendor) for found in lists)])


def read_columns(values: Sequence[Any], *, with_data: bool) -> Progress:
    """The progress in a row of `progress_columns`."""
    phase, *values = values
    head: dict[str, Any] = dict(zip(_HEAD, values, strict=False))
    lists = _LISTS if with_data else _WITHOUT_DATA
    found: dict[str, Any] = {
        name: one.read(text) for (name, one), text in zip(lists.items(), values[len(_HEAD) :], strict=True)
    }
    if head["state"] is None:
        return Progress(phase, **found)
    head |= {name: time_of(head[name]) for name in ("started_at", "heartbeat_at")}
    return Progress(phase, **(head | {"is_aborted": bool(head["is_aborted"])}), **found)


def from_runs() -> str:
    """Sessions `s` with their runs `r`, if they have one."""
    return f"{Session._meta.db_table} s LEFT JOIN {Run._meta.db_table} r ON r.session_id = s.id"


def read_progress(session_id: UUID, *, with_data: bool = True) -> Progress:
    """Read the progress of a session that exists; `with_data` with what artifacts hold."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {progress_columns(with_data=with_data)} FROM {from_runs()} WHERE s.id = %s", [db_id(session_id)]
        )
        row = cursor.fetchone()
    return Progress() if row is None else read_columns(row, with_data=with_data)
