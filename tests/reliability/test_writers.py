"""Eight writers on one session: no gap, nothing twice, nobody refused."""

import os
import subprocess
import sys

import pytest
from django.db import connection

from sessions.operations.transcript import append_messages
from tests.factories import make_session, user_message
from tests.reliability.server import PROJECT, Server
from tests.reliability.writers import in_order
from tests.together import raise_errors, together
from tests.whole import assert_whole, transcript

WRITERS = 8

# Writers, each a process of its own: they append to the session named, through the operation.
WRITE = """
import multiprocessing
import sys
import django
django.setup()
from django.contrib.auth.models import User
from sessions.operations.transcript import NewMessage, append_messages
session_id, writers, number = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
forking = multiprocessing.get_context("fork")
gate = forking.Barrier(writers)
def write(who):
    alice = User.objects.get()
    gate.wait(300)
    for count in range(number):
        append_messages(actor=alice, session_id=session_id, messages=[NewMessage("user", f"{who}/{count}")])
processes = [forking.Process(target=write, args=(who,)) for who in range(writers)]
for process in processes:
    process.start()
for process in processes:
    process.join()
sys.exit(any(process.exitcode for process in processes))
"""


def assert_all_there(session, number):
    contents = transcript(session)
    assert len(contents) == WRITERS * number
    assert in_order(contents)
    assert_whole(session)


def write_in_threads(alice, number):
    session = make_session(alice)

    def write(who):
        for count in range(number):
            append_messages(actor=alice, session_id=session.pk, messages=[user_message(f"{who}/{count}")])

    raise_errors(together(*[lambda who=who: write(who) for who in range(WRITERS)], seconds=600))
    assert_all_there(session, number)


def url_of_the_test_database():
    """The DATABASE_URL under which another process finds the database of this test."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return "sqlite:///" + name
    return os.environ["DATABASE_URL"].rpartition("/")[0] + "/" + name


def write_in_processes(alice, number):
    session = make_session(alice)
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.reliability.settings", "DATABASE_URL": url_of_the_test_database(),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", WRITE, str(session.pk), str(WRITERS), str(number)],
        cwd=PROJECT, env=environment, text=True, capture_output=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert_all_there(session, number)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("write", [write_in_threads, write_in_processes])
def test_through_the_operation(alice, write):
    write(alice, 40)


@pytest.mark.soak
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("write", [write_in_threads, write_in_processes])
def test_through_the_operation_for_long(alice, write):
    write(alice, 250)


def test_480_appends_of_eight_clients_over_http(server: Server):
    session_id = server.client().new_session()

    def write(who):
        client = server.client()
        answers = [client.append(session_id, f"{who}/{count}") for count in range(60)]
        assert {answer.status for answer in answers} == {201}
        return [answer.json()["messages"][0]["index"] for answer in answers]

    indexes = raise_errors(together(*[lambda who=who: write(who) for who in range(WRITERS)], seconds=600))
    assert sorted(index for own in indexes for index in own) == list(range(480))
    transcript = server.client().transcript(session_id)
    assert [index for index, _ in transcript] == list(range(480))
    assert in_order(content for _, content in transcript)
    for who, own in enumerate(indexes):
        assert [index for index, content in transcript if content.startswith(f"{who}/")] == own
