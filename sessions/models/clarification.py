"""Questions that a run asks while it works, and their answers."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from sessions.models.json_field import JsonField
from sessions.models.session import Session


class Clarification(models.Model):
    """A question to whoever looks after the run; its answer is one of the `options` if there are any.

    At most one is pending.
    """

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="clarifications", db_index=False)
    question = models.TextField()
    context = models.TextField(blank=True, default="")
    options = JsonField(default=list, blank=True)
    asked_at = models.DateTimeField(default=timezone.now)
    is_pending = models.BooleanField(default=True)
    answer = models.TextField(null=True, blank=True)  # noqa: DJ001  (an answer may be empty; null is none)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        indexes = [models.Index(fields=["session", "id"], name="clarification_by_session")]
        constraints = [
            models.UniqueConstraint(
                fields=["session"], condition=models.Q(is_pending=True), name="clarification_one_pending"
            )
        ]
        ordering = ["session", "id"]

    def __str__(self) -> str:
        return self.question[:80]
