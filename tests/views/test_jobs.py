"""Jobs on pages: long work goes there, is followed, cancelled, and found again."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from sessions.models import Import, Job, JobKind, JobState, Session
from sessions.operations.jobs import importing, purging
from sessions.operations.jobs.doing import do_next_job
from sessions.operations.jobs.queue import start_job
from sessions.operations.lifecycle import trash_session
from tests.factories import make_session
from tests.formats.samples import as_json, simple_chatgpt
from tests.statements import assert_statements

pytestmark = pytest.mark.django_db(transaction=True)
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _little_is_much(monkeypatch):
    monkeypatch.setattr(purging, "MANY_SESSIONS", 1)
    monkeypatch.setattr(importing, "MANY_BYTES", 10)


def shown(client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_large_import_is_a_job_and_ends_at_its_report(alice_client):
    files = [SimpleUploadedFile("<b>.json", as_json([simple_chatgpt(1), simple_chatgpt(2)]))]
    answer = alice_client.post("/import/", {"file": files}, follow=True)
    job = Job.objects.get()
    assert answer.redirect_chain == [(f"/jobs/{job.pk}/", 303)]
    assert "Import &lt;b&gt;.json" in answer.content.decode()
    do_next_job()
    page = shown(alice_client, f"/jobs/{job.pk}/")
    assert "2 sessions made." in page
    assert f"/import/{Import.objects.get().pk}/" in page
    assert "hx-trigger" not in re.search(r'<section id="job"[^>]*>', page)[0], "nothing is left to follow"


def test_deleting_much_and_emptying_a_large_trash(alice_client, alice):
    ids = [trash_session(actor=alice, session_id=make_session(alice).pk).pk for _ in range(5)]
    answer = alice_client.post("/sessions/delete/", {"id": ids[:2], "confirmed": "1"})
    assert answer["Location"] == f"/jobs/{Job.objects.get(kind=JobKind.PURGE).pk}/"
    answer = alice_client.post("/trash/empty/")
    assert answer["Location"] == f"/jobs/{Job.objects.get(kind=JobKind.EMPTY_TRASH).pk}/"
    assert Session.objects.count() == 5
    while do_next_job():
        pass
    assert not Session.objects.exists()
    page = shown(alice_client, "/jobs/")
    assert "2 sessions deleted for ever." in page
    assert "3 sessions deleted for ever." in page


def test_a_page_that_follows_is_told_what_has_changed_alone(alice_client, alice):
    job = start_job(actor=alice, kind=JobKind.EMPTY_TRASH, subject="1 session", total=10)
    for address in (f"/jobs/{job.pk}/", "/jobs/"):
        poll = re.search(r'hx-get="([^"]*seen=[^"]*)"', shown(alice_client, address))[1]
        with assert_statements(at_most=4):
            assert alice_client.get(poll, headers=HTMX).status_code == 204
        Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING, done=4)
        changed = alice_client.get(poll, headers=HTMX).content.decode()
        assert 'value="40"' in changed
        assert "<html" not in changed
        Job.objects.filter(pk=job.pk).update(state=JobState.QUEUED, done=0)


def test_cancelling(alice_client, alice):
    job = start_job(actor=alice, kind=JobKind.EMPTY_TRASH, subject="1 session")
    assert "Cancel" in shown(alice_client, f"/jobs/{job.pk}/")
    page = alice_client.post(f"/jobs/{job.pk}/cancel/", follow=True).content.decode()
    assert "Cancelled" in page
    assert "stays done" in page
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


def test_nobody_elses(mallory_client, alice, client):
    job = start_job(actor=alice, kind=JobKind.EMPTY_TRASH, subject="1 session")
    assert "No jobs" in shown(mallory_client, "/jobs/")
    assert mallory_client.get(f"/jobs/{job.pk}/").status_code == 404
    assert mallory_client.post(f"/jobs/{job.pk}/cancel/").status_code == 404
    assert mallory_client.get("/jobs/nonsense/").status_code == 404
    assert client.get("/jobs/")["Location"].startswith("/sign-in/")
    job.refresh_from_db()
    assert job.state == JobState.QUEUED


def test_what_went_wrong_is_told(alice_client, alice):
    job = start_job(actor=alice, kind=JobKind.EMPTY_TRASH, subject="1 session")
    Job.objects.filter(pk=job.pk).update(state=JobState.FAILED, error="The disk is <full>.")
    for address in (f"/jobs/{job.pk}/", "/jobs/"):
        assert "The disk is &lt;full&gt;." in shown(alice_client, address)
