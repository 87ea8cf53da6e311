"""The transcript: finished messages in one line, indexes 0..n-1 without a gap."""

from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone

from sessions.models.json_field import JsonField
from sessions.models.session import Session

MOST_TOKENS = 2**42  # that a message counts for: a million of them still add up


class Role(models.TextChoices):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class TranscriptEntry(models.Model):
    """What a message holds, wherever it is kept: in the transcript or in a revision."""

    role = models.CharField(max_length=16, choices=Role)
    content = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    edited_at = models.DateTimeField(null=True, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    model = models.CharField(max_length=255, blank=True, default="")
    thinking = models.TextField(blank=True, default="")
    tool_name = models.CharField(max_length=255, blank=True, default="")
    tool_calls = JsonField(null=True, blank=True)
    tool_call_id = models.CharField(max_length=255, blank=True, default="")
    source_file = models.CharField(max_length=1024, blank=True, default="")
    prompt_eval_count = models.PositiveBigIntegerField(null=True, blank=True)
    eval_count = models.PositiveBigIntegerField(null=True, blank=True)
    metadata = JsonField(default=dict, blank=True)
    origin_session = models.UUIDField(null=True, blank=True, help_text="The session that the message was copied from.")
    origin_index = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        abstract = True


class MessageQuerySet(models.QuerySet["Message"]):
    """Pages of a transcript; each is a range of the unique index."""

    def of(self, session_id: object) -> Self:
        """One session's messages in order."""
        return self.filter(session_id=session_id).order_by("index")


class Message(TranscriptEntry):
    """One finished message of a session's transcript."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="messages")
    index = models.PositiveIntegerField()

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "index"], name="message_index_once")]
        ordering = ["session", "index"]

    def __str__(self) -> str:
        return f"#{self.index} {self.role}"


def tokens_in(column: str) -> str:
    """SQL for a number of tokens that can be added up: nobody's message has more than MOST_TOKENS, whatever it says."""
    return f"CASE WHEN {column} > {MOST_TOKENS} THEN {MOST_TOKENS} ELSE {column} END"
