"""Data directories and databases of the benchmarks' own: temporary, migrated, filled by `benchmarks.fill`."""

import argparse
import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent


def arguments(description: str | None, *, rounds: int, seconds: int) -> argparse.ArgumentParser:
    """A parser with the options that every benchmark takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite", help="temporary ones")
    parser.add_argument(
        "--database-url",
        help="a PostgreSQL server instead, whose user may create databases; they are dropped afterwards",
    )
    parser.add_argument("--rounds", type=int, default=rounds, help=f"how often everything is measured ({rounds})")
    parser.add_argument("--seconds", type=int, default=seconds, help=f"how long, each time ({seconds})")
    return parser


@dataclass(frozen=True)
class Site:
    """One data directory with its database."""

    directory: Path
    database_url: str

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to work on it."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RESEARCHMIND_")}
        environment |= {"RESEARCHMIND_DATA_DIR": str(self.directory), "DJANGO_SETTINGS_MODULE": "benchmarks.settings"}
        return environment | {"DATABASE_URL": self.database_url}

    def run(self, *command: str) -> str:
        """Run a module of Python's on it; return what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def fill(self, *shape: str) -> Any:
        """Fill it with `python -m benchmarks.fill`; return what is to be asked for."""
        return json.loads(self.run("benchmarks.fill", *shape))

    def activate(self) -> None:
        """Set Django up on it in this process."""
        os.environ.update(self.environment)
        import django

        django.setup()

    def database_pids(self) -> list[int]:
        """The processes of a PostgreSQL server on this machine, as far as its socket's directory tells."""
        pid_file = Path(unquote(urlsplit(self.database_url).netloc.rpartition("@")[2])) / "data" / "postmaster.pid"
        return children(int(pid_file.read_text().split()[0])) if pid_file.is_file() else []


def children(pid: int) -> list[int]:
    """The processes that this one started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextlib.contextmanager
def site(options: argparse.Namespace) -> Iterator[Site]:
    """Make a migrated site, and remove it afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="researchmind-benchmark-"))
    server = options.database_url or (_postgresql() if options.database == "postgresql" else "")
    try:
        with _database(server, f"benchmark_{directory.name[-8:].lower()}") as url:
            made = Site(directory, url)
            made.run("django", "migrate", "--verbosity=0")
            yield made
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def describe(options: argparse.Namespace) -> None:
    """Say when and on what this is measured."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    database = "PostgreSQL" if options.database_url or options.database == "postgresql" else "SQLite"
    busy = f"load {os.getloadavg()[0]:.1f} at the start"
    print(f"{time.strftime('%Y-%m-%d')}, {database}, {python}, {os.cpu_count()} cores, {busy}\n", flush=True)


@lru_cache
def _postgresql() -> str:
    from tests import postgresql_server

    return postgresql_server.start()


@contextlib.contextmanager
def _database(server: str, name: str) -> Iterator[str]:
    if not server:
        yield ""  # SQLite, in the data directory
        return
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
