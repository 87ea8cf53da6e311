"""A busy SQLite is waited for as long as others commit; a locked one is given up within two seconds."""

import sqlite3
import threading
import time
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection

from researchmind.sqlite3 import base
from sessions.models import Session
from tests.factories import make_session

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL locks rows; its writers queue fairly"),
]


@pytest.fixture
def other():
    """Another process's connection, as good as: it takes the write lock by hand."""
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, check_same_thread=False, timeout=20)
    yield other
    other.close()


@contextmanager
def held_for(other, seconds, commits_every=None):
    """Hold the lock in a thread for so long, committing now and then if asked; the block begins once it is held."""
    begun = threading.Event()

    def hold():
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            other.execute("BEGIN IMMEDIATE")
            begun.set()
            other.execute("UPDATE auth_user SET last_name = last_name || 'x'")
            time.sleep(commits_every or seconds)
            other.execute("COMMIT")

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert begun.wait(30)
        yield
    finally:
        thread.join()


@pytest.mark.parametrize("write", [lambda alice: make_session(alice), lambda alice: Session.objects.update(model="m")])
def test_locked(alice, other, write):
    make_session(alice)
    other.execute("BEGIN IMMEDIATE")
    start = time.monotonic()
    with pytest.raises(OperationalError, match="locked"):
        write(alice)
    assert base.GIVE_UP_SECONDS < time.monotonic() - start < 2.5
    assert Session.objects.get().model == "", "reading goes on"
    other.execute("ROLLBACK")
    write(alice)


def test_held_for_a_moment(alice, other):
    with held_for(other, 0.4):
        make_session(alice)


def test_busy_for_longer_than_a_locked_one_is_waited_for(alice, other):
    """Others hold the lock nearly all the time, but get on; the few gaps between them are hardly ever met."""
    connection.connection.execute("PRAGMA busy_timeout = 400")
    with held_for(other, 3, commits_every=0.1):
        make_session(alice)
    connection.close()
    assert Session.objects.count() == 1


def test_patience_ends(alice, other, monkeypatch):
    monkeypatch.setattr(base, "PATIENCE_SECONDS", -1)
    other.execute("BEGIN IMMEDIATE")
    start = time.monotonic()
    with pytest.raises(OperationalError, match="locked"):
        make_session(alice)
    assert time.monotonic() - start < 1.5, "one try"
    other.execute("ROLLBACK")


def test_other_errors_are_not_waited_for(alice):
    start = time.monotonic()
    with pytest.raises(OperationalError, match="no such table"), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM nowhere")
    assert time.monotonic() - start < base.GIVE_UP_SECONDS
