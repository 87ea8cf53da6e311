"""`manage.py mcp`: tools for agents over the Model Context Protocol, on standard input and output (docs/mcp.md)."""

import contextlib
import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

import researchmind
from sessions.exceptions import TokenRefused
from sessions.operations.tokens import actor_of_token

_VARIABLE = "RESEARCHMIND_TOKEN"
_HOW_TO_GET_IT = (
    "The MCP server needs the MCP SDK, which isn't installed: run `make mcp`, or `pip install --require-hashes "
    "-r requirements/mcp.txt` into this Python's environment."
)


class Command(BaseCommand):
    """Serve agents until standard input ends."""

    help = (
        "Serve agents over the Model Context Protocol on standard input and output, with the rights of the API token "
        "in RESEARCHMIND_TOKEN, or in the file that RESEARCHMIND_TOKEN_FILE names."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Check the token once, then serve: each call asks again what it may do."""
        token = _token()
        try:
            actor_of_token(token)
        except TokenRefused as error:
            raise CommandError(error.detail) from error
        except DatabaseError as error:
            raise CommandError(f"The database can't be used ({error}). Is it running, and migrated?") from error
        try:
            from sessions.mcp.server import serve
        except ModuleNotFoundError as error:
            if error.name != "mcp":
                raise
            raise CommandError(_HOW_TO_GET_IT) from error
        with contextlib.suppress(KeyboardInterrupt):
            serve(token, version=researchmind.__version__)


def _token() -> str:
    """The token of the environment or of the file that it names. Raises CommandError without one."""
    token, path = os.environ.get(_VARIABLE, ""), os.environ.get(f"{_VARIABLE}_FILE", "")
    if path and not token:
        try:
            token = Path(path).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"The file in {_VARIABLE}_FILE can't be read: {error}") from error
    if not token.strip():
        raise CommandError(
            f"Set {_VARIABLE} to an API token, or {_VARIABLE}_FILE to a file that holds one. Settings, API tokens, "
            "makes one, as does `manage.py create_token USER`."
        )
    return token.strip()
