"""Tombstones of collections in Qdrant that have to go."""

from django.db import models
from django.utils import timezone


class VectorRemoval(models.Model):
    """A collection to remove: written in the deleting transaction, kept until Qdrant says that it is gone."""

    session_id = models.UUIDField(unique=True)
    requested_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now, help_text="Not before: somebody may be writing into it.")
    attempts = models.PositiveIntegerField(default=0)
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["requested_at"]
        verbose_name = "vector removal"

    def __str__(self) -> str:
        return str(self.session_id)
