"""`manage.py backup DIR`: everything that has to be kept, copied while the server writes."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from researchmind import __version__
from sessions.exceptions import SessionError
from sessions.operations.backup.taking import take_backup


class Command(BaseCommand):
    """Copy database, workspaces and secret key into a new directory."""

    help = (
        "Copy the database, the workspaces and the secret key into a new or empty directory. The server may go on "
        "writing: the copy is of one moment. Needs none of the database's own programs. The exit code is 1 if the "
        "backup was refused or failed, 2 if it is whole but for files that can't be copied."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to."""
        parser.add_argument("directory", type=Path, metavar="DIR", help="a directory that is new or empty")

    def handle(self, *args: Any, directory: Path, **options: Any) -> None:
        """Do it, and tell what isn't in it."""
        try:
            taken = take_backup(directory, version=__version__)
        except SessionError as error:
            raise CommandError(error.detail) from error
        copied = taken.copied
        self.stdout.write(
            f"{directory}: {taken.sessions:,} sessions, {copied.files:,} files with {copied.bytes:,} bytes."
        )
        for session_id in taken.missing:
            self.stderr.write(f"workspace {session_id}: it was missing before (see `manage.py doctor`)")
        for path in copied.left_out:
            self.stderr.write(f"{path}: left out, it can't be copied")
        if taken.missing_count or copied.left_out_count:
            self.stdout.write(f"{taken.missing_count + copied.left_out_count:,} things are not in it.")
            self.stdout.flush()
            sys.exit(2)
