"""Events: audit trail, activity feed and change feed in one append-only table."""

from datetime import datetime
from typing import Any, Never
from uuid import UUID

from django.conf import settings
from django.db import models
from django.utils import timezone

from sessions.models.rows import db_id, db_json, db_time, prepared_cursor
from sessions.models.session import Session

_APPEND_ONLY = "Events are append-only: write another one instead."


class Verb(models.TextChoices):
    """What happened, in the past tense."""

    CREATED = "created"
    UPDATED = "updated"
    RENAMED = "renamed"
    PINNED = "pinned"
    UNPINNED = "unpinned"
    TAGGED = "tagged"
    ARCHIVED = "archived"
    RESTORED = "restored"
    TRASHED = "trashed"
    PURGED = "purged"
    APPENDED = "appended"
    EDITED = "edited"
    REVISION_RESTORED = "revision_restored"
    SYSTEM_PROMPT_SET = "system_prompt_set"
    SYSTEM_PROMPT_REMOVED = "system_prompt_removed"
    PHASE_ENTERED = "phase_entered"
    QUESTION_ANSWERED = "question_answered"
    ARTIFACT_SET = "artifact_set"
    TASKS_SET = "tasks_set"
    TASK_UPDATED = "task_updated"
    ERROR_REPORTED = "error_reported"
    CLARIFICATION_ASKED = "clarification_asked"
    CLARIFICATION_ANSWERED = "clarification_answered"
    FILE_PUT = "file_put"
    FILE_REMOVED = "file_removed"
    INDEXING_STARTED = "indexing_started"
    INDEXING_CANCELLED = "indexing_cancelled"
    INDEXING_FAILED = "indexing_failed"
    INDEXED = "indexed"
    POINTS_PUT = "points_put"
    POINTS_REMOVED = "points_removed"
    RUN_FAILED = "run_failed"
    RUN_ABORTED = "run_aborted"
    RUN_REOPENED = "run_reopened"
    IMPORTED = "imported"
    REPAIRED = "repaired"
    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    ACCOUNT_CREATED = "account_created"
    ACCOUNT_CHANGED = "account_changed"
    ACCOUNT_DELETED = "account_deleted"
    PROFILE_CHANGED = "profile_changed"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  (a verb)
    FORKED = "forked"
    MERGED = "merged"
    SPLIT = "split"
    SHARED = "shared"
    ROLE_CHANGED = "role_changed"
    UNSHARED = "unshared"
    LEFT = "left"
    LINK_CREATED = "link_created"
    LINK_REVOKED = "link_revoked"
    STATISTICS_ADDED = "statistics_added"
    MODEL_USED = "model_used"
    RETENTION_SET = "retention_set"
    RETENTION_APPLIED = "retention_applied"
    TOKEN_CREATED = "token_created"  # noqa: S105  (a verb)
    TOKEN_REVOKED = "token_revoked"  # noqa: S105  (a verb)


OF_ACCOUNTS = frozenset(
    verb.value
    for verb in (
        Verb.SIGNED_IN, Verb.SIGNED_OUT, Verb.ACCOUNT_CREATED, Verb.ACCOUNT_CHANGED, Verb.ACCOUNT_DELETED,
        Verb.PROFILE_CHANGED, Verb.PASSWORD_CHANGED, Verb.RETENTION_SET, Verb.RETENTION_APPLIED,
        Verb.TOKEN_CREATED, Verb.TOKEN_REVOKED,
    )
)  # fmt: skip


class TransactionNumber(models.Func):
    """The number of the transaction that writes; the same for all on SQLite, where transactions never overlap."""

    template = "0"
    arity = 0
    output_field = models.BigIntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """PostgreSQL's own 64 bits, which never come again."""
        return self.as_sql(compiler, connection, template="(pg_current_xact_id()::text)::bigint", **extra)


class EventQuerySet(models.QuerySet["Event"]):
    """Appending; nothing else changes events."""

    def append(
        self,
        *,
        session_id: UUID | None,
        at: datetime,
        detail: dict[str, Any],
        account_id: int | None = None,
        **values: Any,
    ) -> None:
        """Insert one event in one prepared statement.

        It is in the feed of its session's owner; without a session in that of the account that it is about, else of its
        actor.
        """
        row = {
            "session_id": db_id(session_id) if session_id else None,
            "at": db_time(at),
            "detail": db_json(detail),
            **values,
        }
        columns = ", ".join(row)
        places = ", ".join(["%s"] * len(row))
        owner, whose = "%s", account_id or values.get("actor_id")
        if session_id is not None:
            owner, whose = f"(SELECT owner_id FROM {Session._meta.db_table} WHERE id = %s)", row["session_id"]
        with prepared_cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {self.model._meta.db_table} ({columns}, owner_id) VALUES ({places}, {owner})",
                [*row.values(), whose],
            )

    def moved_among_newest(self, number: int) -> "EventQuerySet":
        """What lately put sessions into the trash or took them out of it, among about so many newest events."""
        newest = self.order_by("-id").values_list("id", flat=True).first() or 0
        return self.filter(id__gt=newest - number, verb__in=(Verb.TRASHED, Verb.RESTORED))

    def update(self, **values: Any) -> Never:
        """Refuse: events are append-only."""
        raise TypeError(_APPEND_ONLY)

    def delete(self) -> Never:
        """Refuse: events are append-only."""
        raise TypeError(_APPEND_ONLY)


class Event(models.Model):
    """One thing that happened. It outlives its session and its actor, and nobody changes it."""

    session_id = models.UUIDField(null=True, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    actor_name = models.CharField(max_length=150, blank=True, default="")
    token_name = models.CharField(max_length=100, blank=True, default="")
    verb = models.CharField(max_length=32, choices=Verb)
    detail = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(default=timezone.now)
    owner_id = models.IntegerField(
        null=True, blank=True, help_text="In whose feed it is: the session's owner then, whatever became of both."
    )
    transaction_number = models.BigIntegerField(db_default=TransactionNumber(), editable=False)

    objects = EventQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["session_id", "id"], name="event_by_session"),
            models.Index(fields=["owner_id", "transaction_number", "id"], name="event_by_owner"),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.verb} {self.session_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; a second save is refused, because events are never changed."""
        if self.pk is not None:
            self._refuse()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Never:
        """Refuse: events are append-only."""
        self._refuse()

    def _refuse(self) -> Never:
        raise TypeError(_APPEND_ONLY)
