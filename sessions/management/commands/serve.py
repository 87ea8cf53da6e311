"""`manage.py serve`: the production server on this machine."""

import errno
import socket
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse

from researchmind.serving import Server, keep_metrics_together
from sessions.operations.accounts import first_run_token

_PORTS = 2**16
_PATIENCE_SECONDS = 5.0  # web workers of a server that was killed end within a second or two
_LOOK_SECONDS = 0.2
_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104  (compared with, not bound to)


class Command(BaseCommand):
    """Serve ResearchMind with gunicorn and the job worker until SIGTERM."""

    help = "Serve ResearchMind with gunicorn, the job worker beside it; both end together on SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Options."""
        parser.add_argument("--host", default="127.0.0.1", help="Address to listen on (default: %(default)s).")
        parser.add_argument("--port", type=int, default=8000, help="Port to listen on (default: %(default)s).")

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        """Check, say where to go, and serve."""
        _require_migrations()
        _require_free(host, port)
        if host not in _EVERYWHERE and host not in settings.ALLOWED_HOSTS:
            settings.ALLOWED_HOSTS.append(host)
        shown = "127.0.0.1" if host in _EVERYWHERE else f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{port}"
        self.stdout.write(f"ResearchMind is at {address}/")
        token = first_run_token()
        if token is not None:
            self.stdout.write(f"First start: make the administrator at {address}{reverse('welcome', args=[token])}")
        if host in _EVERYWHERE and "*" not in settings.ALLOWED_HOSTS:
            self.stdout.write(
                f"It answers to {', '.join(settings.ALLOWED_HOSTS)}; RESEARCHMIND_ALLOWED_HOSTS adds names."
            )
        self.stdout.flush()
        _close_connections()
        keep_metrics_together(port)
        Server(host, port).run()


def _require_migrations() -> None:
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CommandError("The database isn't up to date. Run `manage.py migrate` first.")


def _require_free(host: str, port: int) -> None:
    """Raise CommandError where nobody can listen: before anything is said or done that a running server minds."""
    if not 0 < port < _PORTS:
        raise CommandError(f"There is no port {port}: they go from 1 to {_PORTS - 1}.")
    until = time.monotonic() + _PATIENCE_SECONDS
    while error := _refusal(host, port):
        if error.errno != errno.EADDRINUSE:
            raise CommandError(f"{host} port {port} can't be listened on: {error.strerror or error}.") from error
        if time.monotonic() > until:
            raise CommandError(
                f"Port {port} is taken: another program listens there, perhaps another ResearchMind. "
                "Choose another one: --port 9000, or PORT=9000 make run."
            ) from error
        time.sleep(_LOOK_SECONDS)


def _refusal(host: str, port: int) -> OSError | None:
    """Why nobody can listen there; None if somebody can."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host or None, port, 0, socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return error
    return None


def _close_connections() -> None:
    """The server forks: no process may inherit another's connection or pool."""
    connection = connections[DEFAULT_DB_ALIAS]
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's alone
