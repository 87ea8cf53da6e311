"""Answers of a run's questionnaire."""

from django.db import models
from django.utils import timezone

from sessions.models.json_field import JsonField
from sessions.models.session import Session


class Answer(models.Model):
    """The answer to one question of the questionnaire; answering again replaces it."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="answers", db_index=False)
    question_id = models.CharField(max_length=255)
    answer = JsonField(null=True)
    answered_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "question_id"], name="answer_once")]
        ordering = ["session", "id"]

    def __str__(self) -> str:
        return self.question_id
