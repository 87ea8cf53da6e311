"""A real PostgreSQL server of the tests' own, started from the installed binaries: about a second."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

WHAT_TO_INSTALL = (
    "The tests need a PostgreSQL server's binaries (initdb, pg_ctl). Install them (Debian: apt-get install postgresql), "
    "put their directory on PATH, or set DATABASE_URL to a server that the tests may use."
)


def start() -> str:
    """Start a server in a new directory, stop it when this process ends, and return its DATABASE_URL."""
    binaries = _binaries()
    directory = Path(tempfile.mkdtemp(prefix="researchmind-pg-"))
    as_user = _user_for_server(directory)
    data, log = directory / "data", directory / "log"
    _run(
        [
            *as_user,
            str(binaries / "initdb"),
            "-D",
            str(data),
            "-U",
            "tests",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]
    )
    options = (
        f"-c listen_addresses='' -c unix_socket_directories='{directory}' -c max_connections=200 "
        "-c fsync=off -c shared_buffers=128MB -c log_min_messages=fatal"
    )
    _run([*as_user, str(binaries / "pg_ctl"), "-D", str(data), "-l", str(log), "-w", "-o", options, "start"])
    atexit.register(
        _stop, os.getpid(), [*as_user, str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop"], directory
    )
    _run([str(binaries / "createdb"), "-h", str(directory), "-U", "tests", "researchmind"])
    return f"postgresql://tests@{str(directory).replace('/', '%2F')}/researchmind"


def _binaries() -> Path:
    on_path = shutil.which("initdb")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    found = on_path or (installed and installed[-1])
    if not found:
        sys.exit(WHAT_TO_INSTALL)
    return Path(found).resolve().parent


def _user_for_server(directory: Path) -> list[str]:
    """The command prefix that leaves root, as which initdb refuses to run."""
    if os.geteuid() != 0:
        return []
    shutil.chown(directory, "postgres", "postgres")
    directory.chmod(0o755)
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def _stop(owner: int, command: list[str], directory: Path) -> None:
    if os.getpid() == owner:  # not in a forked child
        subprocess.run(command, capture_output=True, cwd="/", check=False)
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":  # for trying things by hand: prints the address, runs until Enter
    print(start(), flush=True)
    sys.stdin.read()
