"""A run: an agent at work in a session, as far as it has told."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from sessions.models.session import Phase, Session


class RunState(models.TextChoices):
    """What a run does now. It follows from its phase, its pending question and whether somebody stopped it."""

    GOING = "going", "Going"
    WAITING = "waiting", "Waiting for an answer"
    COMPLETE = "complete", "Complete"
    FAILED = "failed", "Failed"
    ABORTED = "aborted", "Stopped"

    @classmethod
    def of(cls, *, phase: str, is_aborted: bool, is_waiting: bool) -> "RunState":
        """The state of a run in this phase. What ends a run withdraws its question: one that waits was asked later."""
        if is_aborted:
            return cls.ABORTED
        if is_waiting:
            return cls.WAITING
        return cls(phase) if phase in (Phase.COMPLETE, Phase.FAILED) else cls.GOING


class Run(models.Model):
    """The head of a session's run. Every write of the run moves its heartbeat and its version, the ETag of progress."""

    session = models.OneToOneField(Session, primary_key=True, on_delete=models.CASCADE, related_name="run")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False,
        help_text="The session's owner, so that a fleet is a range of an index.",
    )  # fmt: skip
    state = models.CharField(max_length=16, choices=RunState, default=RunState.GOING)
    started_at = models.DateTimeField(default=timezone.now)
    heartbeat_at = models.DateTimeField(default=timezone.now)
    version = models.PositiveBigIntegerField(default=0)
    current_question_index = models.PositiveIntegerField(default=0)
    is_aborted = models.BooleanField(default=False)
    abort_reason = models.TextField(blank=True, default="")
    failure_reason = models.TextField(blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["owner", "state", "heartbeat_at", "session"], name="run_by_state")]
        ordering = ["-heartbeat_at"]

    def __str__(self) -> str:
        return f"{self.session_id}: {self.state}"
