"""The whole site in numbers, for its operators' monitoring. None of them is counted from millions of rows."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, models
from django.db.models import Count, Min, Sum
from django.utils import timezone

from sessions.models.job import Job, JobState
from sessions.models.message import Message
from sessions.models.retention import RetentionPolicy
from sessions.models.session_count import SessionCount
from sessions.models.vector_collection import VectorCollection, VectorPoint
from sessions.models.vector_removal import VectorRemoval
from sessions.models.workspace_removal import WorkspaceRemoval

EXACT = 10_000  # rows of a table that are counted; of more the database's own reckoning is taken


@dataclass(frozen=True, slots=True)
class SiteNumbers:
    """What there is now. `oldest_job_seconds` is how long the job has waited that waits longest; 0 if none does."""

    sessions: dict[str, int]
    messages: int
    jobs: dict[str, int]
    oldest_job_seconds: float
    removals: dict[str, int]
    collections: int
    points: int
    retention_applied_at: datetime | None


def read_site_numbers() -> SiteNumbers:
    """Read them. Numbers of sessions are the kept ones; messages and vectors are exact up to EXACT, then reckoned."""
    kept = SessionCount.objects.filter(tag_id=None).order_by().values_list("status").annotate(total=Sum("amount"))
    jobs = list(Job.objects.order_by().values_list("state").annotate(Count("pk"), Min("created_at")))
    oldest = next((at for state, _, at in jobs if state == JobState.QUEUED), None)
    return SiteNumbers(
        sessions=dict(kept),
        messages=reckoned(Message),
        jobs={state: count for state, count, _ in jobs},
        oldest_job_seconds=max(0.0, (timezone.now() - oldest).total_seconds()) if oldest else 0.0,
        removals={"workspace": WorkspaceRemoval.objects.count(), "vectors": VectorRemoval.objects.count()},
        collections=VectorCollection.objects.order_by()[: EXACT + 1].count(),
        points=reckoned(VectorPoint),
        retention_applied_at=RetentionPolicy.objects.current().applied_at,
    )


def reckoned(model: type[models.Model]) -> int:
    """About how many rows a table with growing ids has; exactly up to EXACT of them."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT {EXACT + 1}) few")
        rows = int(cursor.fetchone()[0])
        if rows <= EXACT:
            return rows
        if connection.vendor == "postgresql":  # as its last ANALYZE, or vacuum, found
            cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [table])
            rows = int(cursor.fetchone()[0])
            if rows > EXACT:
                return rows
        cursor.execute(f"SELECT (SELECT max(id) FROM {table}) - (SELECT min(id) FROM {table}) + 1")
        return int(cursor.fetchone()[0])
