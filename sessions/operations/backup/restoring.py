"""Restoring a backup into an empty place: nothing is ever overwritten."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from sessions.exceptions import BackupRefused, StorageError
from sessions.models import WorkspaceRemoval
from sessions.operations.backup.manifest import SECRET_KEY, WORKSPACES, Manifest
from sessions.storage import database_copy
from sessions.storage.copying import Copied, copy_tree
from sessions.storage.workspaces import TRASH, make_root, root

_NOTHING = {TRASH, "lost+found"}


def restore_backup(directory: Path) -> Manifest:
    """Fill an empty database and an empty workspaces' directory from a backup; return what the backup says of itself.

    Raises BackupRefused if either holds something already, or if the backup isn't whole, is of
    another kind of database or of a newer release; StorageError.
    """
    manifest = Manifest.read(directory)
    if manifest.vendor != connection.vendor:
        raise BackupRefused(f"The backup is of {manifest.vendor}, DATABASE_URL is a {connection.vendor} database.")
    executor = MigrationExecutor(connection)
    unknown = [".".join(node) for node in manifest.migrations if node not in executor.loader.graph.nodes]
    if unknown:
        raise BackupRefused(f"The backup is of a newer release, which has {', '.join(unknown[:3])}.")
    if not database_copy.is_empty():
        raise BackupRefused("There are tables in the database already. Restore into an empty one.")
    if root().exists() and {entry.name for entry in root().iterdir()} - _NOTHING:
        raise BackupRefused(f"{root()} isn't empty. Restore into an empty directory of workspaces.")
    try:
        _restore_database(directory, manifest, executor)
        WorkspaceRemoval.objects.all().delete()  # what had to go then isn't in the backup
        _restore_workspaces(directory / WORKSPACES)
        if (directory / SECRET_KEY).is_file():
            shutil.copyfile(directory / SECRET_KEY, Path(settings.DATA_DIR) / SECRET_KEY)
        os.sync()
    except OSError as error:
        raise StorageError(f"Restoring failed, empty the place before trying again: {error}") from error
    return manifest


def _restore_database(directory: Path, manifest: Manifest, executor: MigrationExecutor) -> None:
    if manifest.vendor == "sqlite":
        connection.close()
        database_copy.load_sqlite(directory)
    else:
        executor.migrate(_newest(manifest.migrations, executor))
        database_copy.load_tables(directory, manifest.columns)
    call_command("migrate", verbosity=0)  # to this release's state; triggers, counts and the search's index too


def _newest(applied: Iterable[tuple[str, str]], executor: MigrationExecutor) -> list[tuple[str, str]]:
    """Those of the applied migrations that no other of them depends on."""
    nodes = set(applied)
    parents = {
        parent.key for node in nodes for parent in executor.loader.graph.node_map[node].parents if parent.key in nodes
    }
    return sorted(nodes - parents)


def _restore_workspaces(source: Path) -> None:
    make_root()
    (root() / TRASH).mkdir(exist_ok=True, mode=0o700)
    copied = Copied()
    for origin, target in ((source, root()), (source / TRASH, root() / TRASH)):
        with os.scandir(origin) as entries:
            for entry in entries:
                if entry.name != TRASH:
                    copy_tree(Path(entry.path), target / entry.name, copied)
