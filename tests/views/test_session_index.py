"""The search index on pages: its state beside the files, started, followed and stopped."""

import re

import pytest

from sessions.models import Job, JobState
from sessions.operations.jobs.doing import do_next_job
from sessions.operations.lifecycle import archive_session
from sessions.storage import workspaces
from tests.factories import make_session, share
from tests.statements import assert_statements

pytestmark = pytest.mark.django_db(transaction=True)
HTMX = {"HX-Request": "true"}


@pytest.fixture
def session(alice, vera):
    return share(make_session(alice, "Papers"), viewer=vera)


@pytest.fixture
def address(session, indexer) -> str:
    """Of the index, which can be made."""
    return f"/sessions/{session.pk}/index/"


def index_of(client, address: str) -> str:
    """The index's part of a page."""
    answer = client.get(address)
    assert answer.status_code == 200
    return re.search(r'<div id="index".*', answer.content.decode(), re.DOTALL)[0]


def poll_of(part: str) -> str | None:
    found = re.match(r'<div id="index"[^>]* hx-get="([^"]+)" hx-trigger="every 1s"', part)
    return found and found[1].replace("&amp;", "&")


def test_started_and_followed_from_the_session(alice_client, session, address):
    part = index_of(alice_client, f"/sessions/{session.pk}/")
    assert "not indexed" in part
    assert ">Index</button>" in part
    assert poll_of(part) is None, "nothing to follow"
    started = alice_client.post(address, headers=HTMX).content.decode()
    assert "Waiting for the worker" in started
    assert ">Cancel</button>" in started
    poll = poll_of(started.strip())
    with assert_statements(at_most=5):
        assert alice_client.get(poll, headers=HTMX).status_code == 204
    assert "Waiting for the worker" in index_of(alice_client, f"/sessions/{session.pk}/")
    lines = "".join(f"line {number}\n" for number in range(2000))
    Job.objects.update(state=JobState.RUNNING, output=f"first\n{lines}<b>last</b>")
    changed = alice_client.get(poll, headers=HTMX).content.decode()
    assert "Indexing" in changed
    assert "&lt;b&gt;last&lt;/b&gt;" in changed
    assert "first" not in changed, "the panel has the end of it"
    Job.objects.update(state=JobState.QUEUED)
    do_next_job()
    ended = alice_client.get(poll, headers=HTMX).content.decode()
    assert poll_of(ended.strip()) is None
    assert "Index again" in ended
    assert "not indexed" not in ended


def test_on_a_page_of_its_own_without_javascript(alice_client, vera_client, session, address):
    assert alice_client.post(address)["Location"] == address
    Job.objects.update(output="first\n" + "x" * 10_000)
    part = index_of(vera_client, address)
    assert "first" in part
    assert "whole=1" in poll_of(part)
    assert "<button" not in part, "a viewer looks on"
    assert vera_client.post(address).status_code == 403
    assert vera_client.post(f"{address}cancel/").status_code == 403
    assert alice_client.post(f"{address}cancel/")["Location"] == address
    assert "Cancelled" in index_of(alice_client, address)


def test_what_failed_is_told(alice_client, alice, session, address):
    (workspaces.workspace_path(session.pk) / "content" / "behaviour").write_text("failing 3")
    alice_client.post(address)
    do_next_job()
    assert "exit code 3" in index_of(alice_client, f"/sessions/{session.pk}/")
    assert "out of memory" in index_of(alice_client, address)
    job = Job.objects.get()
    page = alice_client.get(f"/jobs/{job.pk}/").content.decode()
    assert "Index “Papers”" in page
    assert "exit code 3" in page
    assert f'href="{address}"' in page
    assert "could not index the workspace" in alice_client.get(f"/sessions/{session.pk}/").content.decode()
    archive_session(actor=alice, session_id=session.pk)
    assert "Index again" not in index_of(alice_client, address)


def test_not_installed_says_how_to_get_it(alice_client, session, address, settings):
    settings.INDEX_COMMAND = "not-there"
    assert "pipx install mcp-vector-search" in index_of(alice_client, address)
    for headers in ({}, HTMX):
        answer = alice_client.post(address, headers=headers)
        assert answer.status_code == 503
        assert "pipx install mcp-vector-search" in answer.content.decode()
    assert not Job.objects.exists()
