"""Forking in the browser: the form with its preview, and what leads there."""

import pytest
from django.urls import reverse

from sessions.models import Job, Session
from sessions.operations.jobs import amounts
from sessions.operations.jobs.doing import do_next_job
from sessions.operations.lifecycle import purge_session, trash_session
from sessions.operations.restructure.forking import fork_session
from sessions.operations.runs.phases import fail_run, set_phase
from sessions.storage.workspaces import workspace_path
from tests.factories import make_session
from tests.statements import assert_statements
from tests.views.pages import html, htmx
from tests.whole import transcript

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session(alice) -> Session:
    made = make_session(alice, messages=8)
    (workspace_path(made.pk) / "content" / "a.txt").write_text("abc")
    return made


def address(session: Session) -> str:
    return reverse("session_fork", args=[session.pk])


def test_nothing_is_written_before_it_is_asked_for(alice_client, session):
    shown = html(alice_client.get(f"{address(session)}?at=5"))
    assert 'value="Mosses of the north (fork)"' in shown
    assert "<b>6 messages</b>, 2 stay behind" in shown
    assert "1 file</b>, 3\xa0bytes" in shown
    assert [f"message {number}" in shown for number in range(8)] == [True, True, False, False, True, True, False, False]
    again = html(alice_client.get(address(session), {"at": "0", "name": "x"}))
    assert "<b>1 message</b>, 7 stay behind" in again
    assert "no files" in again
    assert Session.objects.count() == 1


def test_forking(alice_client, session):
    answer = alice_client.post(address(session), {"name": " Mine ", "at": "2", "files": "yes"}, follow=True)
    fork = Session.objects.exclude(pk=session.pk).get()
    assert answer.redirect_chain == [(f"/sessions/{fork.pk}/", 303)]
    assert (fork.name, transcript(fork)) == ("Mine", ["message 0", "message 1", "message 2"])
    assert (workspace_path(fork.pk) / "content" / "a.txt").read_text() == "abc"
    assert "Forked from" in html(answer)
    assert f"/sessions/{session.pk}/" in html(answer)
    assert "Forked into" in html(alice_client.get(f"/sessions/{session.pk}/"))


def test_a_large_fork_is_a_job(alice_client, session, monkeypatch):
    monkeypatch.setattr(amounts, "MANY_MESSAGES", 2)
    answer = alice_client.post(address(session), {"name": "Mine", "at": "2", "files": "yes"}, follow=True)
    job = Job.objects.get()
    assert answer.redirect_chain == [(f"/jobs/{job.pk}/", 303)]
    assert "Fork “Mosses of the north” into “Mine”" in html(answer)
    edit = {"content": "other", "fork": "yes", "version": str(session.version)}
    answer = alice_client.post(
        f"/sessions/{session.pk}/messages/4/edit/", edit, headers=htmx(f"/sessions/{session.pk}/")
    )
    second = Job.objects.exclude(pk=job.pk).get()
    assert answer.headers["HX-Redirect"] == f"/jobs/{second.pk}/"
    assert Session.objects.count() == 1
    while do_next_job():
        pass
    fork = Session.objects.get(name="Mine")
    assert transcript(fork) == ["message 0", "message 1", "message 2"]
    shown = html(alice_client.get(f"/jobs/{job.pk}/"))
    assert "Forked with 3 messages." in shown
    assert f'href="/sessions/{fork.pk}/"' in shown
    assert transcript(Session.objects.get(name__endswith="(fork)"))[3:] == ["message 3", "other"]
    assert alice_client.post(f"/sessions/{session.pk}/messages/5/edit/", edit).status_code == 400


def test_what_was_typed_stays(alice_client, session):
    for headers in ({}, htmx(f"/sessions/{session.pk}/")):
        answer = alice_client.post(address(session), {"name": "Mine", "at": "99"}, headers=headers)
        assert answer.status_code == 422
        assert 'value="99"' in html(answer)
        assert "from 0 to 7" in html(answer)
        assert ("<html" in html(answer)) == (not headers)
    assert Session.objects.count() == 1


def test_a_dialog_and_a_preview_in_it(alice_client, session):
    answer = alice_client.get(address(session), headers=htmx(f"/sessions/{session.pk}/"))
    assert answer.headers["HX-Retarget"] == "#dialog"
    answer = alice_client.get(address(session), headers=htmx() | {"HX-Target": "outcome"})
    assert "HX-Retarget" not in answer.headers
    answer = alice_client.post(address(session), {"name": "Mine", "at": "0"}, headers=htmx())
    assert answer.headers["HX-Redirect"].startswith("/sessions/")


def test_editing_in_a_fork(alice_client, session):
    edit = reverse("message_edit", args=[session.pk, 2])
    assert "Save in a fork" in html(alice_client.get(edit))
    answer = alice_client.post(edit, {"content": "other", "version": str(session.version), "fork": "yes"})
    fork = Session.objects.exclude(pk=session.pk).get()
    assert answer.headers["Location"] == f"/sessions/{fork.pk}/?at=2#m-2"
    assert transcript(fork) == ["message 0", "message 1", "other"]
    assert len(transcript(session)) == 8
    answer = alice_client.post(edit, {"content": "other", "version": "9", "fork": "yes"})
    assert "has changed while you were writing" in html(answer)
    assert Session.objects.count() == 2


def test_where_one_gets_there(alice, alice_client, session):
    shown = html(alice_client.get(f"/sessions/{session.pk}/"))
    assert f"{address(session)}?at=3" in shown
    assert "Restart as a fork" not in shown
    set_phase(actor=alice, session_id=session.pk, phase="execution")
    fail_run(actor=alice, session_id=session.pk, reason="It broke")
    assert "Restart as a fork" in html(alice_client.get(f"/sessions/{session.pk}/"))


def test_a_parent_that_is_gone(alice, alice_client, session):
    fork = fork_session(actor=alice, session_id=session.pk)
    with assert_statements(exactly=7):
        alice_client.get(f"/sessions/{fork.pk}/")
    trash_session(actor=alice, session_id=session.pk)
    assert "in the trash" in html(alice_client.get(f"/sessions/{fork.pk}/"))
    purge_session(actor=alice, session_id=session.pk)
    shown = html(alice_client.get(f"/sessions/{fork.pk}/"))
    assert "a session that is gone or not shared with you" in shown
    assert session.short_id in shown


def test_strangers_and_the_trash(alice, mallory_client, alice_client, session):
    for method in ("get", "post"):
        assert getattr(mallory_client, method)(address(session)).status_code == 404
    trash_session(actor=alice, session_id=session.pk)
    assert alice_client.post(address(session), {"name": "x"}).status_code == 404
    assert f"{address(session)}?at=" not in html(alice_client.get(f"/sessions/{session.pk}/"))
    assert Session.objects.count() == 1
