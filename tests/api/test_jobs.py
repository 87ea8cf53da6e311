"""Jobs over the API: long work answers 202 with where to look, and is followed and cancelled there."""

import pytest

from sessions.models import Import, Job, JobKind, JobState, Session
from sessions.operations.jobs import amounts, purging
from sessions.operations.jobs.doing import do_next_job
from sessions.operations.jobs.queue import start_job
from sessions.operations.tokens import create_token
from sessions.operations.transcript import append_messages
from tests.api.contract import BASE, ContractClient, assert_problem
from tests.factories import make_session, share, user_message
from tests.formats.samples import as_json, simple_chatgpt
from tests.statements import assert_statements

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_large_merge_is_a_job_that_leads_to_the_session(owner, alice, session, monkeypatch):
    monkeypatch.setattr(amounts, "MANY_MESSAGES", 5)
    ids = [str(session.pk), make_session(alice, messages=2).short_id]
    body = {"source_session_ids": ids, "target_name": "Both", "metadata": {"k": 1}}
    asked = [owner.post(f"{BASE}/sessions/merge", body, headers={"Idempotency-Key": "m"}) for _ in range(2)]
    assert [answer.status_code for answer in asked] == [202, 202]
    assert asked[0].content == asked[1].content
    job = Job.objects.get()
    assert asked[0].headers["Location"] == f"{BASE}/jobs/{job.pk}"
    assert (asked[0].json()["state"], asked[0].json()["total"], asked[0].json()["result"]) == ("queued", None, {})
    do_next_job()
    with assert_statements(at_most=4):
        found = owner.get(asked[0].headers["Location"]).json()
    assert (found["state"], found["kind"], found["done"], found["total"]) == ("done", "merge", 6, 6)
    merged = owner.get(f"{BASE}/sessions/{found['result']['session_id']}").json()
    assert (merged["name"], merged["message_count"], merged["metadata"]) == ("Both", 6, {"k": 1})
    assert_problem(owner.post(f"{BASE}/sessions/merge", body | {"tags": ["a,b"]}), 422)
    assert_problem(owner.post(f"{BASE}/sessions/merge", {"source_session_ids": ids[:1]}), 400, "impossible")


def test_a_large_fork_is_a_job_that_leads_to_the_session(vera, alice, session, url, monkeypatch):
    viewer = ContractClient(create_token(actor=vera, name="t")[1])
    share(session, viewer=vera)
    monkeypatch.setattr(amounts, "MANY_MESSAGES", 3)
    asked = [viewer.post(f"{url}/fork", {"name": "Mine"}, headers={"Idempotency-Key": "f"}) for _ in range(2)]
    assert [answer.status_code for answer in asked] == [202, 202]
    assert asked[0].content == asked[1].content
    assert asked[0].json()["subject"] == f"“{session.name}” into “Mine”"
    append_messages(actor=alice, session_id=session.pk, messages=[user_message("after it was asked for")])
    do_next_job()
    found = viewer.get(asked[0].headers["Location"]).json()
    assert (found["state"], found["kind"], found["done"], found["total"]) == ("done", "fork", 4, 4)
    fork = viewer.get(f"{BASE}/sessions/{found['result']['session_id']}").json()
    assert (fork["name"], fork["message_count"], fork["role"]) == ("Mine", 4, "owner")
    assert viewer.post(f"{url}/fork", {"at_index": 2}).status_code == 201, "little is done at once"
    assert_problem(viewer.post(f"{url}/fork", {}, headers={"If-Match": '"9"'}), 412, "stale_version")
    assert_problem(viewer.post(f"{url}/fork", {"name": " "}), 422)
    assert_problem(viewer.post(f"{url}/fork", {"at_index": 9}), 404, "message_not_found")
    assert Job.objects.count() == 1


