"""Taking a backup: the database at one moment, then the workspaces of the sessions that are in it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from sessions.exceptions import BackupRefused, StorageError
from sessions.models import Event, Session, SessionCount, Status
from sessions.operations.backup.manifest import FORMAT, SECRET_KEY, WORKSPACES, Manifest, sizes_of
from sessions.storage import database_copy
from sessions.storage.copying import Copied, copy_tree
from sessions.storage.removal_pause import no_removals
from sessions.storage.staging import MAKING
from sessions.storage.workspaces import TRASH, trashed_path, workspace_path

# Kept counts; and numbers of transactions, which mean nothing to another PostgreSQL.
_MADE_ANEW = (SessionCount._meta.db_table, f"{Event._meta.db_table}.transaction_number")
_MISSING_NAMED = 100


@dataclass(slots=True)
class Taken:
    """What is in the backup, and what isn't: workspaces that were missing before, entries that can't be copied."""

    sessions: int = 0
    copied: Copied = field(default_factory=Copied)
    missing_count: int = 0
    missing: list[str] = field(default_factory=list)


def take_backup(directory: Path, *, version: str) -> Taken:
    """Copy database, workspaces and secret key into a new or empty directory, while the server goes on.

    `version` is the release's, noted for people. Every session that is in the copy of the database
    has its workspace there; removals wait meanwhile. Raises BackupRefused if the directory holds
    something, StorageError.
    """
    with _translated(directory):
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(directory.iterdir()):
            raise BackupRefused(f"{directory} isn't empty. Name a new directory: nothing is ever overwritten.")
        taken = Taken()
        with no_removals():
            found = database_copy.dump(directory, without=_MADE_ANEW)
            columns = found.get("columns", {})
            sizes = dict(sizes_of(directory))
            (directory / WORKSPACES / TRASH).mkdir(parents=True, mode=0o700)
            for session_id, status in database_copy.sessions_in(directory, Session._meta.db_table, columns):
                _copy_workspace(directory / WORKSPACES, session_id, status == Status.DELETED, taken)
        _copy_key(directory)
        os.sync()
        Manifest(
            format=FORMAT,
            version=version,
            taken_at=timezone.now().isoformat(),
            vendor=connection.vendor,
            migrations=sorted(MigrationRecorder(connection).applied_migrations()),
            columns=columns,
            sizes=sizes,
            sessions=taken.sessions,
            files=taken.copied.files,
        ).write(directory)
        os.sync()
    return taken


def _copy_workspace(target: Path, session_id: UUID, in_trash: bool, taken: Taken) -> None:
    """Copy a workspace from wherever it is now to where its session's status in the copy says."""
    taken.sessions += 1
    place = target / TRASH / str(session_id) if in_trash else target / str(session_id)
    here, there = workspace_path(session_id), trashed_path(session_id)
    places = (there, here) if in_trash else (here, there)
    for source in (*places, *places):  # it may be moved while it is looked for
        if copy_tree(source, place, taken.copied, without=frozenset([MAKING])):
            return
    taken.missing_count += 1
    if taken.missing_count <= _MISSING_NAMED:
        taken.missing.append(str(session_id))


def _copy_key(directory: Path) -> None:
    key = Path(settings.DATA_DIR) / SECRET_KEY
    if key.is_file():
        shutil.copyfile(key, directory / SECRET_KEY)
        (directory / SECRET_KEY).chmod(0o600)


@contextmanager
def _translated(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"The backup in {directory} failed and can't be used: {error}") from error
