"""`manage.py export_sessions`: sessions of a user into a file."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sessions.exceptions import SessionError
from sessions.formats.recognition import WRITERS
from sessions.management.commands.import_sessions import user_named
from sessions.operations.transfer.exporting import DEFAULT_FORMAT, Export, export_session, export_sessions

_STEP = 8 * 2**20


class Command(BaseCommand):
    """Write sessions into a file that `import_sessions` reads."""

    help = "Export sessions of a user: one as a file, several or everything as a zip with a file for each."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which, whose, and where to."""
        parser.add_argument("sessions", nargs="*", metavar="SESSION", help="ids; everything that the user owns without")
        parser.add_argument("--owner", required=True, metavar="USER", help="the user name whose sessions they are")
        parser.add_argument("--format", default=DEFAULT_FORMAT, choices=WRITERS, help=f"({DEFAULT_FORMAT})")
        parser.add_argument("--output", type=Path, default=Path(), metavar="PATH", help="a new file, or a folder")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file, and name it on standard output."""
        owner, ids = user_named(options["owner"]), options["sessions"]
        try:
            if len(ids) == 1:
                export = export_session(actor=owner, session_id=ids[0], format=options["format"])
            else:
                export = export_sessions(actor=owner, session_ids=ids or None, format=options["format"])
            path = self._write(export, options["output"])
        except SessionError as error:
            raise CommandError(error.detail) from error
        except OSError as error:
            raise CommandError(f"The file can't be written: {error.strerror or error}.") from error
        self.stdout.write(str(path))

    def _write(self, export: Export, output: Path) -> Path:
        """Write a file that is there whole or not at all, and replaces no other."""
        path = output / export.file_name if output.is_dir() else output
        if path.exists():
            raise CommandError(f"{path} is there already.")
        draft = path.with_name(f".{path.name}.part")
        written = told = 0
        try:
            with draft.open("wb") as file:
                for chunk in export.chunks:
                    written += file.write(chunk)
                    if written - told >= _STEP and self.stderr.isatty():
                        told = written
                        self.stderr.write(f"\r{written / 2**20:,.0f} MiB", ending="\r")
                file.flush()
                os.fsync(file.fileno())
            draft.rename(path)
        finally:
            draft.unlink(missing_ok=True)
        return path
