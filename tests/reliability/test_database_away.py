"""The database refuses, hangs or is locked: 503 with Retry-After within two seconds, and soon all is well again."""

import os
import signal
import sqlite3
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from django.db import connection

from tests.postgresql_server import PostgresqlServer
from tests.reliability.server import Client, Server, wait_until

needs_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite's lock")
needs_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="of a server that can go away")


TRIES = 10  # a machine that is busy with other tests may be late, now and then
GIVEN_UP_AFTER = 1.5  # seconds without a connection or an answer of PostgreSQL


def assert_unavailable(*requests):
    """Each is refused within two seconds and what the machine adds."""
    for request in requests:
        assert_refused_soon(request)


def assert_refused_soon(request, seconds=2.5):
    took = []
    while min(took, default=seconds) >= seconds:
        assert len(took) < TRIES, took
        start = time.monotonic()
        answer = request()
        took.append(time.monotonic() - start)
        assert answer.status == 503, answer.body
        assert int(answer.headers["Retry-After"]) > 0
        if answer.headers["Content-Type"].startswith("text/plain"):  # a probe's
            continue
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "database_unavailable"


def new_session(client):
    """Made as soon as the machine has time for it."""

    def made():
        answer = client.request("POST", "/api/v1/sessions", {"name": "Written to"})
        return answer.status == 201 and answer.json()["session_id"]

    return wait_until(made, what="a session is made")


def recovered(server, session_id):
    """All is well again within five seconds and what a busy machine adds, whichever worker answers."""

    def appends():
        return server.client().append(session_id, "after").status == 201

    wait_until(appends, 30, "the API takes messages again")


@needs_sqlite
def test_locked(tmp_path):
    with Server(tmp_path, WORKERS=2, is_patient=False) as server:
        refuses_while_locked(server)


def refuses_while_locked(server):
    client = server.client()
    session_id = new_session(client)
    wait_until(lambda: client.append(session_id, "before").status == 201, what="no worker holds the lock for long")
    holder = sqlite3.connect(server.directory / "data" / "db.sqlite3", isolation_level=None, timeout=120)
    holder.execute("BEGIN IMMEDIATE")
    assert_unavailable(
        lambda: client.request("POST", f"/api/v1/sessions/{session_id}/archive"),
        lambda: client.request("POST", "/api/v1/sessions", {"name": "x"}),
        lambda: client.append(session_id, "meanwhile"),
    )
    assert client.request("GET", "/api/v1/sessions").status == 200, "reading goes on"
    wait_until(lambda: client.request("GET", "/readyz").status == 200, what="it is asked within its time")
    holder.execute("ROLLBACK")
    holder.close()
    recovered(server, session_id)
    assert [content for _, content in client.transcript(session_id)] == ["before", "after"]


@pytest.fixture(scope="module")
def postgresql():
    """A database server that the tests may stop; each leaves it running."""
    server = PostgresqlServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def served(tmp_path_factory, postgresql):
    """ResearchMind over it, recovered after each test."""
    url = postgresql.create_database("away")
    with Server(tmp_path_factory.mktemp("served"), url, is_patient=False, WORKERS=2) as server:
        yield server


@needs_postgresql
def test_refused(served, postgresql):
    client = served.client()
    session_id = new_session(client)
    postgresql.stop()
    assert_unavailable(*[lambda: client.append(session_id, "meanwhile")] * 4)
    assert Client(served.port).request("GET", "/healthz").status == 200
    assert Client(served.port).request("GET", "/readyz").status == 503
    time.sleep(4)  # long enough for whoever tries again on a timer of its own to have become slow
    postgresql.start()
    recovered(served, session_id)
    assert served.client().transcript(session_id) == [(0, "after")]


@needs_postgresql
def test_restarted_between_two_requests(served, postgresql):
    """Connections that lead to the server of before are not used, so nobody notices."""
    client = served.client()
    session_id = new_session(client)
    for round_number in range(3):
        for _ in range(6):
            assert_appended(client, session_id, f"round {round_number}")
        postgresql.stop()
        postgresql.start()
    assert_appended(client, session_id, "last")


def assert_appended(client, session_id, content):
    """Who uses a connection that leads nowhere is refused at once; later it is the machine that had no time for one."""
    for _ in range(TRIES):
        start = time.monotonic()
        answer = client.append(session_id, content)
        if answer.status == 201 or time.monotonic() - start < GIVEN_UP_AFTER:
            break
    assert answer.status == 201, answer.body


@needs_postgresql
def test_hangs(served, postgresql):
    client = served.client()
    session_id = new_session(client)
    with stopped(postgresql):
        assert_unavailable(*[lambda: client.append(session_id, "meanwhile")] * 6)
        assert_refused_soon(lambda: Client(served.port).request("GET", "/readyz"), seconds=5)
    recovered(served, session_id)


@contextmanager
def stopped(postgresql):
    """The server's processes hang: its postmaster and all children of that, and no other begins."""
    postmaster = int((postgresql.directory / "data" / "postmaster.pid").read_text().split()[0])
    processes = [postmaster]
    try:
        os.kill(postmaster, signal.SIGSTOP)
        wait_until(lambda: Path(f"/proc/{postmaster}/stat").read_text().rpartition(")")[2].split()[0] == "T")
        processes += map(int, Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split())
        assert len(processes) > 4
        for process in processes[1:]:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)
        yield
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)
