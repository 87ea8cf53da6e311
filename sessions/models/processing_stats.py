"""What was done with a session's material, as agents count it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection, models

from sessions.models.rows import db_id, db_time
from sessions.models.session import Session

COUNTERS = ("urls_processed", "content_analyzed", "clusters_generated", "embeddings_created")


class ProcessingStats(models.Model):
    """Counters of one session. They move in SQL, so that parallel increments add up."""

    session = models.OneToOneField(Session, primary_key=True, on_delete=models.CASCADE, related_name="processing_stats")
    urls_processed = models.PositiveBigIntegerField(default=0)
    content_analyzed = models.PositiveBigIntegerField(default=0)
    clusters_generated = models.PositiveBigIntegerField(default=0)
    embeddings_created = models.PositiveBigIntegerField(default=0)
    last_processing_time = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "processing statistics"
        verbose_name_plural = "processing statistics"

    def __str__(self) -> str:
        return str(self.session_id)


_STATS = ProcessingStats._meta.db_table
_LATEST = {"sqlite": "max", "postgresql": "greatest"}
_ADDED = ", ".join(f"{name} = {_STATS}.{name} + excluded.{name}" for name in COUNTERS)


def _upsert(values: str) -> str:
    latest = f"{_LATEST[connection.vendor]}(COALESCE({_STATS}.last_processing_time, excluded.last_processing_time), "
    return (
        f"INSERT INTO {_STATS} (session_id, last_processing_time, {', '.join(COUNTERS)}) {values} "
        f"ON CONFLICT (session_id) DO UPDATE SET {_ADDED}, last_processing_time = {latest}"
        f"COALESCE(excluded.last_processing_time, {_STATS}.last_processing_time))"
    )


def add_to_counters(session_id: UUID, counts: Mapping[str, int], at: datetime) -> None:
    """Add to a session's counters in one statement; what isn't given stays. `at` is when it was done."""
    amounts = [counts.get(name, 0) for name in COUNTERS]
    with connection.cursor() as cursor:
        cursor.execute(_upsert(f"VALUES (%s, %s{', %s' * len(amounts)})"), [db_id(session_id), db_time(at), *amounts])


def add_up_counters(target_id: UUID, source_ids: Sequence[UUID]) -> None:
    """Add the counters of several sessions to one, inside the database."""
    sums = ", ".join(f"COALESCE(sum({name}), 0)" for name in COUNTERS)
    target = "CAST(%s AS uuid)" if connection.vendor == "postgresql" else "%s"
    places = ", ".join(["%s"] * len(source_ids))
    values = f"SELECT {target}, max(last_processing_time), {sums} FROM {_STATS} WHERE session_id IN ({places})"
    with connection.cursor() as cursor:
        cursor.execute(_upsert(values), [db_id(target_id), *map(db_id, source_ids)])
