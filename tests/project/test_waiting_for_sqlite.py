"""A busy SQLite is waited for as long as others commit; a locked one is given up within two seconds."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection

from researchmind.databases import database
from researchmind.sqlite3 import base
from sessions.models import Session
from tests.factories import make_session

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL locks rows; its writers queue fairly"),
]
A_TRY = 100  # milliseconds


@pytest.fixture
def other():
    """Another process's connection, as good as: it takes the write lock by hand."""
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, check_same_thread=False, timeout=20)
    yield other
    other.close()


@pytest.fixture(autouse=True)
def _own_patience(db) -> Iterator[None]:
    """A connection of the test's own, that waits as long as the test says."""
    _wait(A_TRY)
    yield
    connection.close()


def _wait(milliseconds: int) -> None:
    connection.ensure_connection()
    connection.connection.execute(f"PRAGMA busy_timeout = {milliseconds}")


@contextmanager
def tries(between: Callable[[int], None] = lambda number: None) -> Iterator[list[str]]:
    """How often a statement was begun that another one's lock kept from going on; `between` is called after each."""
    looked: list[str] = []

    def told(statement: str) -> None:
        if statement == "PRAGMA data_version":  # the search's index has a word of its own for that
            looked.append(statement)
            between(len(looked))

    connection.connection.set_trace_callback(told)
    yield looked
    connection.connection.set_trace_callback(None)


@pytest.mark.parametrize("write", [lambda alice: make_session(alice), lambda alice: Session.objects.update(model="m")])
def test_locked(alice, other, write):
    make_session(alice)
    other.execute("BEGIN IMMEDIATE")
    with tries() as tried, pytest.raises(OperationalError, match="locked"):
        write(alice)
    assert len(tried) == 2
    assert Session.objects.get().model == "", "reading goes on"
    other.execute("ROLLBACK")
    write(alice)


def test_two_tries_take_less_than_two_seconds(tmp_path):
    options = database("", sqlite_path=tmp_path, synchronous="FULL", threads=1)["OPTIONS"]
    assert 2 * options["timeout"] == 2 * base.GIVE_UP_SECONDS < 2


def test_held_for_a_moment(alice, other):
    _wait(60_000)
    other.execute("BEGIN IMMEDIATE")
    let_go = threading.Timer(0.3, other.execute, ["ROLLBACK"])
    let_go.start()
    with tries() as tried:
        make_session(alice)
    let_go.join()
    assert tried == []


def test_busy_for_longer_than_a_locked_one_is_waited_for(alice, other):
    """Others hold the lock at each look, but get on."""

    def get_on(number: int) -> None:
        other.execute("UPDATE auth_user SET last_name = last_name || 'x'")
        other.execute("COMMIT")
        if number < 5:
            other.execute("BEGIN IMMEDIATE")

    other.execute("BEGIN IMMEDIATE")
    with tries(get_on) as tried:
        make_session(alice)
    assert len(tried) == 5
    connection.close()
    assert Session.objects.count() == 1


def test_patience_ends(alice, other, monkeypatch):
    monkeypatch.setattr(base, "PATIENCE_SECONDS", -1)
    other.execute("BEGIN IMMEDIATE")
    with tries() as tried, pytest.raises(OperationalError, match="locked"):
        make_session(alice)
    assert tried == [], "one try"
    other.execute("ROLLBACK")


def test_other_errors_are_not_waited_for():
    with tries() as tried, pytest.raises(OperationalError, match="no such table"), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM nowhere")
    assert tried == []
