"""What a run says while it works."""

from django.db import models
from django.utils import timezone

from sessions.models.session import Session


class LogEntry(models.Model):
    """One line of a run's log. Lines are in order of their arrival, whatever their time stamps say."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="log_entries", db_index=False)
    timestamp = models.DateTimeField(default=timezone.now)
    message = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["session", "id"], name="log_entry_by_session")]
        ordering = ["session", "id"]
        verbose_name_plural = "log entries"

    def __str__(self) -> str:
        return self.message[:80]
