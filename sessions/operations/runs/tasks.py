"""Tasks of a run: the whole plan at once, or one of them moved."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from sessions.access import Actor
from sessions.exceptions import Invalid, TaskConflict, TaskNotFound
from sessions.models import Task, TaskStatus, Verb
from sessions.models.rows import Row
from sessions.operations import audit
from sessions.operations.runs.touching import touched_run
from sessions.operations.values import checked_content, checked_text

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MAX_TASKS = 1000


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task of a plan."""

    task_id: str
    title: str = ""
    status: str = TaskStatus.PENDING.value
    error: str = ""


def set_tasks(
    *, actor: "Actor | User", session_id: UUID | str, tasks: Sequence[NewTask], expected_version: int | None = None
) -> tuple[list[NewTask], int]:
    """Replace the plan; return the tasks as they were kept, and the run's version.

    Raises Invalid for two tasks with one id, for more than one that is active, for more than
    MAX_TASKS; else as `set_phase`.
    """
    tasks = _checked_tasks(tasks)
    with touched_run(actor, session_id, expected_version=expected_version) as (actor, touched):
        Task.objects.filter(session_id=touched.session_id).delete()
        Task.objects.bulk_create(
            Task(
                session_id=touched.session_id,
                position=position,
                task_id=task.task_id,
                title=task.title,
                status=task.status,
                error=task.error,
            )
            for position, task in enumerate(tasks)
        )
        audit.record(actor, Verb.TASKS_SET, touched.session_id, tasks=len(tasks))
    return tasks, touched.version


def update_task(
    *,
    actor: "Actor | User",
    session_id: UUID | str,
    task_id: str,
    status: str | None = None,
    title: str | None = None,
    error: str | None = None,
    expected_version: int | None = None,
) -> tuple[Row, int]:
    """Change what is given of a task; return the task, and the run's version.

    A task that leaves `failed` loses its error. Raises TaskNotFound; TaskConflict when another
    one is active or this one is completed, which it stays; Invalid; else as `set_phase`.
    """
    values: dict[str, str] = {}
    if title is not None:
        values["title"] = checked_text("title", title, longest=1024)
    if status is not None:
        values["status"] = _checked_status("status", status)
        if status.lower() != TaskStatus.FAILED:
            values["error"] = ""
    if error is not None:
        values["error"] = checked_content("error", error)
    checked_text("task_id", task_id)
    with touched_run(actor, session_id, expected_version=expected_version) as (actor, touched):
        task = Task.objects.move(touched.session_id, task_id, values)
        if task is None:
            raise _why_not(touched.session_id, task_id)
        audit.record(actor, Verb.TASK_UPDATED, touched.session_id, task_id=task_id, status=task["status"])
    return task, touched.version


def _why_not(session_id: UUID, task_id: str) -> TaskNotFound | TaskConflict:
    tasks = dict(Task.objects.filter(session_id=session_id).values_list("task_id", "status"))
    if task_id not in tasks:
        return TaskNotFound("The run has no task with this id.", session_id=str(session_id), task_id=task_id)
    active = next((other for other, status in tasks.items() if status == TaskStatus.ACTIVE), None)
    state = {"session_id": str(session_id), "task_id": task_id, "status": tasks[task_id], "active_task_id": active}
    if tasks[task_id] == TaskStatus.COMPLETED:
        return TaskConflict("The task is completed and stays so. Set the tasks anew to do it again.", **state)
    return TaskConflict("Another task is active. Complete it, or let it fail, first.", **state)


def _checked_tasks(tasks: Sequence[NewTask]) -> list[NewTask]:
    if len(tasks) > MAX_TASKS:
        raise Invalid("Too many tasks.", errors=[("tasks", f"At most {MAX_TASKS}.")])
    checked = [_checked_task(f"tasks[{number}]", task) for number, task in enumerate(tasks)]
    if len({task.task_id for task in checked}) < len(checked):
        raise Invalid("Two tasks have the same id.", errors=[("tasks", "Give each task an id of its own.")])
    if sum(task.status == TaskStatus.ACTIVE for task in checked) > 1:
        raise Invalid("More than one task is active.", errors=[("tasks", "At most one task is active.")])
    return checked


def _checked_task(where: str, task: NewTask) -> NewTask:
    checked_text(f"{where}.task_id", task.task_id, longest=255, blank=False)
    if "/" in task.task_id:
        raise Invalid("A task's id has no slash.", errors=[(f"{where}.task_id", "It stands in an address: no /.")])
    checked_text(f"{where}.title", task.title, longest=1024)
    checked_content(f"{where}.error", task.error)
    return replace(task, status=_checked_status(f"{where}.status", task.status))


def _checked_status(where: str, status: str) -> str:
    if status.lower() not in TaskStatus.values:
        raise Invalid("Unknown status of a task.", errors=[(where, f"One of {', '.join(TaskStatus.values)}.")])
    return status.lower()
