"""The database refuses, hangs or is locked: 503 with Retry-After within two seconds, and soon all is well again."""

import os
import signal
import sqlite3
import time

import pytest
from django.db import connection

from tests.postgresql_server import PostgresqlServer
from tests.reliability.server import Client, Server, wait_until

needs_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite's lock")
needs_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="of a server that can go away")


def assert_unavailable(*requests):
    """Each is refused, within two seconds and what a busy machine adds; one may be later than that."""
    took = []
    for request in requests:
        start = time.monotonic()
        answer = request()
        took.append(time.monotonic() - start)
        assert answer.status == 503, answer.body
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "database_unavailable"
    assert sorted(took)[-2] < 2.5, took
    assert max(took) < 10, took


def recovered_within(server, seconds):
    def answers():
        return server.client().request("GET", "/api/v1/sessions").status == 200

    wait_until(answers, seconds, "the API answers again")


@needs_sqlite
def test_locked(own_server):
    own_server.start()
    client = own_server.client()
    session_id = client.new_session()
    assert client.append(session_id, "before").status == 201
    holder = sqlite3.connect(own_server.directory / "data" / "db.sqlite3", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert_unavailable(
        lambda: client.request("POST", f"/api/v1/sessions/{session_id}/archive"),
        lambda: client.request("POST", "/api/v1/sessions", {"name": "x"}),
        lambda: client.append(session_id, "meanwhile"),
    )
    assert client.request("GET", "/api/v1/sessions").status == 200, "reading goes on"
    assert client.request("GET", "/readyz").status == 200
    holder.execute("ROLLBACK")
    holder.close()
    assert client.append(session_id, "after").status == 201
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
    with Server(tmp_path_factory.mktemp("served"), postgresql.create_database("away"), WORKERS=2) as server:
        yield server


@needs_postgresql
def test_refused(served, postgresql):
    client = served.client()
    session_id = client.new_session()
    postgresql.stop()
    assert_unavailable(*[lambda: client.append(session_id, "meanwhile")] * 4)
    assert Client(served.port).request("GET", "/healthz").status == 200
    assert Client(served.port).request("GET", "/readyz").status == 503
    time.sleep(4)  # long enough for whoever tries again on a timer of its own to have become slow
    postgresql.start()
    recovered_within(served, 10)  # five, and what a busy machine adds
    assert served.client().append(session_id, "after").status == 201
    assert served.client().transcript(session_id) == [(0, "after")]


@needs_postgresql
def test_restarted_between_two_requests(served, postgresql):
    """Connections that lead to the server of before are not used, so nobody notices."""
    client = served.client()
    session_id = client.new_session()
    for round_number in range(3):
        for _ in range(6):
            assert client.append(session_id, f"round {round_number}").status == 201
        postgresql.stop()
        postgresql.start()
    assert client.append(session_id, "last").status == 201


@needs_postgresql
def test_hangs(served, postgresql):
    client = served.client()
    session_id = client.new_session()
    processes = processes_of(postgresql)
    assert len(processes) > 4
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        assert_unavailable(*[lambda: client.append(session_id, "meanwhile")] * 6)
        start = time.monotonic()
        assert Client(served.port).request("GET", "/readyz").status == 503
        assert time.monotonic() - start < 5
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)
    recovered_within(served, 10)  # five, and what a busy machine adds
    assert served.client().append(session_id, "after").status == 201


def processes_of(postgresql):
    """The server's processes: its postmaster and all children of that."""
    postmaster = int((postgresql.directory / "data" / "postmaster.pid").read_text().split()[0])
    with open(f"/proc/{postmaster}/task/{postmaster}/children") as file:
        return [postmaster, *map(int, file.read().split())]
