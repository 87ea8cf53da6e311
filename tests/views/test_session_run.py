"""The run on the session's page, on its own page, and what people do about it."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from sessions.models import Run
from sessions.models.progress import read_progress
from sessions.operations.lifecycle import archive_session
from sessions.operations.runs.artifacts import set_artifact
from sessions.operations.runs.clarifications import ask
from sessions.operations.runs.phases import abort_run, fail_run, set_phase
from sessions.operations.runs.reports import NewLine, add_error, add_logs
from sessions.operations.runs.tasks import NewTask, set_tasks, update_task
from tests.factories import make_session
from tests.statements import assert_statements
from tests.views.pages import html, htmx, toasts

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def session(alice):
    """A session with a run that has told of everything."""
    session = make_session(alice, phase="idea", messages=2)
    set_phase(actor=alice, session_id=session.pk, phase="execution")
    set_tasks(
        actor=alice,
        session_id=session.pk,
        tasks=[NewTask("a", "Gather", "completed"), NewTask("b", "Sort", "active"), NewTask("c", EVIL)],
    )
    add_logs(actor=alice, session_id=session.pk, lines=[NewLine(f"line {number}") for number in range(250)])
    add_error(actor=alice, session_id=session.pk, error_message=f"It broke {EVIL}", task_id="b")
    set_artifact(actor=alice, session_id=session.pk, kind="concept", data={"goal": EVIL})
    set_artifact(actor=alice, session_id=session.pk, kind="spec", path="content/spec.md")
    ask(actor=alice, session_id=session.pk, question="Which region?", options=["Alps", "Jura"])
    return session


def address(session, rest=""):
    return f"/sessions/{session.pk}/{rest}"


def seen(page):
    """The address that a page polls; empty if it doesn't."""
    found = re.search(r'id="run-now"[^>]*hx-get="([^"]*)"', page)
    return found[1] if found else ""


def fragment_at(client, address):
    return client.get(address, headers=htmx())


@pytest.mark.parametrize("place", ["", "run/"])
def test_everything_is_on_the_page(alice_client, session, place):
    page = html(alice_client.get(address(session, place)))
    assert EVIL not in page
    for text in (
        "waiting for an answer",
        "Gather",
        "1 of 3",
        "line 249",
        "It broke",
        "Which region?",
        "content/spec.md",
    ):
        assert text in page
    assert page.count('name="answer"') == 2
    assert '<li class="now" aria-current="step"><span>execution</span>' in page
    assert seen(page)


def test_the_page_takes_no_statement_more(alice_client, session):
    with assert_statements(at_most=8):
        alice_client.get(address(session))


def test_without_a_run_there_is_no_section(alice_client, alice):
    session = make_session(alice)
    page = html(alice_client.get(address(session)))
    assert 'data-fold="run"' not in page
    assert "No run" in html(alice_client.get(address(session, "run/")))
    assert 'id="run-now"' in html(fragment_at(alice_client, address(session, "run/")))


def test_polling_gets_what_has_changed(alice_client, alice, session):
    poll = seen(html(alice_client.get(address(session))))
    with assert_statements(at_most=4):
        assert fragment_at(alice_client, poll).status_code == 204
    update_task(actor=alice, session_id=session.pk, task_id="b", status="completed")
    changed = html(fragment_at(alice_client, poll))
    assert "2 of 3" in changed
    assert "hx-swap-oob" not in changed, "what somebody is reading or writing stays"
    add_logs(actor=alice, session_id=session.pk, lines=[NewLine("news")])
    changed = html(fragment_at(alice_client, poll))
    assert re.findall(r'id="([\w-]+)"[^>]*hx-swap-oob', changed) == ["run-log"]
    assert "news" in changed
    abort_run(actor=alice, session_id=session.pk, reason=EVIL)
    changed = html(fragment_at(alice_client, poll))
    assert EVIL not in changed
    assert "stopped" in changed
    assert not seen(changed), "a run that doesn't go isn't polled"


def test_answering_with_a_button(alice_client, session):
    refused = alice_client.post(address(session, "run/answer/"), {"answer": "Vosges"}, headers=htmx())
    assert (refused.status_code, "One of: Alps, Jura." in html(refused)) == (422, True)
    answered = alice_client.post(address(session, "run/answer/"), {"answer": "Jura"}, headers=htmx())
    assert read_progress(session.pk).clarification["answer"] == "Jura"
    assert 'name="answer"' not in html(answered)
    late = alice_client.post(address(session, "run/answer/"), {"answer": "Alps"}, headers=htmx())
    assert toasts(late) == ["The run doesn't wait for this answer any more."]
    assert read_progress(session.pk).clarification["answer"] == "Jura"


