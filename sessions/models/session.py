"""A research session: one unit of work."""

import uuid
from datetime import timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from sessions.models.expiry import ExpirySecond
from sessions.models.json_field import JsonField

SHORT_ID_LENGTH = 10
ACCESS_STEP = timedelta(minutes=1)  # last_accessed moves once in it at most
_HAS_DELETION = models.Q(deleted_at__isnull=False)
_HAS_ARCHIVAL = models.Q(archived_at__isnull=False)
_HAS_EXPIRY = models.Q(ttl_seconds__isnull=False)


class Status(models.TextChoices):
    """Where a session is in its life; `archived` and trash are derived from it alone."""

    ACTIVE = "active", "Active"
    ARCHIVED = "archived", "Archived"
    DELETED = "deleted", "In the trash"


class Phase(models.TextChoices):
    """The phases of an agent's run, in their order."""

    QUESTIONNAIRE = "questionnaire"
    BUILD_SPEC = "build_spec"
    IDEA = "idea"
    PLAN_REVIEW = "plan_review"
    EXECUTION = "execution"
    CLARIFICATION = "clarification"
    VERIFICATION = "verification"
    COMPLETE = "complete"
    FAILED = "failed"


class SessionQuerySet(models.QuerySet["Session"]):
    """Questions about sessions that every front door asks."""

    def with_id(self, session_id: uuid.UUID | None, short_id: str = "") -> Self:
        """The session with this id, or those whose id starts with these ten hex digits."""
        if session_id is not None:
            return self.filter(pk=session_id)
        first, last = short_id_range(short_id)
        return self.filter(pk__gte=first, pk__lte=last)

    def in_trash(self) -> Self:
        """Sessions in the trash."""
        return self.filter(status=Status.DELETED)


def short_id_range(short_id: str) -> tuple[uuid.UUID, uuid.UUID]:
    """The smallest and the largest id that starts with `short_id`."""
    width = 32 - len(short_id)
    return uuid.UUID(short_id + "0" * width), uuid.UUID(short_id + "f" * width)


class Session(models.Model):
    """One unit of work: what is kept about it beside its transcript, workspace and vectors."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="research_sessions")
    name = models.CharField(max_length=255)
    name_is_automatic = models.BooleanField(
        default=False, help_text="The name comes from the first user message as long as nobody gave one."
    )
    description = models.CharField(max_length=1024, blank=True, default="")
    status = models.CharField(max_length=16, choices=Status, default=Status.ACTIVE)
    pinned = models.BooleanField(default=False)
    model = models.CharField(max_length=255, blank=True, default="")
    tool_settings = JsonField(default=dict, blank=True)
    agent_settings = JsonField(default=dict, blank=True)
    context_window_config = JsonField(default=dict, blank=True)
    configuration = JsonField(default=dict, blank=True)
    metadata = JsonField(default=dict, blank=True)
    summary = JsonField(null=True, blank=True, default=None, help_text="A text, or {summary, topics}.")
    summary_model = models.CharField(max_length=255, blank=True, default="")
    ttl_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="Seconds after last_accessed at which the session expires."
    )
    phase = models.CharField(max_length=32, blank=True, default="", choices=Phase)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    last_accessed = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    message_count = models.PositiveIntegerField(default=0)
    preview = models.CharField(max_length=100, blank=True, default="")
    version = models.PositiveBigIntegerField(default=1)
    tags = models.ManyToManyField("research.Tag", through="research.SessionTag", related_name="sessions", blank=True)

    loaded_tags: list[str] | None = None  # the tags' names, where they were read together with the session
    reader_role: str | None = None  # owner, editor or viewer: what whoever loaded it is to it
    loaded_owner: str | None = None  # the owner's name, where it was read together with the session
    version_before: int | None = None  # where it was read under a lock: its version when that was asked for
    loaded_is_shared: bool = False  # whether it has members, where that was read together with the session
    first_message_ids: list[int] | None = None  # of the messages that it was made with, where it was made just now
    objects = SessionQuerySet.as_manager()

    class Meta:
        # One index a sort order: a page is a range of it, read forwards or backwards (docs/decisions/0005-lists.md).
        indexes = [
            models.Index(fields=["owner", "status", "pinned", "updated_at", "id"], name="session_by_updated"),
            models.Index(fields=["owner", "status", "pinned", "created_at", "id"], name="session_by_created"),
            models.Index(fields=["owner", "status", "pinned", "last_accessed", "id"], name="session_by_accessed"),
            models.Index(fields=["owner", "status", "pinned", "name", "id"], name="session_by_name"),
            models.Index(fields=["updated_at", "id"], name="session_by_change"),  # everybody's, in the admin
            # For retention; sessions that they don't concern cost them nothing.
            models.Index(fields=["deleted_at", "id"], name="session_by_deletion", condition=_HAS_DELETION),
            models.Index(fields=["archived_at", "id"], name="session_by_archival", condition=_HAS_ARCHIVAL),
            models.Index(ExpirySecond("last_accessed"), "id", name="session_by_expiry", condition=_HAS_EXPIRY),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(status__in=Status.values), name="session_status_known"),
            models.CheckConstraint(condition=~models.Q(name=""), name="session_has_name"),
        ]
        ordering = ["-pinned", "-updated_at", "-id"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The session's page; also the admin's View on site."""
        return reverse("session_detail", args=[self.pk])

    @property
    def short_id(self) -> str:
        """The first ten hex digits, which work wherever an id does."""
        return self.pk.hex[:SHORT_ID_LENGTH]

    @property
    def archived(self) -> bool:
        """Whether the session is archived; derived from the status."""
        return self.status == Status.ARCHIVED

    @property
    def in_trash(self) -> bool:
        """Whether the session is in the trash."""
        return self.status == Status.DELETED

    @property
    def is_writable(self) -> bool:
        """Whether the transcript takes messages."""
        return self.status == Status.ACTIVE

    @property
    def is_readers_own(self) -> bool:
        """Whether whoever loaded it may archive, delete and share it."""
        return self.reader_role == "owner"

    @property
    def reader_may_write(self) -> bool:
        """Whether whoever loaded it may change what is kept in it."""
        return self.reader_role in ("owner", "editor")

    @property
    def takes_words(self) -> bool:
        """Whether the transcript takes messages of whoever loaded it."""
        return self.is_writable and self.reader_may_write


class SessionTag(models.Model):
    """A tag on a session."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="session_tags")
    tag = models.ForeignKey("research.Tag", on_delete=models.CASCADE, related_name="session_tags")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "tag"], name="session_tag_once")]

    def __str__(self) -> str:
        return f"{self.session_id}: {self.tag_id}"
