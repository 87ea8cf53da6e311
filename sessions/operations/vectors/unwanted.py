"""Points that a split took away and that Qdrant still has: noted with their collection until Qdrant has removed them.

Nobody sees them meanwhile: whoever asks Qdrant for points of the collection has them removed first.
"""

from collections.abc import Sequence
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from sessions.exceptions import VectorStoreError, VectorStoreUnreachable
from sessions.models import VectorCollection
from sessions.models.vector_collection import Place, point_id_of
from sessions.models.vector_rows import Collection
from sessions.operations.vectors.values import MAX_BATCH
from sessions.operations.vectors.writing import lease, note_count
from sessions.storage import qdrant

logger = structlog.get_logger(__name__)


def take_away(row: VectorCollection, keys: Sequence[str]) -> None:
    """Note points that Qdrant has to remove, in the transaction that has locked the collection's row.

    They go after the commit; if Qdrant is away then, as soon as it is there.
    """
    row.unwanted = sorted({*(row.unwanted or ()), *keys})
    row.point_count = max(row.point_count - len(keys), 0)
    row.revision += 1
    row.save(update_fields=["unwanted", "point_count", "revision"])
    transaction.on_commit(lambda: _remove_if_there(row.pk), robust=True)


def settled(collection: Collection) -> Collection:
    """The collection, of which Qdrant has no unwanted point any more. Raises VectorStoreError."""
    if collection.has_unwanted and collection.place == Place.QDRANT:
        remove_unwanted(collection.session_id)
    return collection


def remove_unwanted(session_id: UUID) -> None:
    """Remove from Qdrant what is noted. One process does so at a time, so that nothing put later goes with it.

    Raises VectorStoreError, also while somebody else is about it.
    """
    waiting = VectorCollection.objects.filter(pk=session_id, place=Place.QDRANT, unwanted__isnull=False)
    now = timezone.now()
    if not waiting.filter(Q(removing_since=None) | Q(removing_since__lt=now - lease())).update(removing_since=now):
        if waiting.exists():
            raise VectorStoreUnreachable("Points of the collection are being removed. Try again in a moment.")
        return
    keys: Sequence[str] = ()
    try:
        keys = _remove(session_id, waiting.values_list("unwanted", flat=True).first() or ())
    finally:
        revision = _forget(session_id, keys)
    if revision is not None:
        note_count(session_id, revision)


def _remove(session_id: UUID, keys: Sequence[str]) -> Sequence[str]:
    name, unwanted = qdrant.name_of(session_id), [point_id_of(key) for key in keys]
    for start in range(0, len(unwanted), MAX_BATCH):
        qdrant.connected().remove(name, unwanted[start : start + MAX_BATCH])
    return keys


def _forget(session_id: UUID, keys: Sequence[str]) -> int | None:
    """Note that these are gone, and let others remove what came since; return the revision, None without a row."""
    with transaction.atomic():
        row = VectorCollection.objects.select_for_update().filter(pk=session_id).first()
        if row is None:
            return None
        row.unwanted, row.removing_since = sorted({*(row.unwanted or ())} - {*keys}) or None, None
        row.revision += bool(keys)
        row.save(update_fields=["unwanted", "removing_since", "revision"])
        return row.revision


def _remove_if_there(session_id: UUID) -> None:
    try:
        remove_unwanted(session_id)
    except VectorStoreError as error:
        logger.warning("points_wait_to_be_removed", session_id=str(session_id), error=error.detail)


def retry_unwanted() -> None:
    """Remove what waits. After the first failure the rest waits on: it would fail alike."""
    waiting = VectorCollection.objects.filter(place=Place.QDRANT, unwanted__isnull=False)
    for session_id in waiting.order_by("pk").values_list("pk", flat=True):
        try:
            remove_unwanted(session_id)
        except VectorStoreError:
            return
