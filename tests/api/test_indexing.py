"""GET and POST /sessions/{id}/index, and stopping it."""

import pytest

from sessions.models import Event, Job, Verb
from sessions.operations.jobs.doing import do_next_job
from sessions.operations.lifecycle import archive_session, trash_session
from sessions.operations.tokens import create_token
from tests.api.contract import ContractClient, assert_problem
from tests.factories import share
from tests.statements import assert_statements

pytestmark = pytest.mark.django_db(transaction=True)


def cancel(client, url):
    client.get(url)  # which notes the token's use, once a minute
    with assert_statements(at_most=4):
        answer = client.post(f"{url}/index/cancel")
    assert answer.status_code == 200
    return answer.json()["job"]


@pytest.mark.usefixtures("indexer")
def test_from_nothing_to_an_index(owner, url):
    with assert_statements(at_most=4):
        found = owner.get(f"{url}/index").json()
    assert (found["is_indexed"], found["is_installed"], found["job"]) == (False, True, None)
    with assert_statements(at_most=4):
        started = owner.post(f"{url}/index")
    assert started.status_code == 202
    job = started.json()["job"]
    assert (job["state"], job["started_by"], job["output"], job["exit_code"]) == ("queued", "alice", "", None)
    assert owner.post(f"{url}/index").json()["job"]["job_id"] == job["job_id"], "one at a time"
    do_next_job()
    found = owner.get(f"{url}/index").json()
    assert (found["is_indexed"], found["job"]["state"], found["job"]["exit_code"]) == (True, "done", 0)
    assert found["job"]["output"].endswith("Indexed 0 files\n")
    assert found["job"]["started_at"] <= found["job"]["finished_at"]
    assert owner.get(url).json()["is_indexed"] is True


@pytest.mark.usefixtures("indexer")
def test_it_fails_with_its_exit_code(owner, url):
    owner.put(f"{url}/files/content/behaviour", "failing 7", content_type="application/octet-stream")
    owner.post(f"{url}/index")
    do_next_job()
    job = owner.get(f"{url}/index").json()["job"]
    assert (job["state"], job["exit_code"]) == ("failed", 7)
    assert "exit code 7" in job["error"]
    assert owner.post(f"{url}/index").json()["job"]["state"] == "queued", "and can be tried again"


@pytest.mark.usefixtures("indexer")
def test_it_is_stopped(owner, url, session, bob):
    """By anybody who may write, whoever started it; once, and told of once."""
    assert cancel(owner, url) is None, "there is nothing to stop"
    owner.post(f"{url}/index")
    share(session, editor=bob)
    bobs = ContractClient(create_token(actor=bob, name="t")[1])
    job = cancel(bobs, url)
    assert (job["state"], job["cancel_requested"], job["started_by"]) == ("cancelled", True, "alice")
    assert job["finished_at"] >= job["created_at"]
    assert cancel(bobs, url) == cancel(owner, url) == job
    assert not do_next_job()
    owner.post(f"{url}/index")
    Job.objects.take()
    job = cancel(bobs, url)
    assert (job["state"], job["cancel_requested"], job["finished_at"]) == ("running", True, None)
    assert cancel(owner, url) == job
    told = Event.objects.filter(verb=Verb.INDEXING_CANCELLED).values_list("actor_name", flat=True)
    assert list(told) == ["bob", "bob"]


@pytest.mark.usefixtures("indexer")
def test_only_an_active_session(owner, url, alice, session):
    assert_problem(owner.post(f"{url}/index", headers={"If-Match": '"99"'}), 412, "stale_version")
    archive_session(actor=alice, session_id=session.pk)
    assert_problem(owner.post(f"{url}/index"), 409, "session_archived")
    trash_session(actor=alice, session_id=session.pk)
    assert_problem(owner.post(f"{url}/index"), 404, "session_not_found")
    assert_problem(owner.get(f"{url}/index"), 404, "session_not_found")
    assert not Job.objects.exists()


def test_not_installed_says_how_to_get_it(owner, url, settings):
    settings.INDEX_COMMAND = "mcp-vector-search"
    assert owner.get(f"{url}/index").json()["is_installed"] is False
    answer = owner.post(f"{url}/index")
    problem = assert_problem(answer, 503, "indexer_not_installed")
    assert "pipx install mcp-vector-search" in problem["detail"]
    assert "Retry-After" in answer.headers
    assert not Job.objects.exists()
