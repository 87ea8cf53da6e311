"""Taking a large import back."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sessions.access import Actor
from sessions.models import Job, JobKind, Session, Status
from sessions.models.session import SessionQuerySet
from sessions.operations.jobs.purging import MANY_SESSIONS, is_long
from sessions.operations.jobs.queue import start_job
from sessions.operations.jobs.work import Work
from sessions.operations.transfer.undoing import import_for_undoing, undo_import

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def undo_later(*, actor: "Actor | User", import_id: UUID | str) -> Job | None:
    """Start a job that takes an import back, if that is long work; None if it isn't. Raises as `undo_import`."""
    actor = Actor.of(actor)
    batch = import_for_undoing(actor, import_id)
    made = _made_by(batch.pk)
    if not is_long(list(made.only("pk", "status", "message_count")[: MANY_SESSIONS + 1])):
        return None
    total = made.count()
    arguments = {
        "import_id": str(batch.pk),
        "sessions": total,
        "in_trash": made.filter(status=Status.DELETED).count(),
    }
    subject = batch.file_name or "a file"
    return start_job(actor=actor, kind=JobKind.UNDO_IMPORT, subject=subject, arguments=arguments, total=total)


def undo(work: Work) -> dict[str, Any]:
    """Session by session; what an attempt before has taken back isn't there any more. Counted is what all did."""
    asked = work.job.arguments
    made = _made_by(UUID(asked["import_id"]))
    work.advance(asked["sessions"] - made.count())
    undo_import(actor=work.actor(), import_id=asked["import_id"], step=work.step)
    left, trashed = made.count(), made.filter(status=Status.DELETED).count()
    return {
        "import_id": asked["import_id"],
        "purged": max(0, asked["sessions"] - left),
        "trashed": max(0, trashed - asked["in_trash"]),
    }


def _made_by(import_id: UUID) -> SessionQuerySet:
    return Session.objects.filter(import_source__batch=import_id)
