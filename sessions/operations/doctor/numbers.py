"""Numbers that are kept beside what they are added up from: counters, uses of models, retention's times."""

from collections.abc import Iterator
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from sessions.models import Session, Status, Verb
from sessions.models.consistency_of_numbers import timeless, wrong_counters, wrong_usage
from sessions.operations import audit
from sessions.operations.changing import save_changes
from sessions.operations.doctor.difference import Difference
from sessions.operations.files import note_unfinished_changes
from sessions.operations.statistics import count_anew
from sessions.storage.unfinished_changes import unfinished_changes

_AT_ONCE = 500


def of_statistics() -> Iterator[Difference]:
    """Counters and reported uses of models against the events that tell what was added."""
    for session_id in wrong_counters():
        text = "Its counters aren't the sum of what was added."
        yield Difference("statistics", str(session_id), text, partial(_count_anew, session_id))
    for session_id in wrong_usage():
        text = "Its uses of models aren't those that were reported."
        yield Difference("statistics", str(session_id), text, partial(_count_anew, session_id))


def _count_anew(session_id: UUID) -> bool:
    with transaction.atomic():
        if Session.objects.select_for_update().filter(pk=session_id).exists():
            count_anew(session_id)
            audit.record_by_itself(Verb.REPAIRED, session_id, what="statistics")
    return True


def of_times() -> Iterator[Difference]:
    """Since when a session is archived or in the trash, from which retention counts."""
    for session_id in Session.objects.filter(timeless()).order_by("pk").values_list("pk", flat=True).iterator(_AT_ONCE):
        text = "Since when it is archived or in the trash doesn't fit its status. It counts from now."
        yield Difference("times", str(session_id), text, partial(_time, session_id))


def _time(session_id: UUID) -> bool:
    with transaction.atomic():
        session = Session.objects.select_for_update().filter(timeless(), pk=session_id).first()
        if session is None:
            return True
        now, values = timezone.now(), {"archived_at": session.archived_at, "deleted_at": None}
        if session.in_trash:
            values["deleted_at"] = session.deleted_at or now
        else:
            values["archived_at"] = (session.archived_at or now) if session.status == Status.ARCHIVED else None
        save_changes(session, values, is_use=False)
        audit.record_by_itself(Verb.REPAIRED, session_id, what="times")
    return True


def of_files() -> Iterator[Difference]:
    """Changes of files whose makers were killed before their events were certain."""
    sessions = Session.objects.exclude(status=Status.DELETED).order_by("pk").values_list("pk", flat=True)
    for session_id in sessions.iterator(_AT_ONCE):
        for change in unfinished_changes(session_id):
            text = f"A change of {change.path or 'a file'} was cut off: perhaps no event tells of it."
            yield Difference("file", str(session_id), text, partial(_note, session_id))


def _note(session_id: UUID) -> bool:
    note_unfinished_changes(session_id)
    return True
