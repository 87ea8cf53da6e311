"""A real server of the tests' own: `manage.py serve` over a database and a data directory of its own."""

import fcntl
import http.client
import json
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import psycopg

PROJECT = Path(__file__).resolve().parents[2]
# One process for all three: starting Django takes longer than what it then does.
_PREPARE = """
from django.contrib.auth.models import User
from django.core.management import call_command
call_command("migrate", verbosity=0)
User.objects.create_user("alice")
call_command("create_token", "alice")
"""


def wait_until(condition: Callable[[], Any], seconds: float = 120, what: str = "") -> Any:
    """Ask until the answer is true, and return it; fail after so many seconds."""
    until = time.monotonic() + seconds
    while True:
        if answer := condition():
            return answer
        assert time.monotonic() < until, f"not within {seconds} s: {what or condition}"
        time.sleep(0.02)


def new_database(copied_from: str = "template1") -> str:
    """The DATABASE_URL of a new database of the kind that this run tests on; empty for SQLite's default."""
    url = os.environ.get("TEST_PROGRAMS_DATABASE_URL") or os.environ.get("DATABASE_URL", "")
    if not url:
        return ""
    name = f"reliability_{secrets.token_hex(8)}"

    def is_made() -> bool:
        try:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{copied_from}"')
        except psycopg.errors.ObjectInUse:  # the server is slow to let go of whoever filled the template
            return False
        return True

    with psycopg.connect(url, autocommit=True) as connection:
        wait_until(is_made, what="the template is free")
    return url.rpartition("/")[0] + "/" + name


def environment_of(data: Path, database_url: str, is_patient: bool = True, **settings: object) -> dict[str, str]:
    """The environment of the project's programs, with data of their own and, but for patience, the real settings."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("RESEARCHMIND_", "DJANGO_"))
    } | {
        "RESEARCHMIND_DATA_DIR": str(data),
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "tests.reliability.settings" if is_patient else "researchmind.settings",
        **{f"RESEARCHMIND_{name}": str(value) for name, value in settings.items()},
    }  # fmt: skip


def manage(environment: dict[str, str], *arguments: str) -> str:
    """Run a management command in an environment and return what it prints."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Prepared(NamedTuple):
    """A database with all tables, Alice and a token of hers, from which the servers' own ones are copied."""

    data: Path
    database: str
    token: str


@cache
def prepared() -> Prepared:
    """Make it once for all processes of this run: migrating takes longer than most of what is done with it then."""
    place = Path(os.environ["TEST_DATA_DIR"]) / "prepared"
    place.mkdir(exist_ok=True)
    data, note = place / "data", place / "note"
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not note.exists():
            url = new_database()
            token = manage(environment_of(data, url), "shell", "-v", "0", "-c", _PREPARE).strip()
            note.write_text(json.dumps([url.rpartition("/")[2], token]))
    return Prepared(data, *json.loads(note.read_text()))


class Server:
    """ResearchMind, serving Alice with a token of hers. Used as a context manager it is killed at the end."""

    def __init__(
        self, directory: Path, database_url: str | None = None, *, is_patient: bool = True, **settings: object
    ) -> None:
        self.directory = directory
        data = directory / "data"
        if database_url is None:
            shutil.copytree(prepared().data, data)
            self.environment = environment_of(data, new_database(prepared().database), is_patient, **settings)
            self.token = prepared().token
        else:
            self.environment = environment_of(data, database_url, is_patient, **settings)
            self.token = manage(environment_of(data, database_url), "shell", "-v", "0", "-c", _PREPARE).strip()
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    def manage(self, *arguments: str) -> str:
        """Run a management command and return what it prints."""
        return manage(self.environment, *arguments)

    def start(self) -> Self:
        """Start it, in a process group of its own, and wait until it answers."""
        with socket.socket() as kept:  # the port is nobody else's until the server listens there
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            kept.bind(("127.0.0.1", 0))
            self.port = kept.getsockname()[1]
            with open(self.directory / "log", "ab") as log:
                self.process = subprocess.Popen(
                    [sys.executable, "manage.py", "serve", "--port", str(self.port)],
                    cwd=PROJECT, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )  # fmt: skip
            wait_until(self._answers, 300, "the server answers")
        return self

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the server has ended:\n{self.log()}"
        try:
            return Client(self.port).request("GET", "/healthz").status == 200
        except OSError:
            return False

    def log(self) -> str:
        """What it has logged."""
        return (self.directory / "log").read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL to all its processes at once."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def terminate(self) -> int:
        """SIGTERM, as a supervisor sends it; return the exit code once it has ended."""
        assert self.process is not None
        self.process.terminate()
        code = self.process.wait(120)
        self.process = None
        return code

    def client(self, timeout: float = 120) -> "Client":
        """A client of the API with Alice's token and a connection of its own."""
        return Client(self.port, self.token, timeout)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()


class Answer:
    """A whole answer."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self) -> Any:
        """The body read as JSON."""
        return json.loads(self.body)


class Client:
    """One connection, kept open, as scripts keep it."""

    def __init__(self, port: int, token: str = "", timeout: float = 120) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request and read its answer whole. Raises OSError or HTTPException if there is none."""
        if self._is_hung_up():
            self._connection.close()  # the next request opens another one
        sent = None if body is None else json.dumps(body)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if sent is not None:
            headers["Content-Type"] = "application/json"
        self._connection.request(method, path, sent, self._headers | headers)
        return Answer(self._connection.getresponse())

    def _is_hung_up(self) -> bool:
        """Whether the server has left the connection, as it does when nothing was asked for some seconds."""
        connection = self._connection.sock
        return connection is not None and bool(select.select([connection], [], [], 0)[0])

    def new_session(self, **values: Any) -> str:
        """Make a session and return its id."""
        answer = self.request("POST", "/api/v1/sessions", {"name": "Written to", **values})
        assert answer.status == 201, answer.body
        return str(answer.json()["session_id"])

    def append(self, session_id: str, content: str, **headers: str) -> Answer:
        """Append a user message."""
        message = {"role": "user", "content": content}
        return self.request("POST", f"/api/v1/sessions/{session_id}/messages", message, **headers)

    def transcript(self, session_id: str) -> list[tuple[int, str]]:
        """(index, content) of all messages, read page by page."""
        found: list[tuple[int, str]] = []
        while True:
            after = f"&after={found[-1][0]}" if found else ""
            answer = self.request("GET", f"/api/v1/sessions/{session_id}/messages?limit=200{after}")
            assert answer.status == 200, answer.body
            page = [(message["index"], message["content"]) for message in answer.json()["messages"]]
            found += page
            if len(page) < 200:
                return found
