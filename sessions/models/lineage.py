"""Where sessions come from: which one was forked, merged or split into which."""

from django.db import models
from django.utils import timezone

from sessions.models.json_field import JsonField
from sessions.models.session import Session


class LineageKind(models.TextChoices):
    """How a session came out of another one."""

    FORK = "fork", "Forked"
    MERGE = "merge", "Merged"
    SPLIT = "split", "Split"
    IMPORT = "import", "Imported"


class Lineage(models.Model):
    """One step from a parent to a child; a merge has one for each of its sources.

    It goes with the child. A parent that is purged leaves its id here, so that the child's past stays told; what came
    from outside has no parent.
    """

    parent = models.ForeignKey(
        Session,
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="lineage_of_children",
    )
    child = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="lineage")
    kind = models.CharField(max_length=16, choices=LineageKind)
    detail = JsonField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "lineage"

    def __str__(self) -> str:
        return f"{self.parent_id} {self.kind} {self.child_id}"
