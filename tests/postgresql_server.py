"""A real PostgreSQL server of the tests' own, started from the installed programs: about a second."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import machine

WHAT_TO_INSTALL = (
    "The tests need a PostgreSQL server's programs (initdb, pg_ctl): run `make test`, which installs them where it "
    "can; or install them (Debian: apt-get install postgresql), or set DATABASE_URL to a server that the tests may use."
)
# What the tests write need not survive a power cut; connections are many, as each process of theirs has a pool.
# A vacuum that works by itself is one more transaction at a moment that nobody knows: the feed of events waits for it.
OPTIONS = (
    "-c max_connections=400 -c fsync=off -c full_page_writes=off -c max_wal_size=4GB -c autovacuum=off "
    "-c jit=off -c shared_buffers=128MB -c log_min_messages=fatal -c listen_addresses=''"
)


class PostgresqlServer:
    """A server with its data in a directory of its own, reached through a socket there."""

    def __init__(self) -> None:
        programs = machine.postgresql()
        if programs is None:
            sys.exit(WHAT_TO_INSTALL)
        self._programs = programs
        self.directory = Path(tempfile.mkdtemp(prefix="researchmind-pg-"))
        self._prefix = self._leave_root()
        data = str(self.directory / "data")
        self._run("initdb", "-D", data, "-U", "tests", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"{OPTIONS} -c unix_socket_directories='{self.directory}'"
        log = str(self.directory / "log")
        self._run("pg_ctl", "-D", str(self.directory / "data"), "-l", log, "-w", "-t", "300", "-o", options, "start")

    def stop(self) -> None:
        """Stop it at once, as a crash would."""
        self._run("pg_ctl", "-D", str(self.directory / "data"), "-m", "immediate", "stop")

    def remove(self) -> None:
        """Stop it, if it runs, and remove its data."""
        subprocess.run(
            [*self._prefix, self._programs / "pg_ctl", "-D", self.directory / "data", "-m", "immediate", "stop"],
            capture_output=True,
            cwd="/",
        )
        shutil.rmtree(self.directory, ignore_errors=True)

    def create_database(self, name: str) -> str:
        """Make a database and return its DATABASE_URL."""
        self._run("createdb", "-h", str(self.directory), "-U", "tests", name)
        return f"postgresql://tests@{str(self.directory).replace('/', '%2F')}/{name}"

    def _leave_root(self) -> list[str]:
        """The command prefix that leaves root, as which initdb refuses to run."""
        if os.geteuid() != 0:
            return []
        shutil.chown(self.directory, "postgres", "postgres")
        self.directory.chmod(0o755)
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._prefix, str(self._programs / program), *arguments]
        # The server keeps what it inherits: into a file, so that nobody waits for the end of a pipe.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(command, stdout=output, stderr=output, cwd="/", stdin=subprocess.DEVNULL)
            if done.returncode:
                output.seek(0)
                raise RuntimeError(f"{' '.join(command)} failed:\n{output.read()}")


def start() -> str:
    """Start a server, remove it when this process ends, and return the DATABASE_URL of a database in it."""
    server = PostgresqlServer()
    atexit.register(_remove, server, os.getpid())
    server.start()
    return server.create_database("researchmind")


def start_for_this_process() -> None:
    """Put the DATABASE_URL of a server of this process's own into the environment, unless one was given to the tests.

    A worker of xdist inherits the first process's: that one stays for the programs that tests start.
    """
    worker, environment = os.environ.get("PYTEST_XDIST_WORKER", ""), os.environ
    if environment.get("DATABASE_URL") and environment.get("TEST_SERVER_OF", worker) == worker:
        return
    environment |= {"DATABASE_URL": start(), "TEST_SERVER_OF": worker}
    environment.setdefault("TEST_PROGRAMS_DATABASE_URL", environment["DATABASE_URL"])


def _remove(server: PostgresqlServer, owner: int) -> None:
    if os.getpid() == owner:  # not in a forked child
        server.remove()


if __name__ == "__main__":  # for trying things by hand: prints the address, runs until Enter
    print(start(), flush=True)
    sys.stdin.read()
