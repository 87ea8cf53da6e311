"""What the API says about the progress of a run."""

from typing import Any

from sessions.models import Clarification, ErrorEntry, LogEntry, TaskStatus
from sessions.models.progress import Progress
from sessions.models.rows import Row
from sessions.operations.runs.tasks import NewTask


def progress_answer(progress: Progress) -> dict[str, Any]:
    """The whole progress of a session."""
    asked = progress.clarification
    return {
        "phase": progress.phase or None,
        "state": progress.state or None,
        "phases": progress.phases,
        "current_question_index": progress.current_question_index,
        "answers": {row["question_id"]: row["answer"] for row in progress.answers},
        "artifacts": {row["kind"]: {"path": row["path"]} if row["path"] else row["data"] for row in progress.artifacts},
        **tasks_answer(progress.tasks),
        "errors": [error_answer(row) for row in progress.errors],
        "logs": [line_answer(row) for row in progress.logs],
        "pending_clarification": _pending(progress.pending),
        "clarification_answer": asked["answer"] if asked else None,
        "heartbeat_at": progress.heartbeat_at,
        "is_aborted": progress.is_aborted,
        "abort_reason": progress.abort_reason or None,
        "failure_reason": progress.failure_reason or None,
        "version": progress.version,
    }


def _pending(asked: Row | None) -> dict[str, Any] | None:
    return asked and {name: asked[name] for name in ("question", "context", "options")}


def tasks_answer(tasks: list[Row]) -> dict[str, Any]:
    """A plan, and which of its tasks are active, completed, failed."""

    def ids(status: TaskStatus) -> list[str]:
        return [task["task_id"] for task in tasks if task["status"] == status]

    return {
        "tasks": [task_answer(task) for task in tasks],
        "active_task_id": next(iter(ids(TaskStatus.ACTIVE)), None),
        "completed_task_ids": ids(TaskStatus.COMPLETED),
        "failed_task_ids": ids(TaskStatus.FAILED),
    }


def task_answer(task: Row) -> dict[str, Any]:
    """A task."""
    return {
        "task_id": task["task_id"],
        "title": task["title"],
        "status": task["status"],
        "error": task["error"] or None,
    }


def row_of_task(task: NewTask) -> Row:
    """A task of a plan as a row."""
    return {name: getattr(task, name) for name in ("task_id", "title", "status", "error")}


def error_answer(row: Row) -> dict[str, Any]:
    """An error, from a row."""
    return {
        "entry_id": row["id"],
        "timestamp": row["timestamp"],
        "task_id": row["task_id"] or None,
        "error_message": row["error_message"],
        "phase": row["phase"] or None,
    }


def line_answer(row: Row) -> dict[str, Any]:
    """A line of the log, from a row."""
    return {"entry_id": row["id"], "timestamp": row["timestamp"], "message": row["message"]}


def row_of_entry(entry: ErrorEntry | LogEntry) -> Row:
    """An error or a line as a row."""
    return {field.attname: getattr(entry, field.attname) for field in entry._meta.concrete_fields}


def clarification_answer(asked: Clarification) -> dict[str, Any]:
    """A question with its answer."""
    names = ("question", "context", "options", "asked_at", "is_pending", "answer", "answered_at")
    return {name: getattr(asked, name) for name in names}
