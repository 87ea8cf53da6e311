"""Jobs: long work that the worker does, with its progress, and with a lease so that a killed worker's job is found."""

import uuid
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from sessions.models.json_field import JsonField
from sessions.models.rows import db_id, db_time
from sessions.models.session import Session

LEASE = timedelta(seconds=20)
Position = tuple[datetime, uuid.UUID]  # of a job in the list: when it was queued, and its id


class JobKind(models.TextChoices):
    """What the worker knows to do."""

    PURGE = "purge", "Delete sessions for ever"
    EMPTY_TRASH = "empty_trash", "Empty the trash"
    IMPORT = "import", "Import files"
    UNDO_IMPORT = "undo_import", "Take an import back"
    MERGE = "merge", "Merge sessions"
    FORK = "fork", "Fork a session"
    SPLIT = "split", "Split a session"
    INSIGHTS = "insights", "Count insights"
    INDEX = "index", "Index a workspace"


class JobState(models.TextChoices):
    """Where a job is."""

    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Under way"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


UNFINISHED = (JobState.QUEUED, JobState.RUNNING)


class JobQuerySet(models.QuerySet["Job"]):
    """Taking jobs and looking for them."""

    def page(self, *, limit: int, after: "Position | None" = None) -> list["Job"]:
        """`limit` jobs at most, the newest first, beginning behind a position."""
        found = self.defer("output", "arguments").order_by("-created_at", "-pk")
        if after is not None:
            found = found.filter(Q(created_at__lt=after[0]) | Q(created_at=after[0], pk__lt=after[1]))
        return list(found[:limit])

    def unfinished(self) -> Self:
        """Jobs that wait or are under way."""
        return self.filter(state__in=UNFINISHED)

    def newest_of(self, session_id: UUID) -> "Job | None":
        """The job of a session that was started last, with whoever started it."""
        return self.filter(session=session_id).select_related("owner").order_by("-created_at").first()

    def waiting(self, now: datetime) -> Self:
        """Jobs that somebody should take up: queued ones, and those whose worker was killed."""
        return self.filter(Q(state=JobState.QUEUED) | Q(state=JobState.RUNNING, leased_until__lt=now))

    def take(self) -> "Job | None":
        """Take up the oldest waiting job under a new lease; None if there is none. Two workers never take the same."""
        now = timezone.now()
        if not self.waiting(now).exists():  # so that an idle worker never asks for SQLite's write lock
            return None
        with transaction.atomic():
            job = self.waiting(now).order_by("created_at").select_for_update(skip_locked=True).first()
            if job is None:
                return None
            now = timezone.now()  # SQLite's write lock may have been waited for as long as a lease is
            job.state, job.lease, job.leased_until = JobState.RUNNING, uuid.uuid4(), now + LEASE
            job.started_at = job.started_at or now
            job.attempts += 1
            job.save(update_fields=["state", "lease", "leased_until", "started_at", "attempts"])
        return job

    def stop(self, **which: UUID) -> "Job | None":
        """Note the wish to stop a job, by its `id` or `session_id`: one that waits is cancelled with that.

        Return it as it is then, with its owner's name; None if it has ended, or if somebody wished so before. One
        statement, which waits for whoever changes the job.
        """
        ((column, value),) = which.items()
        return next(iter(self.raw(_stopping(column), [db_time(timezone.now()), db_id(value)])), None)


class Job(models.Model):
    """One piece of long work. `lease` says whose it is: who has lost it writes nothing more."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="jobs")
    kind = models.CharField(max_length=32, choices=JobKind)
    session = models.ForeignKey(
        Session, null=True, blank=True, on_delete=models.CASCADE, related_name="jobs",
        help_text="Of work on one session: everybody who has it may see how that goes, and it goes with it.",
    )  # fmt: skip
    subject = models.CharField(max_length=255, blank=True, default="", help_text="What it works on, in words.")
    actor = JsonField(default=dict, help_text="As whom it works: the owner, perhaps through a token.")
    arguments = JsonField(default=dict)
    state = models.CharField(max_length=16, choices=JobState, default=JobState.QUEUED)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(default=0, help_text="0 while nobody knows.")
    result = JsonField(default=dict)
    error = models.TextField(blank=True, default="")
    output = models.TextField(blank=True, default="", help_text="The end of what a program said.")
    attempts = models.PositiveSmallIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    lease = models.UUIDField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    loaded_owner: str | None = None  # the owner's name, where it was read together with the job

    objects = JobQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["owner", "created_at"], name="job_by_owner"),
            models.Index(fields=["state", "created_at"], name="job_by_state"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["session"], condition=Q(state__in=UNFINISHED), name="one_unfinished_job_of_a_session"
            )
        ]
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}".strip()

    @property
    def exit_code(self) -> int | None:
        """That of the program which an index's job ran; None while it runs, and if it was ended."""
        code = self.result.get("exit_code")
        return code if isinstance(code, int) else None

    @property
    def started_by(self) -> str:
        """The name of whoever started it."""
        return self.owner.get_username() if self.loaded_owner is None else self.loaded_owner

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen."""
        return self.state not in UNFINISHED


def _stopping(column: str) -> str:
    user = get_user_model()._meta.db_table
    is_queued = f"WHEN state = '{JobState.QUEUED}'"
    states = ", ".join(f"'{state}'" for state in UNFINISHED)
    return (
        f"UPDATE {Job._meta.db_table} SET cancel_requested = TRUE, "
        f"finished_at = CASE {is_queued} THEN %s ELSE finished_at END, "
        f"state = CASE {is_queued} THEN '{JobState.CANCELLED}' ELSE state END "
        f"WHERE {column} = %s AND state IN ({states}) AND NOT cancel_requested "
        f"RETURNING *, (SELECT username FROM {user} WHERE {user}.id = owner_id) AS loaded_owner"
    )
