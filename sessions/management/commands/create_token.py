"""`manage.py create_token`: an API token for a user, for scripts that set a machine up."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from sessions.exceptions import Conflict, Invalid, NotFound
from sessions.models import Scope
from sessions.operations import tokens


class Command(BaseCommand):
    """Print a new token, and nothing else, on standard output."""

    help = "Make an API token for a user and print it, alone. It is shown this once: only its digest is kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose, what it may do, what it is called."""
        parser.add_argument("user", metavar="USER", help="the user name that the token stands for")
        parser.add_argument("--scope", choices=Scope.values, default=Scope.WRITE.value, help="what it may do (write)")
        parser.add_argument("--name", default="Command line", metavar="TEXT", help="what the list of tokens calls it")
        parser.add_argument("--session", metavar="SESSION", help="the one session that it is for, by its id")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the token, or say in one line why not."""
        user = _user_named(options["user"])
        try:
            _, plain = tokens.create_token(
                actor=user, name=options["name"], scope=options["scope"], session_id=options["session"]
            )
        except (NotFound, Conflict) as error:
            raise CommandError(error.detail) from error
        except Invalid as error:
            raise CommandError(" ".join([error.detail, *(sentence for _, sentence in error.errors)])) from error
        self.stdout.write(plain)


def _user_named(name: str) -> User:
    user = get_user_model().objects.filter(username=name).first()
    if user is None:
        raise CommandError(
            f"There is no user {name!r}. `manage.py createsuperuser` makes an administrator, who adds other users "
            "under /admin/auth/user/."
        )
    if not user.is_active:
        raise CommandError(f"The user {name!r} is disabled; a token of theirs would be refused.")
    return user
