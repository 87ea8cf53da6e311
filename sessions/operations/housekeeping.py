"""What has to be done from time to time. Everything here may run twice, or in two workers at once."""

from collections.abc import Callable
from importlib import import_module

from django.conf import settings

from sessions.models import session_count
from sessions.operations.idempotency import forget_old_keys
from sessions.operations.jobs.queue import forget_old_jobs, release_abandoned_files
from sessions.operations.retention.applying import apply_when_enabled
from sessions.operations.vectors.moving import move_collections
from sessions.operations.vectors.removals import retry_vector_removals
from sessions.operations.vectors.unwanted import retry_unwanted
from sessions.operations.workspaces import retry_workspace_removals, settle_late
from sessions.search import index
from sessions.storage.staging import remove_abandoned


def keep_house() -> None:
    """Apply the retention policy, retry removals, end interrupted moves into and out of the trash, remove what killed
    imports left, forget old keys and logins, add up counts, tidy the index.

    What fails, perhaps each time because of a directory that can't be removed, keeps none of the others from being
    done. Raises ExceptionGroup of all that failed, in the end.
    """
    failed: list[Exception] = []
    for task in _TASKS:
        try:
            task()
        except Exception as error:  # noqa: BLE001  (raised below)
            failed.append(error)
    if failed:
        raise ExceptionGroup("Housekeeping is not whole.", failed)


def forget_old_logins() -> None:
    """Delete the logins that have run out."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()


_TASKS: tuple[Callable[[], object], ...] = (
    apply_when_enabled,
    retry_workspace_removals,
    settle_late,
    remove_abandoned,
    forget_old_keys,
    forget_old_jobs,
    release_abandoned_files,
    session_count.compact,
    index.tidy,
    retry_vector_removals,
    retry_unwanted,
    move_collections,
    forget_old_logins,
)
