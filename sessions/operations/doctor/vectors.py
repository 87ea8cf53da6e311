"""Vectors in Qdrant: each collection has its session, each session its collection, and what has to go is gone."""

from collections.abc import Iterator
from functools import partial
from uuid import UUID

from django.db.models import QuerySet

from sessions.exceptions import VectorStoreError
from sessions.models import Event, Session, VectorCollection, VectorRemoval, Verb
from sessions.models.consistency import outlive_writers, without_a_row
from sessions.models.vector_collection import Place
from sessions.operations.doctor.difference import Difference
from sessions.operations.vectors.removals import remove_collection
from sessions.operations.vectors.unwanted import remove_unwanted
from sessions.operations.vectors.writing import count_again
from sessions.storage import qdrant

_AT_ONCE = 500
_KIND = "vectors"


def of_removals() -> Iterator[Difference]:
    """Collections that were to be removed and are still waiting."""
    for removal in VectorRemoval.objects.order_by("pk").iterator(_AT_ONCE):
        session_id = removal.session_id
        if Session.objects.filter(pk=session_id).exists():
            text = "Its vectors are to be removed, but the session is there. The removal is forgotten."
        else:
            error = f" The last try: {removal.last_error}" if removal.last_error else ""
            text = f"The session is deleted, its collection in Qdrant waits to be removed.{error}"
        yield Difference("vector removal", str(session_id), text, partial(_remove, session_id))


def _remove(session_id: UUID) -> bool:
    remove_collection(session_id)
    return not VectorRemoval.objects.filter(session_id=session_id).exists()


def of_collections() -> Iterator[Difference]:
    """Collections of Qdrant against the rows that tell of them. Without a Qdrant only that rows need one."""
    if not qdrant.is_configured() and not _in_qdrant().exists():
        return
    try:
        there = {found for name in qdrant.connected().names() if (found := qdrant.session_of(name))}
        yield from _without_session(there)
        yield from _of_unwanted()
        yield from _without_collection(there)
    except VectorStoreError as error:
        yield Difference(_KIND, "", f"What is in Qdrant can't be compared. {error.detail}")


def _in_qdrant() -> QuerySet[VectorCollection]:
    return VectorCollection.objects.filter(place=Place.QDRANT)


def _without_session(there: set[UUID]) -> Iterator[Difference]:
    """Collections that no session has and no removal names, once whoever was making or deleting one has ended."""
    suspects = without_a_row(there)
    if not suspects or not outlive_writers():
        return
    waiting = set(VectorRemoval.objects.filter(session_id__in=suspects).values_list("session_id", flat=True))
    purged = set(Event.objects.filter(session_id__in=suspects, verb=Verb.PURGED).values_list("session_id", flat=True))
    for session_id in sorted(set(without_a_row(suspects)) - waiting):
        name = qdrant.name_of(session_id)
        if session_id in purged:
            text = f"The collection {name} in Qdrant is left of a session that isn't there."
            yield Difference(_KIND, str(session_id), text, partial(_drop, session_id))
        else:
            text = (
                f"The collection {name} in Qdrant belongs to no session here. Nothing was touched: does another "
                "ResearchMind use this Qdrant, is this an older backup? Remove it if nobody misses it."
            )
            yield Difference(_KIND, str(session_id), text)


def _drop(session_id: UUID) -> bool:
    qdrant.connected().drop(qdrant.name_of(session_id))
    return True


def _of_unwanted() -> Iterator[Difference]:
    """Points that splits took away, and that Qdrant couldn't be asked to remove."""
    for row in _in_qdrant().filter(unwanted__isnull=False).order_by("pk").iterator(_AT_ONCE):
        text = f"{len(row.unwanted)} points that a split took away wait to be removed from Qdrant."
        yield Difference(_KIND, str(row.pk), text, partial(_remove_unwanted, row.pk))


def _remove_unwanted(session_id: UUID) -> bool:
    remove_unwanted(session_id)
    return True


def _without_collection(there: set[UUID]) -> Iterator[Difference]:
    """Sessions whose points are gone from Qdrant, or are more or fewer than the row says."""
    for row in _in_qdrant().filter(writers=0, unwanted__isnull=True).order_by("pk").iterator(_AT_ONCE):
        count = qdrant.connected().count(qdrant.name_of(row.pk)) if row.pk in there else 0
        if count == row.point_count:
            continue
        if not VectorCollection.objects.filter(pk=row.pk, revision=row.revision, writers=0).exists():
            continue  # somebody is writing
        if row.pk in there:
            text = f"Qdrant has {count} points of it, the row says {row.point_count}."
        else:
            text = "Its vectors are gone from Qdrant and can only come from a backup. It is noted that it has none."
        yield Difference(_KIND, str(row.pk), text, partial(_count, row.pk))


def _count(session_id: UUID) -> bool:
    count_again(session_id)
    return True