def test_answering_without_a_script(alice_client, alice, session):
    ask(actor=alice, session_id=session.pk, question="And why?")
    empty = alice_client.post(address(session, "run/answer/"), {"answer": " "})
    assert (empty.status_code, "Write an answer first." in html(empty)) == (422, True)
    answered = alice_client.post(address(session, "run/answer/"), {"answer": "because"})
    assert (answered.status_code, answered.headers["Location"]) == (303, f"{address(session)}#run")


def test_stop_and_reopen(alice_client, session):
    alice_client.post(address(session, "run/stop/"), headers=htmx())
    assert read_progress(session.pk).state == "aborted"
    page = html(alice_client.get(address(session)))
    assert "run/reopen/" in page
    assert f'href="{address(session)}export/"' in page
    assert "run/stop/" not in page
    alice_client.post(address(session, "run/reopen/"))
    assert read_progress(session.pk).state == "going"


def test_silent_and_failed(alice_client, alice, session, settings):
    alice_client.post(address(session, "run/answer/"), {"answer": "Jura"})
    poll = seen(html(alice_client.get(address(session))))
    Run.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=6))
    changed = html(fragment_at(alice_client, poll))
    assert "silent for 6 min" in changed
    assert "run/stop/" in changed
    settings.RUN_SILENT_AFTER = timedelta(minutes=7)
    assert "silent" not in html(fragment_at(alice_client, poll))
    fail_run(actor=alice, session_id=session.pk, reason="no compiler")
    page = html(alice_client.get(address(session)))
    assert "no compiler" in page
    assert '<li class="failed" aria-current="step"><span>execution</span>' in page


def test_an_archived_session_is_only_read(alice_client, alice, session):
    archive_session(actor=alice, session_id=session.pk)
    page = html(alice_client.get(address(session)))
    assert "Which region?" in page
    assert 'name="answer"' not in page
    assert "run/stop/" not in page
    assert not seen(page)
    assert alice_client.post(address(session, "run/stop/")).status_code == 409


def test_pages_of_the_log(alice_client, session):
    newest = html(alice_client.get(address(session, "run/")))
    assert "line 249" in newest
    assert "line 49<" not in newest
    older = html(alice_client.get(address(session, "run/") + re.search(r'href="(\?before=\d+)"', newest)[1]))
    assert "line 49<" in older
    assert "line 50<" not in older


def test_artifacts(alice_client, alice, session):
    set_artifact(actor=alice, session_id=session.pk, kind="concept", data=["two"])
    place = address(session, "run/artifacts/concept/")
    page = html(alice_client.get(place))
    assert "two" in page
    assert "Version 1" in page
    first = html(fragment_at(alice_client, f"{place}?version=1"))
    assert EVIL not in first
    assert "goal" in first
    assert "content/spec.md" in html(alice_client.get(address(session, "run/artifacts/spec/")))
    assert alice_client.get(address(session, "run/artifacts/other/")).status_code == 404


@pytest.mark.parametrize("rest", ["run/", "run/artifacts/concept/"])
def test_strangers_find_nothing(mallory_client, session, rest):
    assert mallory_client.get(address(session, rest)).status_code == 404


@pytest.mark.parametrize("rest", ["run/answer/", "run/stop/", "run/reopen/"])
def test_strangers_do_nothing(mallory_client, session, rest):
    before = read_progress(session.pk)
    assert mallory_client.post(address(session, rest), {"answer": "Alps"}).status_code == 404
    assert read_progress(session.pk) == before


def test_rows_of_the_list_show_it(alice_client, alice, session):
    assert '<span class="pill warn">waiting for an answer</span>' in html(alice_client.get("/"))
    alice_client.post(address(session, "run/answer/"), {"answer": "Jura"})
    assert '<span class="pill ">execution 1/3</span>' in html(alice_client.get("/"))
    abort_run(actor=alice, session_id=session.pk)
    assert '<span class="pill bad">stopped</span>' in html(alice_client.get("/"))
