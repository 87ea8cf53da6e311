"""What a run has made, each kind with its versions."""

from django.db import models
from django.utils import timezone

from sessions.models.json_field import JsonField
from sessions.models.session import Session


class Artifact(models.Model):
    """One version of an artifact: JSON, or the path of a file in the workspace."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="artifacts", db_index=False)
    kind = models.CharField(max_length=100)
    version = models.PositiveIntegerField()
    data = JsonField(null=True)
    path = models.CharField(max_length=4096, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "kind", "version"], name="artifact_version_once")]
        ordering = ["session", "kind", "-version"]

    def __str__(self) -> str:
        return f"{self.kind} {self.version}"
