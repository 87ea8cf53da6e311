"""The tasks of a run."""

from uuid import UUID

from django.db import connection, models

from sessions.models.rows import Row, db_id
from sessions.models.session import Session


class TaskStatus(models.TextChoices):
    """How far a task is."""

    PENDING = "pending"
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"


class TaskQuerySet(models.QuerySet["Task"]):
    """Moving a task."""

    def move(self, session_id: UUID, task_id: str, values: dict[str, str]) -> Row | None:
        """Write values of one task in one statement; return the task, or None if it may not move so or isn't there.

        What is completed stays completed, and a task becomes active only while no other one is.
        """
        table = self.model._meta.db_table
        condition, parameters = "session_id = %s AND task_id = %s", [db_id(session_id), task_id]
        if "status" in values:
            condition += " AND (status <> %s OR status = %s)"
            parameters += [TaskStatus.COMPLETED.value, values["status"]]
        if values.get("status") == TaskStatus.ACTIVE:
            condition += (
                f" AND NOT EXISTS (SELECT 1 FROM {table} other WHERE other.session_id = %s AND other.status = %s "
                "AND other.task_id <> %s)"
            )
            parameters += [db_id(session_id), TaskStatus.ACTIVE.value, task_id]
        sets = ", ".join(f"{name} = %s" for name in values) or "task_id = task_id"
        names = ("task_id", "title", "status", "error")
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} SET {sets} WHERE {condition} RETURNING {', '.join(names)}",
                [*values.values(), *parameters],
            )
            row = cursor.fetchone()
        return None if row is None else dict(zip(names, row, strict=True))


class Task(models.Model):
    """One task of a run's plan."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="tasks", db_index=False)
    task_id = models.CharField(max_length=255)
    position = models.PositiveIntegerField()
    title = models.CharField(max_length=1024, blank=True, default="")
    status = models.CharField(max_length=16, choices=TaskStatus, default=TaskStatus.PENDING)
    error = models.TextField(blank=True, default="")

    objects = TaskQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "task_id"], name="task_once"),
            models.UniqueConstraint(fields=["session"], condition=models.Q(status="active"), name="task_one_active"),
        ]
        ordering = ["session", "position"]

    def __str__(self) -> str:
        return self.title or self.task_id
