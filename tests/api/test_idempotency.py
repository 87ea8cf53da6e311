"""Idempotency-Key on every POST."""

import json
from datetime import UTC, datetime

import pytest

from sessions.models import IdempotencyKey, Job, JobKind, Session, ShareLink, VectorPoint
from sessions.models.progress import read_progress
from sessions.operations.editing import edit_message
from sessions.operations.jobs.indexing import index_later
from sessions.operations.lifecycle import archive_session
from sessions.operations.runs.clarifications import ask
from sessions.operations.runs.phases import abort_run
from sessions.operations.tokens import create_token
from tests.api.contract import BASE, ContractClient, assert_problem, operations
from tests.together import raise_errors, together
from tests.whole import transcript

KEY = {"Idempotency-Key": "0b6ae0ea-0000-4000-8000-3f1d4a1d2c3b"}
READS = {"/sessions/{session_id}/points/search"}  # asks with a body: there is nothing to do twice
POSTS = sorted({path.removeprefix(BASE) for method, path, _ in operations() if method == "POST"} - READS)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
CLEANUP = {"policy": {"auto_archive_inactive_days": 1}, "dry_run": False}

# For each POST: a body, and what changes if it is done.
BODIES = {
    "/sessions": {"name": "one"},
    "/sessions/{session_id}/archive": None,
    "/sessions/{session_id}/restore": None,
    "/sessions/{session_id}/messages": {"role": "user", "content": "once"},
    "/sessions/{session_id}/revisions/{number}/restore": None,
    "/chat": {"message": "asked"},
    "/sessions/import": {"session": {"session_id": "x"}, "messages": []},
    "/imports/{import_id}/undo": None,
    "/jobs/{job_id}/cancel": None,
    "/turns": {"user": "asked", "assistant": "answered"},
    "/sessions/{session_id}/fail": {"reason": "no compiler"},
    "/sessions/{session_id}/abort": {},
    "/sessions/{session_id}/reopen": None,
    "/sessions/{session_id}/answers": {"question_id": "who", "answer": "x"},
    "/sessions/{session_id}/errors": {"error_message": "x"},
    "/sessions/{session_id}/logs": {"message": "x"},
    "/sessions/{session_id}/clarification/answer": {"answer": "x"},
    "/sessions/{session_id}/share": {"usernames": ["bob"], "permissions": ["read"]},
    "/sessions/{session_id}/links": {},
    "/sessions/{session_id}/fork": {},
    "/sessions/{session_id}/index": None,
    "/sessions/{session_id}/index/cancel": None,
    "/sessions/{session_id}/split": {"parts": [{"name": "start", "message_ranges": [[0, 1]]}]},
    "/sessions/{session_id}/points": {"points": [{"point_id": 1, "vector": [1, 2]}]},
    "/sessions/merge": {"source_session_ids": ["{session_id}", "{other_id}"]},
    "/sessions/bulk": {"session_ids": ["{session_id}"], "action": "pin"},
    "/sessions/cleanup": CLEANUP,
    "/cleanup": CLEANUP,
}


def state(session):
    """Everything that a POST could change."""
    session.refresh_from_db()
    return (
        Session.objects.count(),
        session.version,
        session.status,
        transcript(session),
        read_progress(session.pk),
        ShareLink.objects.count(),
        VectorPoint.objects.count(),
        list(Job.objects.order_by("created_at").values_list("state", "cancel_requested")),
    )


def _imported(owner) -> str:
    """An import that can be taken back."""
    return owner.post(f"{BASE}/sessions/import", BODIES["/sessions/import"]).json()["import_id"]


def body_of(path: str, session: Session, owner) -> object:
    """The body for this session and another one."""
    assert path in BODIES, "A POST needs a line in BODIES."
    text = json.dumps(BODIES[path])
    if "{other_id}" in text:
        text = text.replace("{other_id}", owner.post(f"{BASE}/sessions", {"name": "other"}).json()["session_id"])
    return json.loads(text.replace("{session_id}", str(session.pk)))


@pytest.mark.parametrize("path", POSTS)
def test_every_post_is_done_once(owner, ada_token, session, alice, bob, path, model_server, indexer):
    body, caller = body_of(path, session, owner), ContractClient(ada_token) if "cleanup" in path else owner
    if "cleanup" in path:
        Session.objects.update(last_accessed=LONG_AGO, updated_at=LONG_AGO)
    if "revisions" in path:
        edit_message(actor=alice, session_id=session.pk, index=2, content="better")
    if path.endswith("}/restore") and "revisions" not in path:
        archive_session(actor=alice, session_id=session.pk)
    if path.endswith("/clarification/answer"):
        ask(actor=alice, session_id=session.pk, question="x?")
    if path.endswith("/index/cancel"):
        index_later(actor=alice, session_id=session.pk)
    if path.endswith("/reopen"):
        abort_run(actor=alice, session_id=session.pk)
    import_id = _imported(owner) if "import_id" in path else ""
    job_id = Job.objects.create(owner=alice, kind=JobKind.IMPORT).pk if "job_id" in path else None
    url = BASE + path.format(session_id=session.pk, number=1, import_id=import_id, job_id=job_id)
    before = state(session)
    first = caller.post(url, body, headers=KEY)
    after = state(session)
    assert after != before
    assert "Idempotency-Replayed" not in first.headers
    second = caller.post(url, body, headers=KEY)
    assert state(session) == after
    assert second.headers["Idempotency-Replayed"] == "true"
    assert (second.status_code, second.content) == (first.status_code, first.content)
    for name in ("ETag", "Location", "Content-Type"):
        assert second.headers.get(name) == first.headers.get(name)


