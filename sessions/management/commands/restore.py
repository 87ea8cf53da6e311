"""`manage.py restore DIR`: a backup into an empty place."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sessions.exceptions import SessionError
from sessions.operations.backup.restoring import restore_backup


class Command(BaseCommand):
    """Fill an empty database and an empty workspaces' directory from a backup."""

    help = (
        "Fill an empty database and an empty workspaces' directory from a backup of `manage.py backup`. Nothing is "
        "overwritten: it is refused where there is something already. Don't run `migrate` before."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where from."""
        parser.add_argument("directory", type=Path, metavar="DIR", help="what `manage.py backup` has written")

    def handle(self, *args: Any, directory: Path, **options: Any) -> None:
        """Do it."""
        try:
            manifest = restore_backup(directory)
        except SessionError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(
            f"{manifest.sessions:,} sessions with {manifest.files:,} files, as they were at {manifest.taken_at}. "
            "`manage.py doctor` compares them."
        )
