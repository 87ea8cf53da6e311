"""Changing files of a workspace. Reading them is `storage.files`' own."""

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db import transaction

from sessions.access import Actor, session_for_writing
from sessions.exceptions import TooLarge
from sessions.models import Event, Session, Verb
from sessions.operations import audit
from sessions.operations.changing import check_active, check_version
from sessions.storage import files
from sessions.storage.files import Entry
from sessions.storage.names import checked_path
from sessions.storage.unfinished_changes import forget, unfinished_changes

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_CLOCK_STEP = timedelta(milliseconds=20)  # of the kernel, which stamps files a little earlier than it is


def put_file(
    *,
    actor: "Actor | User",
    session_id: UUID | str,
    path: str,
    blocks: Iterable[bytes],
    size: int,
    expected_version: int | None = None,
) -> Entry:
    """Keep a file of `size` bytes at a path of the workspace, in place of one that is there.

    Nothing of the database is held while the bytes come; whether the actor may write here is asked again when they
    are there, under the session's lock. Raises SessionNotFound, SessionNotActive, Invalid for a path that leads
    elsewhere, TooLarge, and as `files.written_file`.
    """
    actor = Actor.of(actor)
    session = _writable(actor, session_id, expected_version)
    names = checked_path(path)
    if size > settings.MAX_UPLOAD_BYTES:
        raise TooLarge(
            f"A file has at most {settings.MAX_UPLOAD_BYTES // 2**20} MiB here.", limit=settings.MAX_UPLOAD_BYTES
        )
    note_unfinished_changes(session.pk)
    quota = settings.WORKSPACE_QUOTA_BYTES
    with files.written_file(session.pk, names, blocks, size=size, quota=quota) as written, transaction.atomic():
        _writable(actor, session.pk, expected_version, lock=True)
        audit.record(actor, Verb.FILE_PUT, session.pk, path=written.entry.path, size=size)
        written.settle()  # last, so that a kill rarely comes between
    return written.entry


def remove_file(
    *, actor: "Actor | User", session_id: UUID | str, path: str, expected_version: int | None = None
) -> None:
    """Remove a file, or a directory with all that is in it.

    Raises SessionNotFound, SessionNotActive, Invalid, FileNotFound, Impossible, StorageError.
    """
    actor = Actor.of(actor)
    session = _writable(actor, session_id, expected_version)
    names = checked_path(path)
    note_unfinished_changes(session.pk)
    with files.removed_file(session.pk, names), transaction.atomic():
        _writable(actor, session.pk, expected_version, lock=True)
        audit.record(actor, Verb.FILE_REMOVED, session.pk, path="/".join(names))


def note_unfinished_changes(session_id: UUID) -> int:
    """Write the events of changes whose makers were killed before they could; return how many changes were found.

    Whoever changes a file of the session next does this, and the doctor. Raises StorageError.
    """
    found = unfinished_changes(session_id)
    for change in found:
        verb = Verb.FILE_REMOVED if change.is_removal else Verb.FILE_PUT
        with transaction.atomic():
            session = Session.objects.select_for_update().filter(pk=session_id).first()
            noted = Event.objects.filter(session_id=session_id, verb=verb, at__gte=change.at - _CLOCK_STEP)
            if session is not None and not noted.filter(detail__path=change.path).exists():
                size = {} if change.is_removal else {"size": change.size}
                audit.record_by_itself(verb, session_id, path=change.path, **size)
        forget(session_id, change)
    return len(found)


def _writable(actor: Actor, session_id: UUID | str, expected_version: int | None, *, lock: bool = False) -> Session:
    session = session_for_writing(actor, session_id, lock=lock)
    check_active(session)
    check_version(session, expected_version)
    return session
