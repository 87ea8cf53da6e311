"""What went wrong in a run."""

from django.db import models
from django.utils import timezone

from sessions.models.session import Phase, Session


class ErrorEntry(models.Model):
    """One error that a run reported."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="error_entries", db_index=False)
    timestamp = models.DateTimeField(default=timezone.now)
    task_id = models.CharField(max_length=255, blank=True, default="")
    error_message = models.TextField()
    phase = models.CharField(max_length=32, choices=Phase, blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["session", "id"], name="error_entry_by_session")]
        ordering = ["session", "id"]
        verbose_name_plural = "error entries"

    def __str__(self) -> str:
        return self.error_message[:80]
