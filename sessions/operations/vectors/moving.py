"""Collections in the database move to Qdrant where there is one: copies, imports, and what was there before it."""

from datetime import timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from sessions.exceptions import VectorStoreError
from sessions.models import VectorCollection, VectorPoint
from sessions.models import vector_rows as rows
from sessions.models.vector_collection import FLOAT_BYTES, Place, point_id_of
from sessions.storage import qdrant
from sessions.storage.qdrant.point import Point

_AT_ONCE = 1_000
_BATCH_BYTES = 2**20
_LEASE = timedelta(minutes=5)  # renewed with each batch; a killed worker's move is taken up after it
_AGES_AGO = timedelta(days=1)
_QUICK = 2_000  # points that are moved at once, by whoever made them; the worker moves more
_LONG_ENOUGH = timedelta(seconds=20)

logger = structlog.get_logger(__name__)


def move_after_commit(session_id: UUID) -> None:
    """Move a collection that the transaction makes, once it has committed; a large one is left to the worker."""
    if qdrant.is_configured():
        transaction.on_commit(lambda: _move_if_quick(session_id), robust=True)


def _move_if_quick(session_id: UUID) -> None:
    found = rows.read_collection(session_id)
    if found is not None and found.point_count <= _QUICK:
        move_collection(session_id)


def move_collections() -> int:
    """Move what waits in the database, for a while; return how many collections were moved."""
    if not qdrant.is_configured():
        return 0
    moved, until = 0, timezone.now() + _LONG_ENOUGH
    waiting = VectorCollection.objects.filter(_is_free(), place=Place.DATABASE, session__vector_points__isnull=False)
    for session_id in list(
        waiting.order_by(F("moving_since").asc(nulls_first=True), "pk").distinct().values_list("pk", flat=True)[:100]
    ):
        if not move_collection(session_id) or timezone.now() > until:
            break
        moved += 1
    return moved


def _is_free() -> Q:
    return Q(moving_since=None) | Q(moving_since__lt=timezone.now() - _LEASE)


def move_collection(session_id: UUID) -> bool:
    """Move one collection to Qdrant; return whether it is there. Readers find it in the database until it is whole.

    From the claim on a deleted session leaves a tombstone, because Qdrant may hold a part of it.
    """
    claimed = VectorCollection.objects.filter(_is_free(), pk=session_id, place=Place.DATABASE)
    if not claimed.update(moving_since=timezone.now()):
        return False
    revision = VectorCollection.objects.filter(pk=session_id).values_list("revision", flat=True).first()
    try:
        copied = _copy(session_id)
        return revision is not None and _hand_over(session_id, revision, copied)
    except VectorStoreError as error:
        logger.warning("vectors_not_moved", session_id=str(session_id), error=error.detail)
        return False
    finally:
        left = VectorCollection.objects.filter(pk=session_id, place=Place.DATABASE)
        left.update(moving_since=timezone.now() - _AGES_AGO)  # free, and there may be something in Qdrant


def _copy(session_id: UUID) -> int:
    """Make the collection anew in Qdrant and copy every point; return how many there were."""
    found = rows.read_collection(session_id)
    if found is None:
        return 0
    name = qdrant.name_of(session_id)
    store = qdrant.connected()
    store.drop(name)
    store.make(name, found.size, found.distance.value)
    at_once = max(1, min(_AT_ONCE, _BATCH_BYTES // (found.size * FLOAT_BYTES)))
    copied, start = 0, ""
    while True:
        page = rows.read_points(session_id, start=start, limit=at_once + 1, with_vectors=True)
        if batch := page[:at_once]:
            qdrant.connected().put(name, [Point(point_id_of(key), vector, payload) for key, vector, payload in batch])
            copied += len(batch)
        if len(page) <= at_once:
            return copied
        start = page[at_once].key
        VectorCollection.objects.filter(pk=session_id).update(moving_since=timezone.now())


def _hand_over(session_id: UUID, revision: int, copied: int) -> bool:
    """Make Qdrant the place, if nobody has written into the database meanwhile and everything arrived."""
    if qdrant.connected().count(qdrant.name_of(session_id)) != copied:
        return False
    with transaction.atomic():
        row = VectorCollection.objects.select_for_update().filter(pk=session_id, place=Place.DATABASE).first()
        if row is None or row.revision != revision:
            return False
        row.place, row.point_count, row.moving_since = Place.QDRANT, copied, None
        row.save(update_fields=["place", "point_count", "moving_since"])
        VectorPoint.objects.filter(session_id=session_id)._raw_delete("default")
    return True
