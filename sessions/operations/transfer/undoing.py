"""Taking a whole import back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from sessions.access import Actor, require_write
from sessions.exceptions import ImportNotFound, NotAllowed, SessionError
from sessions.models import Import, ImportSource
from sessions.operations.lifecycle import purge_session, trash_session

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True)
class Undone:
    """How many sessions are gone, and how many went to the trash because somebody had worked on them."""

    purged: int
    trashed: int


def imports_of(actor: "Actor | User") -> list[Import]:
    """The actor's newest imports."""
    return list(Import.objects.filter(owner_id=Actor.of(actor).user_id).order_by("-created_at")[:20])


def import_for_reading(actor: "Actor | User", import_id: UUID | str) -> Import:
    """The import if it is the actor's own. Raises ImportNotFound."""
    try:
        found = Import.objects.filter(owner_id=Actor.of(actor).user_id, pk=UUID(str(import_id))).first()
    except ValueError:
        found = None
    if found is None:
        raise ImportNotFound("There is no import with this id, or it isn't yours.")
    return found


def import_for_undoing(actor: "Actor | User", import_id: UUID | str) -> Import:
    """The import if the actor may take it back. Raises ImportNotFound, ReadOnlyToken, NotAllowed."""
    actor = Actor.of(actor)
    require_write(actor)
    if actor.only_session is not None:
        raise NotAllowed("This token opens one session only.")
    return import_for_reading(actor, import_id)


def undo_import(
    *, actor: "Actor | User", import_id: UUID | str, step: Callable[[int], object] = lambda _: None
) -> Undone:
    """Delete for ever what an import made and nobody has changed since; the rest of it goes to the trash.

    What is in the trash already stays there. `step` is called with 1 after each session, and may raise: what is done
    stays done, and taking it back once more goes on. Raises ImportNotFound, ReadOnlyToken, NotAllowed.
    """
    actor = Actor.of(actor)
    batch = import_for_undoing(actor, import_id)
    purged = trashed = 0
    for source in list(ImportSource.objects.filter(batch=batch).select_related("session")):
        session = source.session
        try:
            if session.version == source.version:
                purge_session(actor=actor, session_id=session.pk, expected_version=source.version)
                purged += 1
            elif not session.in_trash:
                trash_session(actor=actor, session_id=session.pk)
                trashed += 1
        except SessionError:
            pass  # changed or gone at this very moment
        step(1)
    with transaction.atomic():
        batch.undone_at = batch.undone_at or timezone.now()
        batch.save(update_fields=["undone_at"])
    return Undone(purged, trashed)
