"""Collections in Qdrant go with their sessions, whichever way those go, as soon as Qdrant is there."""

import time
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from sessions.exceptions import VectorStoreError
from sessions.models import Session, VectorCollection, VectorRemoval
from sessions.models.vector_collection import Place
from sessions.operations.vectors.writing import lease
from sessions.storage import qdrant

_PATIENCE_SECONDS = 3.0  # of whoever deletes; the worker has more
_PAUSE_SECONDS = 30.0  # after a failure in this process, deleting doesn't wait for Qdrant again

logger = structlog.get_logger(__name__)
_not_before = 0.0


def leave_tombstone(sender: type[Session], instance: Session, **kwargs: Any) -> None:
    """Note, in the transaction that deletes a session, that its collection has to go (signal `pre_delete`)."""
    session_id = instance.pk
    row = VectorCollection.objects.filter(pk=session_id).select_for_update().first()
    if row is None or (row.place != Place.QDRANT and row.moving_since is None):
        return
    now = timezone.now()
    due_at = now + lease() if row.writers or row.moving_since else now
    VectorRemoval.objects.bulk_create([VectorRemoval(session_id=session_id, due_at=due_at)], ignore_conflicts=True)
    transaction.on_commit(lambda: _remove_if_quick(session_id), robust=True)


def _remove_if_quick(session_id: UUID) -> None:
    """Remove the collection now, unless Qdrant has just failed: nobody shall wait for it with each of many sessions."""
    global _not_before
    if time.monotonic() < _not_before:
        return
    started = time.monotonic()
    if not remove_collection(session_id, seconds=_PATIENCE_SECONDS) and time.monotonic() - started > 1:
        _not_before = time.monotonic() + _PAUSE_SECONDS


def remove_collection(session_id: UUID, *, seconds: float | None = None) -> bool:
    """Remove the collection of a deleted session, then its tombstone; return whether it is gone.

    A failure is noted on the tombstone, and the worker tries again.
    """
    tombstone = VectorRemoval.objects.filter(session_id=session_id)
    if Session.objects.filter(pk=session_id).exists():  # nothing kept is touched, whatever a tombstone says
        tombstone.delete()
        return False
    if not tombstone.filter(due_at__lte=timezone.now()).exists():
        return not tombstone.exists()
    try:
        qdrant.connected(seconds=seconds).drop(qdrant.name_of(session_id))
    except VectorStoreError as error:
        tombstone.update(attempts=F("attempts") + 1, last_attempt_at=timezone.now(), last_error=error.detail)
        logger.warning("vector_removal_failed", session_id=str(session_id), error=error.detail)
        return False
    tombstone.delete()
    return True


def retry_vector_removals() -> int:
    """Try every removal that is due once more; return how many collections are gone.

    After the first failure the rest waits: they would fail alike. The one that failed comes last next time.
    """
    due = VectorRemoval.objects.filter(due_at__lte=timezone.now()).order_by(
        F("last_attempt_at").asc(nulls_first=True), "pk"
    )
    gone = 0
    for session_id in list(due.values_list("session_id", flat=True)):
        if not remove_collection(session_id) and VectorRemoval.objects.filter(session_id=session_id).exists():
            break
        gone += 1
    return gone
