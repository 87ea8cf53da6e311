"""Which models worked on a session: those that agents report, and those that messages name."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection, models
from django.utils import timezone

from sessions.models.rows import db_id, db_time
from sessions.models.session import Session


class ModelKind(models.TextChoices):
    """What a model is for."""

    LLM = "llm", "Language model"
    EMBEDDING = "embedding", "Embedding"


class ModelUsage(models.Model):
    """Reported uses of one model in one session. `switches` counts those that followed one of another model."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="model_usage", db_index=False)
    kind = models.CharField(max_length=9, choices=ModelKind)
    name = models.CharField(max_length=255)
    uses = models.PositiveBigIntegerField(default=0)
    switches = models.PositiveBigIntegerField(default=0)
    first_used_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "kind", "name"], name="model_usage_once")]
        verbose_name_plural = "model usage"

    def __str__(self) -> str:
        return f"{self.name}: {self.uses}"


_USAGE = ModelUsage._meta.db_table
_LEAST = {"sqlite": "min", "postgresql": "least"}
_GREATEST = {"sqlite": "max", "postgresql": "greatest"}
# The model of this kind that was used last is another one.
_SWITCHED = (
    f"COALESCE((SELECT CASE WHEN u.name = %s THEN 0 ELSE 1 END FROM {_USAGE} u WHERE u.session_id = %s AND u.kind = %s "
    "ORDER BY u.last_used_at DESC LIMIT 1), 0)"
)


def _upsert(values: str) -> str:
    vendor = connection.vendor
    return (
        f"INSERT INTO {_USAGE} (session_id, kind, name, uses, switches, first_used_at, last_used_at) {values} "
        f"ON CONFLICT (session_id, kind, name) DO UPDATE SET uses = {_USAGE}.uses + excluded.uses, "
        f"switches = {_USAGE}.switches + excluded.switches, "
        f"first_used_at = {_LEAST[vendor]}({_USAGE}.first_used_at, excluded.first_used_at), "
        f"last_used_at = {_GREATEST[vendor]}({_USAGE}.last_used_at, excluded.last_used_at)"
    )


def note_use(session_id: UUID, kind: str, name: str, at: datetime) -> None:
    """Count one use of a model, in one statement. The session's row is locked: uses come one after another."""
    session, moment = db_id(session_id), db_time(at)
    with connection.cursor() as cursor:
        cursor.execute(
            _upsert(f"VALUES (%s, %s, %s, 1, {_SWITCHED}, %s, %s)"),
            [session, kind, name, name, session, kind, moment, moment],
        )


def add_up_usage(target_id: UUID, source_ids: Sequence[UUID]) -> None:
    """Add the reported uses of several sessions to one, inside the database."""
    target = "CAST(%s AS uuid)" if connection.vendor == "postgresql" else "%s"
    places = ", ".join(["%s"] * len(source_ids))
    values = (
        f"SELECT {target}, kind, name, sum(uses), sum(switches), min(first_used_at), max(last_used_at) "
        f"FROM {_USAGE} WHERE session_id IN ({places}) GROUP BY kind, name"
    )
    with connection.cursor() as cursor:
        cursor.execute(_upsert(values), [db_id(target_id), *map(db_id, source_ids)])
