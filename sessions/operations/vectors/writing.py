"""Writes to Qdrant, which happen outside of transactions: the database knows while one is under way.

A collection's row is committed before Qdrant hears of it, so that whoever purges the session
leaves a tombstone. `writers` tells them to wait with it: what arrives late would make the
collection anew. A killed writer never counts itself down; its claim runs out.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from sessions.exceptions import SessionNotFound, VectorStoreError
from sessions.models import VectorCollection
from sessions.models.vector_rows import Collection
from sessions.storage import qdrant

T = TypeVar("T")


def lease() -> timedelta:
    """How long a write may take at most, and then some."""
    return timedelta(seconds=30 + 2 * settings.QDRANT_SECONDS)


def nobody_writes() -> Q:
    """The condition that no write to a collection is under way."""
    return Q(writers=0) | Q(writing_since__lt=timezone.now() - lease())


def begin_writing(session_id: UUID) -> None:
    """Note a writer, in the transaction that authorises it."""
    first = When(nobody_writes(), then=Value(1))
    rows = VectorCollection.objects.filter(pk=session_id)
    rows.update(writers=Case(first, default=F("writers") + 1), writing_since=timezone.now())


def write(collection: Collection, work: Callable[[], T], *, done: Callable[[T], None], more: int = 0) -> T:
    """Do the work in Qdrant, outside of any transaction; `done` notes it in the one that counts the writer down.

    `more` is the most points that it adds. Raises what `work` raises, SessionNotFound for a session purged meanwhile.
    """
    try:
        result = work()
    except BaseException:
        _end_writing(collection.session_id)
        raise
    with transaction.atomic():
        revision = _end_writing(collection.session_id, more)
        if revision is None:
            raise SessionNotFound(collection.session_id)
        done(result)
    note_count(collection.session_id, revision)
    return result


def count_again(session_id: UUID) -> None:
    """Note how many points Qdrant has, if nobody writes."""
    revision = VectorCollection.objects.filter(pk=session_id).values_list("revision", flat=True).first()
    if revision is not None:
        note_count(session_id, revision)


def _end_writing(session_id: UUID, more: int = 0) -> int | None:
    """Count a writer down and its points up, to what they may be at most; return the revision, None without a row."""
    with transaction.atomic():
        row = VectorCollection.objects.select_for_update().filter(pk=session_id).first()
        if row is None:
            return None
        row.writers, row.revision, row.point_count = max(row.writers - 1, 0), row.revision + 1, row.point_count + more
        row.save(update_fields=["writers", "revision", "point_count"])
        return row.revision


def note_count(session_id: UUID, revision: int) -> None:
    """Note how many points Qdrant has, unless somebody writes or has written meanwhile: they count then."""
    try:
        count = qdrant.connected().count(qdrant.name_of(session_id))
    except VectorStoreError:
        return  # the next write counts; until then the number is too large rather than too small
    VectorCollection.objects.filter(pk=session_id, revision=revision, writers=0).update(point_count=count)
