"""`manage.py doctor`: what doesn't agree, in words, and put right on request."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from sessions.operations.doctor.examination import Found, examine


class Command(BaseCommand):
    """Compare rows, directories, removals, transcripts, counters and the search's index."""

    help = (
        "Compare rows, directories, removals, transcripts, counters and the search's index; list every difference. "
        "With --repair put right what can be put right: nothing that a session owns and nothing that isn't "
        "ResearchMind's is removed. Safe while the server runs. The exit code is 1 while any difference is left."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Options."""
        parser.add_argument("--repair", action="store_true", help="put right what can be put right")

    def handle(self, *args: Any, repair: bool, verbosity: int, **options: Any) -> None:
        """Tell each difference as it is found, and at the end how many there are."""
        found = left = 0
        for step in examine(repair=repair):
            if isinstance(step, str):
                if verbosity > 1:
                    self.stdout.write(f"Looking at {step}")
                continue
            found, left = found + 1, left + (not step.is_repaired)
            self.stdout.write(_line(step))
        self.stdout.write(_summary(found, left, repair=repair))
        if left:
            self.stdout.flush()
            sys.exit(1)


def _line(found: Found) -> str:
    difference = found.difference
    subject = f"{difference.kind} {difference.subject}".rstrip()
    became = " Repaired." if found.is_repaired else f" Not repaired: {found.trouble}" if found.trouble else ""
    return f"{subject}: {difference.sentence}{became}"


def _summary(found: int, left: int, *, repair: bool) -> str:
    if not found:
        return "0 differences."
    said = "1 difference" if found == 1 else f"{found:,} differences"
    if not repair:
        return f"{said}. `manage.py doctor --repair` puts right what can be put right."
    return f"{said}, {found - left:,} repaired, {left:,} left."
