"""POST /sessions/{id}/fork."""

import pytest

from sessions.models import Session
from sessions.operations.lifecycle import trash_session
from sessions.storage.workspaces import workspace_path
from tests.api.contract import assert_problem

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_fork(owner, session, url):
    (workspace_path(session.pk) / "content" / "a.txt").write_text("a")
    made = owner.post(f"{url}/fork", {"at_index": 1, "name": "Another way"})
    assert made.status_code == 201
    fork = made.json()
    assert made.headers["Location"] == f"/api/v1/sessions/{fork['session_id']}"
    assert (fork["name"], fork["message_count"], fork["content_count"], fork["role"]) == ("Another way", 2, 1, "owner")
    read = owner.get(made.headers["Location"]).json()
    assert [message["origin"] for message in read["messages"]] == [
        {"session_id": str(session.pk), "index": index} for index in range(2)
    ]
    bare = owner.post(f"{url}/fork", {"files": False}).json()
    assert (bare["name"], bare["message_count"], bare["content_count"]) == (f"{session.name} (fork)", 4, 0)


def test_sent_twice(owner, session, url, workspace_root):
    headers = {"Idempotency-Key": "fork-1"}
    first, second = (owner.post(f"{url}/fork", {"at_index": 0}, headers=headers) for _ in range(2))
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert Session.objects.count() == 2
    assert list((workspace_root / ".staging").iterdir()) == []


def test_refusals(owner, alice, session, url):
    assert_problem(owner.post(f"{url}/fork", {"at_index": 4}), 404, "message_not_found")
    assert_problem(owner.post(f"{url}/fork", {"at_index": -1}), 422)
    assert_problem(owner.post(f"{url}/fork", {"owner": 1}), 422)
    assert_problem(owner.post(f"{url}/fork", {}, headers={"If-Match": '"9"'}), 412, "stale_version")
    trash_session(actor=alice, session_id=session.pk)
    assert_problem(owner.post(f"{url}/fork", {}), 404, "session_not_found")
    assert Session.objects.count() == 1
