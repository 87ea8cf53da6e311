"""The phases that a run has been through."""

from django.db import models
from django.utils import timezone

from sessions.models.session import Phase, Session


class PhaseEntry(models.Model):
    """A run entered a phase."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="phase_entries", db_index=False)
    phase = models.CharField(max_length=32, choices=Phase)
    entered_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["session", "id"], name="phase_entry_by_session")]
        ordering = ["session", "id"]
        verbose_name_plural = "phase entries"

    def __str__(self) -> str:
        return str(self.phase)
