"""Statements that compare numbers with what they were added up from: counters, uses of models, vectors, times."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Length

from sessions.models.consistency import uuid_of
from sessions.models.event import Event, Verb
from sessions.models.imported import ImportSource
from sessions.models.lineage import Lineage, LineageKind
from sessions.models.model_usage import ModelUsage
from sessions.models.processing_stats import COUNTERS, ProcessingStats
from sessions.models.session import Session, Status
from sessions.models.vector_collection import FLOAT_BYTES, Place, VectorCollection, VectorPoint

_SESSION, _EVENT, _STATS, _USAGE, _LINEAGE, _IMPORT = (
    model._meta.db_table for model in (Session, Event, ProcessingStats, ModelUsage, Lineage, ImportSource)
)
# What merges add up and archives bring has no events here: such sessions are left out.
_COUNTED_HERE = (
    f"EXISTS (SELECT 1 FROM {_SESSION} s WHERE s.id = found.session_id) "
    f"AND NOT EXISTS (SELECT 1 FROM {_LINEAGE} l "
    f"WHERE l.child_id = found.session_id AND l.kind = '{LineageKind.MERGE.value}') "
    f"AND NOT EXISTS (SELECT 1 FROM {_IMPORT} i WHERE i.session_id = found.session_id)"
)


def wrong_counters() -> Iterator[UUID]:
    """Sessions whose counters aren't the sums of their events."""
    kept = ", ".join(COUNTERS)
    told = ", ".join(f"-COALESCE(CAST({_text(name)} AS bigint), 0)" for name in COUNTERS)
    wrong = " OR ".join(f"sum({name}) <> 0" for name in COUNTERS)
    yield from _sessions(
        f"SELECT session_id FROM (SELECT session_id, {kept} FROM {_STATS} UNION ALL "
        f"SELECT session_id, {told} FROM {_EVENT} WHERE verb = '{Verb.STATISTICS_ADDED.value}') found "
        f"WHERE {_COUNTED_HERE} GROUP BY session_id HAVING {wrong} ORDER BY session_id"
    )


def wrong_usage() -> Iterator[UUID]:
    """Sessions whose reported uses of a model aren't as many as their events."""
    yield from _sessions(
        f"SELECT DISTINCT session_id FROM (SELECT session_id FROM (SELECT session_id, kind, name, uses FROM {_USAGE} "
        f"UNION ALL SELECT session_id, {_text('model_type')}, {_text('model_name')}, -1 FROM {_EVENT} "
        f"WHERE verb = '{Verb.MODEL_USED.value}') found WHERE {_COUNTED_HERE} "
        "GROUP BY session_id, kind, name HAVING sum(uses) <> 0) wrong ORDER BY session_id"
    )


def stray_points() -> QuerySet[VectorPoint]:
    """Points in this database that no collection here tells of, or whose vectors have another size."""
    fitting = VectorCollection.objects.annotate(bytes=F("size") * FLOAT_BYTES).filter(
        pk=OuterRef("session_id"), place=Place.DATABASE, bytes=OuterRef("bytes")
    )
    return VectorPoint.objects.annotate(bytes=Length("vector")).filter(~Exists(fitting))


def sizes_of(points: QuerySet[VectorPoint]) -> list[int]:
    """The sizes that these points' vectors have, in bytes: each once, two of them at most."""
    return list(points.order_by().values_list(Length("vector"), flat=True).distinct()[:2])


def timeless() -> Q:
    """The condition that a session's status and the times that retention counts from don't fit."""
    archived, deleted = Q(archived_at__isnull=False), Q(deleted_at__isnull=False)
    return (
        Q(~archived, status=Status.ARCHIVED)
        | Q(~deleted, status=Status.DELETED)
        | Q(archived, status=Status.ACTIVE)
        | (deleted & ~Q(status=Status.DELETED))
    )


def _text(name: str) -> str:
    """A value of an event's detail."""
    return f"json_extract(detail, '$.{name}')" if connection.vendor == "sqlite" else f"detail->>'{name}'"


def _sessions(statement: str) -> Iterator[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return (uuid_of(row[0]) for row in rows)
