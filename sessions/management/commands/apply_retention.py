"""`manage.py apply_retention`: the retention policy applied now, or what that would do."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.template.defaultfilters import filesizeformat

from sessions.models import RetentionPolicy
from sessions.operations.retention.applying import Report, apply_policy, preview
from sessions.operations.retention.rules import Act

_SAID = {
    Act.ARCHIVE: ("archived", "would be archived"),
    Act.TRASH: ("moved to the trash", "would be moved to the trash"),
    Act.PURGE: ("deleted for ever", "would be deleted for ever"),
}


class Command(BaseCommand):
    """Apply the policy once, whether the worker does so by itself or not."""

    help = (
        "Archive, trash and purge what the retention policy says, once and whether it is enabled or not: enabled, the "
        "worker does it by itself every minute. Administrators change the policy under Settings, Retention."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Only to look."""
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and change nothing")

    def handle(self, *args: Any, dry_run: bool, verbosity: int, **options: Any) -> None:
        """Do it, and say what was done."""
        policy = RetentionPolicy.objects.current()
        report = (
            preview(actor=None, policy=policy) if dry_run else apply_policy(actor=None, policy=policy, seconds=None)
        )
        for act, part in report.parts.items():
            self.stdout.write(f"{part.count} session{'' if part.count == 1 else 's'} {_SAID[act][report.dry_run]}")
            for line in part.sessions if verbosity > 0 else ():
                since = line.since.strftime("%Y-%m-%d %H:%M")
                self.stdout.write(f"  {line.session_id}  {line.reason:<9} since {since} UTC  {line.owner}: {line.name}")
            if verbosity > 0 and part.count > len(part.sessions):
                self.stdout.write(f"  and {part.count - len(part.sessions)} more")
        self.stdout.write(_bytes(report))


def _bytes(report: Report) -> str:
    size = filesizeformat(report.bytes).replace("\xa0", " ")
    least = "" if report.bytes_are_exact else "at least "
    return f"{least}{size} {'would come' if report.dry_run else 'came'} free: workspaces on the disk, and their text"
