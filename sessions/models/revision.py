"""Revisions: what an edit replaced, kept so that it can be put back."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from sessions.models.message import TranscriptEntry
from sessions.models.session import Session


class Reason(models.TextChoices):
    """Why messages left the transcript."""

    EDIT = "edit", "Edited"
    RESTORE = "restore", "Replaced by an earlier revision"
    SYSTEM_PROMPT = "system_prompt", "System prompt replaced"


class Revision(models.Model):
    """A run of messages that left the transcript: a tail, or a replaced system prompt.

    Its first message is the one that was edited, as it was before.
    """

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    first_index = models.PositiveIntegerField()
    message_count = models.PositiveIntegerField()
    reason = models.CharField(max_length=16, choices=Reason)
    created_at = models.DateTimeField(default=timezone.now)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "number"], name="revision_number_once")]
        ordering = ["session", "-number"]

    def __str__(self) -> str:
        return f"Revision {self.number}"


class RevisionMessage(TranscriptEntry):
    """A message of a revision; `position` counts from the revision's first index."""

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="messages")
    position = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["revision", "position"], name="revision_position_once")]
        ordering = ["revision", "position"]

    def __str__(self) -> str:
        return f"+{self.position} {self.role}"
