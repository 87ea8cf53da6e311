"""`manage.py rebuild_search`: the search's index made anew."""

import time
from typing import Any

from django.core.management.base import BaseCommand

from sessions.models import Message
from sessions.search import index


class Command(BaseCommand):
    """Make the index of all messages and names anew. Who writes meanwhile waits."""

    help = (
        "Make the search's index anew from what the tables hold, about a minute for a million messages. Nobody can "
        "write meanwhile. Needed only if something else than ResearchMind has changed the database past its triggers."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and say how long it took."""
        started = time.monotonic()
        index.rebuild()
        seconds = time.monotonic() - started
        self.stdout.write(f"{Message.objects.count():,} messages are indexed ({seconds:.1f} s).")
