"""Workspaces: each session has its directory, each directory its session, and what has to go is gone."""

from collections.abc import Iterator
from functools import partial
from itertools import islice
from uuid import UUID

from django.db import transaction

from sessions.exceptions import StorageError
from sessions.models import Event, Job, Session, Status, Verb, WorkspaceRemoval
from sessions.models.consistency import outlive_writers, without_a_row
from sessions.operations import audit
from sessions.operations.doctor.difference import Difference
from sessions.operations.workspaces import remove_workspace, settle_workspace
from sessions.storage import held, inventory, staging, workspaces

_AT_ONCE = 500


def of_sessions() -> Iterator[Difference]:
    """Sessions whose workspace is missing, in the wrong place, or marked as unfinished."""
    last = UUID(int=0)
    while portion := list(Session.objects.filter(pk__gt=last).order_by("pk").values_list("pk", "status")[:_AT_ONCE]):
        last = portion[-1][0]
        for session_id, status in portion:
            if not _is_right(session_id, in_trash=status == Status.DELETED):
                yield from _looked_at_again(session_id)


def _is_right(session_id: UUID, *, in_trash: bool) -> bool:
    found = inventory.standing(session_id)
    if found.is_odd or (found.outside, found.in_trash) != (not in_trash, in_trash):
        return False
    return not inventory.is_unfinished(inventory.place_of(session_id, in_trash=in_trash))


def _looked_at_again(session_id: UUID) -> Iterator[Difference]:
    """With the row locked: whoever was about to move the directory has done it by then."""
    with transaction.atomic():
        session = Session.objects.select_for_update().filter(pk=session_id).first()
        if session is None:
            return
        in_trash = session.in_trash
        found = inventory.standing(session_id)
    place = inventory.place_of(session_id, in_trash=in_trash)
    if found.is_odd:
        text = f"{place} is no directory. Nothing was touched: look at it, move it away, and run doctor again."
        yield Difference("workspace", str(session_id), text)
    elif not found.is_anywhere:
        text = "Its workspace is missing. A new one is empty: what was in it can only come from a backup."
        yield Difference("workspace", str(session_id), text, partial(_make, session_id))
    elif found.outside and found.in_trash:
        text = f"Its workspace is there twice, here and in the trash. The one that belongs is {place}."
        yield Difference("workspace", str(session_id), text, partial(_remove_empty_twin, session_id, in_trash=in_trash))
    elif found.in_trash != in_trash:
        text = "Its workspace lies in the trash." if found.in_trash else "It is in the trash, its workspace isn't."
        yield Difference("workspace", str(session_id), text, partial(_settle, session_id))
    elif inventory.is_unfinished(place) and not staging.is_being_made(place):
        text = "Its workspace is still marked as unfinished."
        yield Difference("workspace", str(session_id), text, partial(_finish, session_id))


def _make(session_id: UUID) -> bool:
    with transaction.atomic():
        session = Session.objects.select_for_update().filter(pk=session_id).first()
        if session is None or inventory.standing(session_id).is_anywhere:
            return True
        workspaces.create(session_id)
        if session.in_trash:
            workspaces.move_to_trash(session_id)
        audit.record_by_itself(Verb.REPAIRED, session_id, what="workspace")
    return True


def _settle(session_id: UUID) -> bool:
    settle_workspace(session_id)
    return True


def _finish(session_id: UUID) -> bool:
    staging.finish(session_id)
    return True


def _remove_empty_twin(session_id: UUID, *, in_trash: bool) -> bool:
    """Of two workspaces the one that doesn't belong goes if it is empty; what holds files is for people to look at."""
    twin = inventory.place_of(session_id, in_trash=not in_trash)
    return inventory.is_empty(twin) and inventory.is_gone_or_removed(twin)


def of_the_disk() -> Iterator[Difference]:
    """Directories without a session, and what isn't ours."""
    for in_trash in (False, True):
        names = inventory.entries(in_trash=in_trash)
        while portion := list(islice(names, _AT_ONCE)):
            for name, session_id in portion:
                if session_id is None:
                    where = workspaces.trash() if in_trash else workspaces.root()
                    text = f"{where / name} is nothing of ResearchMind's. Nothing was touched: move it away."
                    yield Difference("directory", name, text)
            ids = [session_id for _, session_id in portion if session_id is not None]
            yield from _without_session(ids, in_trash=in_trash)


def _without_session(ids: list[UUID], *, in_trash: bool) -> Iterator[Difference]:
    """Directories that no session has, once whoever was making a session has ended."""
    suspects = without_a_row(ids)
    if not suspects:
        return
    for session_id in suspects:
        inventory.wait_until_grown(inventory.place_of(session_id, in_trash=in_trash))
    if not outlive_writers():
        yield Difference("directory", "", "A transaction has been writing for half a minute. Run doctor again later.")
        return
    waiting = set(WorkspaceRemoval.objects.filter(session_id__in=suspects).values_list("session_id", flat=True))
    purged = set(Event.objects.filter(session_id__in=suspects, verb=Verb.PURGED).values_list("session_id", flat=True))
    for session_id in without_a_row(suspects):
        place = inventory.place_of(session_id, in_trash=in_trash)
        if session_id in waiting or not inventory.standing(session_id).is_anywhere or staging.is_being_made(place):
            continue
        is_leftover = session_id in purged or inventory.is_unfinished(place) or inventory.is_empty(place)
        if is_leftover:
            text = f"{place} is left of a session that isn't there."
            yield Difference("directory", str(session_id), text, partial(inventory.is_gone_or_removed, place))
        else:
            text = (
                f"{place} holds files and no session has its id. Nothing was touched: is this the right database, is "
                "it an older backup? Move the directory away if nobody misses it."
            )
            yield Difference("directory", str(session_id), text)


def of_staging() -> Iterator[Difference]:
    """What killed imports and copies left half made."""
    for name in inventory.abandoned_staging():
        path = workspaces.root() / staging.STAGING / name
        text = f"{path} is left of an import or a copy that was cut off."
        yield Difference("staging", name, text, partial(inventory.is_gone_or_removed, path))


def of_held_files() -> Iterator[Difference]:
    """Files that were kept for a job that isn't there or has ended."""
    for job_id in held.abandoned():
        if not Job.objects.unfinished().filter(pk=job_id).exists():
            text = "Files are kept for a job that isn't there or has ended."
            yield Difference("files", str(job_id), text, partial(_release, job_id))


def _release(job_id: UUID) -> bool:
    held.release(job_id)
    return True


def of_tombstones() -> Iterator[Difference]:
    """Workspaces that were to be removed and are still waiting."""
    for tombstone in WorkspaceRemoval.objects.order_by("pk").iterator(_AT_ONCE):
        session_id = tombstone.session_id
        if Session.objects.filter(pk=session_id).exists():
            text = "Its workspace is to be removed, but the session is there. The removal is forgotten."
        elif workspaces.exists(session_id):
            error = f" The last try: {tombstone.last_error}" if tombstone.last_error else ""
            text = f"The session is deleted, its workspace is still there.{error}"
        else:
            text = "Its workspace is gone, the note that it has to go is still there."
        yield Difference("removal", str(session_id), text, partial(_remove, session_id))


def _remove(session_id: UUID) -> bool:
    try:
        remove_workspace(session_id)
    except StorageError:
        return False
    return not WorkspaceRemoval.objects.filter(session_id=session_id).exists()