def test_a_large_split_is_a_job_that_leads_to_the_sessions(owner, session, url, monkeypatch):
    monkeypatch.setattr(amounts, "MANY_MESSAGES", 3)
    parts = [{"name": "One", "message_ranges": [[0, 1]]}, {"name": "Two", "message_ranges": [[2, 3]], "tags": ["t"]}]
    asked = [owner.post(f"{url}/split", {"parts": parts}, headers={"Idempotency-Key": "s"}) for _ in range(2)]
    assert [answer.status_code for answer in asked] == [202, 202]
    assert asked[0].content == asked[1].content
    assert asked[0].json()["subject"] == f"“{session.name}” into 2 sessions"
    do_next_job()
    found = owner.get(asked[0].headers["Location"]).json()
    assert (found["state"], found["kind"], found["done"], found["total"]) == ("done", "split", 4, 4)
    made = [owner.get(f"{BASE}/sessions/{pk}").json() for pk in found["result"].pop("session_ids")]
    assert [(one["name"], one["message_count"], one["tags"]) for one in made] == [("One", 2, []), ("Two", 2, ["t"])]
    assert found["result"] == {"source_session_id": str(session.pk), "assigned_points": 0, "removed_points": 0}
    assert owner.post(f"{url}/split", {"parts": parts[:1]}).status_code == 201, "little is done at once"
    for changed, status in (
        ({"name": " "}, 422),
        ({"message_ranges": [[0, 3], [9, 9]]}, 404),
        ({"tags": ["a,b"]}, 422),
    ):
        assert_problem(owner.post(f"{url}/split", {"parts": [*parts, parts[0] | changed]}), status)
    assert_problem(owner.post(f"{url}/split", {"parts": parts}, headers={"If-Match": '"9"'}), 412, "stale_version")
    assert Job.objects.count() == 1


def test_a_large_import_is_taken_back_by_a_job(owner, monkeypatch):
    owner.post(f"{BASE}/sessions/import", as_json([simple_chatgpt(number) for number in range(3)]))
    address = f"{BASE}/imports/{Import.objects.get().pk}/undo"
    monkeypatch.setattr(purging, "MANY_SESSIONS", 2)
    asked = owner.post(address)
    assert asked.status_code == 202
    do_next_job()
    assert owner.get(asked.headers["Location"]).json()["result"]["purged"] == 3
    assert not Session.objects.exists()
    assert owner.post(address).status_code == 200, "little is left"


def test_the_list_in_pages(owner, alice, mallory):
    jobs = [start_job(actor=alice, kind=JobKind.EMPTY_TRASH, subject=str(number)) for number in range(5)]
    Job.objects.filter(pk__in=[jobs[1].pk, jobs[2].pk]).update(created_at=jobs[2].created_at)  # at one moment
    start_job(actor=mallory, kind=JobKind.EMPTY_TRASH, subject="hers")
    found, cursor = [], ""
    while cursor is not None:
        with assert_statements(at_most=4):
            page = owner.get(f"{BASE}/jobs?limit=2{cursor and f'&cursor={cursor}'}").json()
        found += [job["job_id"] for job in page["jobs"]]
        cursor = page["next"]
    assert found == [str(job.pk) for job in Job.objects.filter(owner=alice).order_by("-created_at", "-pk")]
    for wrong in ("nonsense", "bm9uc2Vuc2U", "MDAwMS0wMS0wMVQwMDowMCswMTowMCAw"):
        assert_problem(owner.get(f"{BASE}/jobs?cursor={wrong}"), 422)


def test_cancelling(owner, alice):
    job = start_job(actor=alice, kind=JobKind.EMPTY_TRASH, subject="1 session")
    owner.get(f"{BASE}/jobs")  # which notes the token's use, once a minute
    for _ in range(2):
        with assert_statements(at_most=4):
            assert owner.post(f"{BASE}/jobs/{job.pk}/cancel").json()["state"] == JobState.CANCELLED
    assert owner.get(f"{BASE}/jobs/{job.pk}").json()["cancel_requested"]
    assert_problem(owner.get(f"{BASE}/jobs/nonsense"), 404, "job_not_found")


def test_a_token_for_one_session_sees_what_such_a_token_started(alice, session):
    start_job(actor=alice, kind=JobKind.EMPTY_TRASH, subject="everything")
    limited = ContractClient(create_token(actor=alice, name="t", session_id=session.pk)[1])
    assert limited.get(f"{BASE}/jobs").json()["jobs"] == []
    Job.objects.update(actor={"token_id": None, "token_name": "", "only_session": str(session.pk)})
    assert len(limited.get(f"{BASE}/jobs").json()["jobs"]) == 1
