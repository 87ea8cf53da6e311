"""Changing files of a workspace. Reading them is `storage.files`' own."""

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db import transaction

from sessions.access import Actor, session_for_writing
from sessions.exceptions import TooLarge
from sessions.models import Session, Verb
from sessions.operations import audit
from sessions.operations.changing import check_active, check_version
from sessions.storage import files
from sessions.storage.files import Entry
from sessions.storage.names import checked_path

if TYPE_CHECKING:
    from django.contrib.auth.models import User


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

    Nothing of the database is held while the bytes come. Raises SessionNotFound,
    SessionNotActive, Invalid for a path that leads elsewhere, TooLarge, and as `files.write_file`.
    """
    actor = Actor.of(actor)
    session = _writable(actor, session_id, expected_version)
    names = checked_path(path)
    if size > settings.MAX_UPLOAD_BYTES:
        raise TooLarge(
            f"A file has at most {settings.MAX_UPLOAD_BYTES // 2**20} MiB here.", limit=settings.MAX_UPLOAD_BYTES
        )
    entry = files.write_file(session.pk, names, blocks, size=size, quota=settings.WORKSPACE_QUOTA_BYTES)
    audit.record(actor, Verb.FILE_PUT, session.pk, path=entry.path, size=size)
    return entry


def remove_file(
    *, actor: "Actor | User", session_id: UUID | str, path: str, expected_version: int | None = None
) -> None:
    """Remove a file, or a directory with all that is in it.

    Raises SessionNotFound, SessionNotActive, Invalid, FileNotFound, Impossible, StorageError.
    """
    actor = Actor.of(actor)
    session = _writable(actor, session_id, expected_version)
    names = checked_path(path)
    with transaction.atomic():
        audit.record(actor, Verb.FILE_REMOVED, session.pk, path="/".join(names))
        files.remove_file(session.pk, names)


def _writable(actor: Actor, session_id: UUID | str, expected_version: int | None) -> Session:
    session = session_for_writing(actor, session_id)
    check_active(session)
    check_version(session, expected_version)
    return session
