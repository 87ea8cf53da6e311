"""Tombstones of workspaces that have to go."""

from django.db import models
from django.utils import timezone


class WorkspaceRemoval(models.Model):
    """A workspace to remove: written in the deleting transaction, kept until the directory is gone."""

    session_id = models.UUIDField(unique=True)
    requested_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveIntegerField(default=0)
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["requested_at"]
        verbose_name = "workspace removal"

    def __str__(self) -> str:
        return str(self.session_id)
