"""`manage.py generate`: believable sessions, quickly."""

import secrets
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from sessions.exceptions import SessionError
from sessions.management.believable.drafts import drafts
from sessions.operations.loading import load_sessions, owner_named

MOST_SESSIONS = 1_000_000


class Command(BaseCommand):
    """Fill a database, empty or not, with made-up sessions of one owner."""

    help = """Make believable sessions: topics, names, tags, models, pinned and archived ones, tool calls, Markdown
with code, from the past year. They are added to what is there.

--messages counts the messages of all sessions together: a few sessions get many, most get few. With
--sessions 1 that one gets them all. The same --seed makes the same names, texts and shapes again;
ids and times are new every time.

Every session gets its workspace, which is two directories on the disk. A million of them take
minutes and a million entries in one directory: --no-workspaces leaves them out, for databases
that are only measured. `doctor` will report them as missing."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """Keep the line breaks of the help."""
        return super().create_parser(prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How many, whose, and whether with directories."""
        parser.add_argument(
            "--sessions", type=int, required=True, metavar="N", help="sessions to make, up to a million"
        )
        parser.add_argument("--messages", type=int, required=True, metavar="M", help="messages in all of them together")
        parser.add_argument(
            "--owner", default="demo", metavar="USER", help="whose they are (demo); made without a password if missing"
        )
        parser.add_argument("--seed", type=int, metavar="N", help="makes the same names and texts again")
        parser.add_argument("--no-workspaces", action="store_true", help="make no directories")

    def handle(self, *args: Any, **options: Any) -> None:
        """Store batch after batch, and tell how far it is."""
        sessions, messages = options["sessions"], options["messages"]
        if not 1 <= sessions <= MOST_SESSIONS or messages < 0:
            raise CommandError(f"--sessions takes 1 to {MOST_SESSIONS:,}, --messages 0 or more.")
        owner, is_new = owner_named(options["owner"])
        if is_new:
            self.stderr.write(
                f"Made the user {owner.username}, who has no password. To sign in as {owner.username}: "
                f"manage.py changepassword {owner.username}"
            )
        seed = secrets.randbelow(2**31) if options["seed"] is None else options["seed"]
        made = drafts(sessions=sessions, messages=messages, seed=seed, now=timezone.now())
        started = time.monotonic()
        try:
            for stored in load_sessions(actor=owner, drafts=made, workspaces=not options["no_workspaces"]):
                self._progress(f"{stored.sessions:,} of {sessions:,} sessions, {stored.messages:,} messages")
        except SessionError as error:
            raise CommandError(error.detail) from error
        seconds = time.monotonic() - started
        self._progress("")
        self.stderr.write(
            f"{sessions:,} sessions with {messages:,} messages in {seconds:.1f} s, {messages / seconds:,.0f} messages "
            f"a second (seed {seed})"
        )

    def _progress(self, text: str) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"\r{text:78}", ending="\r")
