"""`manage.py import_sessions`: files, zips and folders of other systems, or of our own."""

import os
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from sessions.exceptions import SessionError
from sessions.formats.recognition import READERS
from sessions.operations.transfer.importing import SourceFile, import_sessions
from sessions.operations.transfer.report import ImportReport

_SUFFIXES = (".json", ".jsonl", ".ndjson", ".zip")
_BAR = 30


class Command(BaseCommand):
    """Import sessions for a user, with a bar that shows how far it is."""

    help = (
        "Import sessions from files, zips and folders (their .json, .jsonl, .ndjson and .zip files). What was imported "
        "before is skipped. The formats are recognised: " + ", ".join(READERS) + "."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What, and for whom."""
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file, a zip or a folder")
        parser.add_argument("--owner", required=True, metavar="USER", help="the user name whose sessions they become")
        parser.add_argument("--format", default="", choices=["", *READERS], help="recognised if left out")
        parser.add_argument("--dry-run", action="store_true", help="read everything, store nothing, tell what would be")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, and tell what became of it."""
        owner = user_named(options["owner"])
        sources = _Sources(options["paths"])
        try:
            report = import_sessions(
                actor=owner,
                files=sources.opened(),
                format=options["format"],
                dry_run=options["dry_run"],
                progress=lambda report: self._bar(sources, report),
            )
        except SessionError as error:
            self._bar(sources, None)
            places = [f"\n  {place}: {sentence}" for place, sentence in getattr(error, "errors", [])[:20]]
            raise CommandError(error.detail + "".join(places)) from error
        self._bar(sources, None)
        self._tell(report)

    def _bar(self, sources: "_Sources", report: ImportReport | None) -> None:
        if not self.stderr.isatty():
            return
        text = ""
        if report is not None:
            share = sources.share()
            bar = "█" * round(share * _BAR)
            text = f"{bar:░<{_BAR}} {share:4.0%}  {report.created:,} sessions, {report.messages:,} messages"
        self.stderr.write(f"\r{text:78}", ending="\r")

    def _tell(self, report: ImportReport) -> None:
        would = "would be made" if report.dry_run else "made"
        told = [f"{report.created:,} sessions {would}, with {report.messages:,} messages"]
        told += [f"{report.skipped:,} were there already"] if report.skipped else []
        told += [f"{report.failed:,} could not be imported"] if report.failed else []
        told += [f"{report.branches:,} other branches left out"] if report.branches else []
        self.stdout.write("; ".join(told) + ".")
        if report.dropped:
            kinds = ", ".join(f"{kind} {count:,}" for kind, count in report.dropped.most_common())
            self.stdout.write(f"Left out, because it can't be kept: {kinds}.")
        for failure in report.failures:
            self.stderr.write(f"{failure.place}: {failure.message}")
        for warning in report.warnings:
            self.stderr.write(f"{warning.place}: {warning.message}")
        if report.import_id:
            self.stdout.write(f"Import {report.import_id}: it can be taken back on its page or by the API.")


class _Sources:
    """The files of some paths, opened one after the other, and how much of their bytes has been read."""

    def __init__(self, paths: list[Path]) -> None:
        self._files = [file for path in paths for file in _files_of(path)]
        self._total = sum(file.stat().st_size for _, file in self._files) or 1
        self._before = 0
        self._current: BinaryIO | None = None

    def opened(self) -> Iterator[SourceFile]:
        for name, path in self._files:
            with path.open("rb") as file:
                self._current = cast("BinaryIO", file)
                yield SourceFile(name, self._current)
                self._current = None
            self._before += path.stat().st_size

    def share(self) -> float:
        """Between 0 and 1."""
        position = self._current.tell() if self._current is not None else 0
        return min(1.0, (self._before + position) / self._total)


def _files_of(path: Path) -> list[tuple[str, Path]]:
    """(what to call it, where it is) of a file, or of each file in a folder to import. Links are left out."""
    if path.is_file():
        return [(path.name, path)]
    if not path.is_dir():
        raise CommandError(f"There is no file or folder {path}.")
    found = []
    for folder, _, names in os.walk(path):
        for name in names:
            file = Path(folder) / name
            if name.lower().endswith(_SUFFIXES) and file.is_file() and not file.is_symlink():
                found.append((str(file.relative_to(path)), file))
    if not found:
        raise CommandError(f"The folder {path} has no files to import ({', '.join(_SUFFIXES)}).")
    return sorted(found)


def user_named(name: str) -> User:
    """The user. Raises CommandError without one."""
    user = get_user_model().objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no user {name!r}.")
    return user
