"""Keeping workspace directories in step with their rows, through commits, rollbacks and failures."""

import weakref
from collections.abc import Callable
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils import timezone

from sessions.exceptions import StorageError
from sessions.models import Event, Session, Status, WorkspaceRemoval
from sessions.storage import inventory, workspaces
from sessions.storage.disk_use import disk_use
from sessions.storage.removal_pause import removing
from sessions.storage.staging import StagedWorkspace, finish

MANY_FILES = 5_000  # of a workspace: removing more is left to the worker
_EVENTS_LOOKED_AT = 20_000

logger = structlog.get_logger(__name__)


def create_workspace(session_id: UUID) -> None:
    """Make the workspace of a session whose row is written next, in the same transaction.

    Should that transaction, or one around it, be rolled back, the directory goes again.
    Raises StorageFull or StorageError; then there is no directory.
    """
    workspaces.create(session_id)
    transaction.on_commit(_RemoveUnlessCommitted(session_id))


def settle_staged_workspace(session_id: UUID, staged: StagedWorkspace, *, in_trash: bool) -> None:
    """Give a session whose row is written in the same transaction the workspace that was staged for it.

    It goes again with a rollback. Raises StorageFull or StorageError.
    """
    staged.settle(session_id, in_trash=in_trash)
    transaction.on_commit(_RemoveUnlessCommitted(session_id, was_staged=True))


class _RemoveUnlessCommitted:
    """Removes a directory when the transaction that made it doesn't commit.

    Django has no hook for a rollback, but it drops the callbacks of `on_commit` then. Dropped
    without having been called, this one removes the directory (docs/decisions/0006-workspaces.md).
    """

    def __init__(self, session_id: UUID, *, was_staged: bool = False) -> None:
        self._session_id = session_id
        self._was_staged = was_staged
        self._finalizer = weakref.finalize(self, _remove_rolled_back, session_id)

    def __call__(self) -> None:
        self._finalizer.detach()
        if self._was_staged:
            finish(self._session_id)


def _remove_rolled_back(session_id: UUID) -> None:
    try:
        if not _is_committed(session_id):
            workspaces.remove(session_id)
    except (StorageError, DatabaseError) as error:
        logger.warning("workspace_of_rolled_back_session_stays", session_id=str(session_id), error=str(error))


def _is_committed(session_id: UUID) -> bool:
    """Ask over a connection of its own: the one that rolls back is in no state to answer."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {Session._meta.db_table} WHERE id = %s", [session_id.hex])  # noqa: S608  (a table's name)
            return cursor.fetchone() is not None
    finally:
        other.close()


def settle_workspace_after_commit(session_id: UUID) -> None:
    """Once the transaction has committed, put the workspace where the session's status says."""
    transaction.on_commit(lambda: _settle_or_log(session_id), robust=True)


def _settle_or_log(session_id: UUID) -> None:
    try:
        settle_workspace(session_id)
    except StorageError as error:
        logger.error("workspace_not_settled", session_id=str(session_id), error=error.detail)


def settle_workspace(session_id: UUID) -> None:
    """Move the workspace into or out of the trash, as the committed status says.

    The row is locked meanwhile, so that of two moves at once the later status wins.
    Raises StorageError if the move fails.
    """
    with transaction.atomic():
        session = Session.objects.select_for_update().filter(pk=session_id).first()
        if session is None:
            return
        if session.in_trash:
            workspaces.move_to_trash(session_id)
        else:
            workspaces.restore_from_trash(session_id)


def settle_late() -> None:
    """Move the workspaces whose move was cut short after the commit, by a kill or by a database that was locked.

    Looks at what lately went into the trash or came out of it; the doctor finds what is older. Raises DatabaseError.
    """
    moved = Event.objects.moved_among_newest(_EVENTS_LOOKED_AT).values("session_id")
    for session_id, status in Session.objects.filter(pk__in=moved).values_list("pk", "status"):
        found, in_trash = inventory.standing(session_id), status == Status.DELETED
        if (found.outside, found.in_trash) == (in_trash, not in_trash):
            _settle_or_log(session_id)


def leave_tombstone(sender: type[Session], instance: Session, **kwargs: Any) -> None:
    """Note, in the transaction that deletes a session, that its workspace has to go (signal `pre_delete`)."""
    session_id = instance.pk
    WorkspaceRemoval.objects.bulk_create([WorkspaceRemoval(session_id=session_id)], ignore_conflicts=True)
    transaction.on_commit(lambda: _remove_if_soon_done(session_id), robust=True)


def _remove_if_soon_done(session_id: UUID) -> None:
    """Remove a workspace now, unless it has so many files that nobody should wait for it: then the worker does."""
    if disk_use(session_id, in_trash=True, most=2 * MANY_FILES).files <= MANY_FILES:
        remove_workspace(session_id)


def remove_workspace(session_id: UUID, removed: Callable[[], object] = lambda: None) -> bool:
    """Remove the workspace of a deleted session, then its tombstone; return whether it is gone.

    A failure is noted on the tombstone, and the worker tries again. `removed` is called after each
    file, and may raise to stop there; the tombstone stays then.
    """
    if Session.objects.filter(pk=session_id).exists():  # nothing kept is touched, whatever a tombstone says
        WorkspaceRemoval.objects.filter(session_id=session_id).delete()
        return False
    tombstone = WorkspaceRemoval.objects.filter(session_id=session_id)
    try:
        with removing():
            workspaces.remove(session_id, removed)
    except StorageError as error:
        tombstone.update(attempts=F("attempts") + 1, last_attempt_at=timezone.now(), last_error=error.detail)
        logger.warning("workspace_removal_failed", session_id=str(session_id), error=error.detail)
        return False
    tombstone.delete()
    return True


def clear_up_after_program(session_id: UUID) -> None:
    """Remove what a program that has ended wrote to a workspace after that was removed, or moved to the trash."""
    with transaction.atomic():
        session = Session.objects.select_for_update().filter(pk=session_id).first()
        if session is not None and session.in_trash:
            workspaces.remove_latecomer(session_id)
    if session is None:
        remove_workspace(session_id)


def retry_workspace_removals() -> int:
    """Try every waiting removal once more; return how many workspaces are gone."""
    waiting = WorkspaceRemoval.objects.order_by("last_attempt_at", "pk").values_list("session_id", flat=True)
    return sum(remove_workspace(session_id) for session_id in list(waiting))