@pytest.mark.parametrize("path", POSTS)
def test_every_post_documents_it(path):
    operation = next(found for method, other, found in operations() if (method, other) == ("POST", BASE + path))
    assert "Idempotency-Key" in [parameter["name"] for parameter in operation["parameters"]]
    assert "409" in operation["responses"]


def test_another_request_under_the_key(owner, url):
    owner.post(f"{url}/messages", {"role": "user", "content": "a"}, headers=KEY)
    for path, body in (("/messages", {"role": "user", "content": "b"}), ("/archive", None)):
        problem = assert_problem(owner.post(url + path, body, headers=KEY), 422, "idempotency_key_reused")
        assert problem["errors"][0]["loc"] == "Idempotency-Key"


def test_the_unversioned_name_is_the_same_request(owner, url):
    body = {"role": "user", "content": "a"}
    first = owner.post(f"{url}/messages", body, headers=KEY)
    second = owner.post(f"{url}/messages".replace("/api/v1/", "/api/"), body, headers=KEY)
    assert second.json() == first.json()


def test_keys_belong_to_callers(owner, stranger):
    mine = owner.post(f"{BASE}/sessions", {"name": "x"}, headers=KEY).json()
    theirs = stranger.post(f"{BASE}/sessions", {"name": "x"}, headers=KEY).json()
    assert mine["session_id"] != theirs["session_id"]


def test_a_narrower_token_hears_nothing_of_the_answer(owner, api, alice, session, reader):
    owner.post(f"{BASE}/sessions", {"name": "secret"}, headers=KEY)
    limited = api(create_token(actor=alice, name="one", session_id=session.pk)[1])
    for client in (limited, reader):
        problem = assert_problem(client.post(f"{BASE}/sessions", {"name": "secret"}, headers=KEY), 422)
        assert "secret" not in str(problem)


def test_a_refusal_gives_the_key_back(owner, session, url, alice):
    archive_session(actor=alice, session_id=session.pk)
    body = {"role": "user", "content": "a"}
    assert_problem(owner.post(f"{url}/messages", body, headers=KEY), 409, "session_archived")
    assert not IdempotencyKey.objects.exists()
    owner.post(f"{url}/restore")
    assert owner.post(f"{url}/messages", body, headers=KEY).status_code == 201


def test_an_invalid_body_claims_nothing(owner, url):
    assert_problem(owner.post(f"{url}/messages", {}, headers=KEY), 422)
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize("key", ["", " ", "a b", "ä", "x" * 256, "tab\t"])
def test_bad_keys(owner, url, key):
    problem = assert_problem(owner.post(f"{url}/archive", headers={"Idempotency-Key": key}), 422, "invalid")
    assert problem["errors"][0]["loc"] == "Idempotency-Key"


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_are_one_message(api, alice_token, session, url):
    def send():
        return api(alice_token).post(f"{url}/messages", {"role": "user", "content": "once"}, headers=KEY)

    answers = raise_errors(together(*[send] * 20))
    statuses = {answer.status_code for answer in answers}
    assert statuses <= {201, 409}
    assert 201 in statuses
    assert transcript(session).count("once") == 1
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"idempotency_key_in_use"}
    assert send().headers["Idempotency-Replayed"] == "true"


@pytest.mark.django_db(transaction=True)
def test_a_create_that_fails_leaves_nothing_and_can_be_tried_again(owner, workspace_root):
    workspace_root.write_text("not a directory")
    assert_problem(owner.post(f"{BASE}/sessions", {"name": "x"}, headers=KEY), 503)
    assert not Session.objects.exists()
    workspace_root.unlink()
    assert owner.post(f"{BASE}/sessions", {"name": "x"}, headers=KEY).status_code == 201


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rounds", [10, pytest.param(100, marks=pytest.mark.soak)])
def test_races_for_one_etag_have_one_winner(api, alice_token, session, url, rounds):
    for number in range(rounds):
        version = Session.objects.get(pk=session.pk).version

        def send(writer, version=version, number=number):
            body = {"name": f"{number} by {writer}"}
            return api(alice_token).patch(url, body, headers={"If-Match": f'"{version}"'})

        answers = raise_errors(together(*[lambda writer=writer: send(writer) for writer in range(3)]))
        assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
        winner = next(answer.json() for answer in answers if answer.status_code == 200)
        session.refresh_from_db()
        assert (session.name, session.version) == (winner["name"], version + 1)
