"""The fleet: who needs somebody comes first, and it stays quick whatever there is."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sessions.models import Run, Session
from sessions.models import fleet as rows
from sessions.models.fleet import read_fleet
from sessions.operations.lifecycle import archive_session, trash_session
from sessions.operations.runs.clarifications import ask
from sessions.operations.runs.phases import abort_run, fail_run
from sessions.operations.runs.reports import add_error
from sessions.operations.runs.tasks import NewTask, set_tasks
from tests.factories import make_rows, make_session
from tests.statements import assert_statements
from tests.views.pages import html, htmx, names

MINUTE = timedelta(minutes=1)


def make_runs(owner, amount, state="going", *, minutes=0):
    """Many runs quickly, named Session 0000 and so on, each heard of a second before the last."""
    sessions = make_rows(owner, amount, phase="execution")
    now = timezone.now() - minutes * MINUTE
    Run.objects.bulk_create(
        Run(session=session, owner=owner, state=state, version=1, heartbeat_at=now - timedelta(seconds=number))
        for number, session in enumerate(sessions)
    )
    return sessions


@pytest.fixture
def fleet(alice):
    """One run of each kind, and those that are over."""
    runs = {
        name: make_session(alice, name, phase="execution")
        for name in ("going", "silent", "failed", "waiting", "complete", "stopped", "archived", "trashed")
    }
    make_session(alice, "no run")
    ask(actor=alice, session_id=runs["waiting"].pk, question="Which region?")
    fail_run(actor=alice, session_id=runs["failed"].pk, reason="no compiler")
    abort_run(actor=alice, session_id=runs["stopped"].pk)
    set_tasks(actor=alice, session_id=runs["going"].pk, tasks=[NewTask("a", "Sort them", "active"), NewTask("b")])
    add_error(actor=alice, session_id=runs["silent"].pk, error_message="disk is slow")
    Run.objects.filter(session=runs["silent"]).update(heartbeat_at=timezone.now() - 6 * MINUTE)
    Run.objects.filter(session=runs["waiting"]).update(heartbeat_at=timezone.now() - 60 * MINUTE)
    Run.objects.filter(session=runs["complete"]).update(state="complete")
    archive_session(actor=alice, session_id=runs["archived"].pk)
    trash_session(actor=alice, session_id=runs["trashed"].pk)
    return runs


def test_the_order(alice_client, fleet):
    page = alice_client.get("/fleet/")
    assert names(page) == ["waiting", "failed", "silent", "going"]
    for text in ("Which region?", "no compiler", "Silent for 6 min", "disk is slow", "Sort them", "0 of 2"):
        assert text in html(page)
    assert alice_client.get("/fleet").status_code == 301


def test_strangers_see_their_own(mallory_client, fleet):
    assert "Nothing is running" in html(mallory_client.get("/fleet/"))


def test_polling(alice_client, alice, fleet):
    page = html(alice_client.get("/fleet/"))
    poll = re.search(r'id="fleet"[^>]*hx-get="([^"]*)"', page)[1]
    with assert_statements(at_most=3):
        assert alice_client.get(poll, headers=htmx("/fleet/")).status_code == 204
    fail_run(actor=alice, session_id=fleet["going"].pk, reason="gone too")
    changed = alice_client.get(poll, headers=htmx("/fleet/"))
    assert names(changed) == ["waiting", "going", "failed", "silent"]


def test_pages(alice_client, alice):
    make_runs(alice, 30, "failed")
    make_runs(alice, 40, "going", minutes=9)
    make_runs(alice, 60, "going")
    found, address = [], "/fleet/"
    while address:
        page = alice_client.get(address)
        found += re.findall(r'href="/sessions/([\w-]+)/#run"', html(page))
        more = re.search(r'href="(/fleet/\?after=[^"]*)"', html(page))
        address = more[1] if more else ""
    assert len(found) == len(set(found)) == 130
    states = {str(pk): state for pk, state in Run.objects.values_list("session_id", "state")}
    assert [states[pk] for pk in found] == ["failed"] * 30 + ["going"] * 100
    assert names(alice_client.get("/fleet/?after=nonsense")) == names(alice_client.get("/fleet/"))


def test_an_archive_full_of_failed_runs_is_not_gone_through(alice, monkeypatch):
    """Of each kind those that were heard of last are looked at."""
    monkeypatch.setattr(rows, "LOOKED_AT", 5)
    failed = make_runs(alice, 9, "failed")
    Session.objects.filter(pk__in=[session.pk for session in failed[1:7]]).update(status="archived")
    going = make_runs(alice, 1)
    found = read_fleet(alice.pk, silent_before=timezone.now() - MINUTE, limit=50).rows
    assert [row["session_id"] for row in found] == [str(failed[0].pk), str(going[0].pk)]


def test_as_many_statements_for_many(alice_client, alice):
    make_runs(alice, 2)
    with assert_statements(at_most=4) as few:
        alice_client.get("/fleet/")
    make_runs(alice, 100, "waiting")
    with assert_statements(exactly=len(few)):
        alice_client.get("/fleet/")


def test_it_reads_ranges_of_an_index(alice):
    """Thousands of runs that are over, and of others', aren't looked at."""
    make_runs(alice, 3000, "complete")
    make_runs(alice, 300, "going")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    with CaptureQueriesContext(connection) as captured:
        read_fleet(alice.pk, silent_before=timezone.now(), limit=50)
    statement = captured[-1]["sql"]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("EXPLAIN QUERY PLAN " + statement)
            plan = "\n".join(row[3] for row in cursor.fetchall())
            assert (
                plan.count("USING INDEX run_by_state (owner_id=? AND state=?")
                + plan.count("USING COVERING INDEX run_by_state (owner_id=? AND state=?")
                == 4
            ), plan
        else:
            cursor.execute("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) " + statement)
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert plan.count("Scan Backward using run_by_state") == 4, plan
