"""POST /sessions/merge, /sessions/{id}/split and /sessions/bulk."""

import pytest

from sessions.models import Session
from sessions.operations.lifecycle import trash_session
from sessions.storage.workspaces import workspace_path
from tests.api.contract import BASE, assert_problem
from tests.factories import make_session

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_merge(owner, alice, session):
    other = make_session(alice, "Another", messages=2, tags=["b"])
    body = {
        "source_session_ids": [str(session.pk), other.short_id],
        "target_name": "Both",
        "target_description": "Two in one",
        "tags": ["a"],
        "metadata": {"k": 1},
        "order": "time",
    }
    made = owner.post(f"{BASE}/sessions/merge", body)
    assert made.status_code == 201
    merged = made.json()
    assert made.headers["Location"] == f"{BASE}/sessions/{merged['session_id']}"
    said = (merged["name"], merged["description"], merged["tags"], merged["metadata"], merged["message_count"])
    assert said == ("Both", "Two in one", ["a", "b"], {"k": 1}, 6)
    messages = owner.get(made.headers["Location"]).json()["messages"]
    assert {message["origin"]["session_id"] for message in messages} == {str(session.pk), str(other.pk)}
    assert owner.get(f"{BASE}/sessions/{other.pk}").json()["status"] == "archived"


def test_a_merge_sent_twice(owner, alice, session):
    other = make_session(alice)
    body = {"source_session_ids": [str(session.pk), str(other.pk)], "archive_sources": False}
    answers = [owner.post(f"{BASE}/sessions/merge", body, headers={"Idempotency-Key": "m"}) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert Session.objects.count() == 3
    assert_problem(owner.post(f"{BASE}/sessions/merge", {"source_session_ids": [str(session.pk)]}), 400, "impossible")


def test_a_merge_of_somebody_elses(owner, mallory, session):
    hers = make_session(mallory)
    body = {"source_session_ids": [str(session.pk), str(hers.pk)]}
    assert_problem(owner.post(f"{BASE}/sessions/merge", body), 404, "session_not_found")
    assert Session.objects.count() == 2
    assert not Session.objects.filter(status="archived").exists()


def test_a_split(owner, session, url):
    (workspace_path(session.pk) / "content" / "a.txt").write_text("a")
    parts = [
        {"name": "First", "message_ranges": [[0, 1]], "files": ["content/a.txt"], "tags": ["x"]},
        {"name": "Second", "message_ranges": [[2, 2], [3, 3]], "metadata": {"k": 1}},
    ]
    made = owner.post(f"{url}/split", {"parts": parts, "archive_original": True}, headers={"If-Match": '"1"'})
    assert made.status_code == 201
    first, second = made.json()["new_sessions"]
    assert (first["name"], first["message_count"], first["content_count"], first["tags"]) == ("First", 2, 1, ["x"])
    assert (second["name"], second["message_count"], second["metadata"]) == ("Second", 2, {"k": 1})
    assert owner.get(url).json()["status"] == "archived"


def test_splits_that_cannot_be(owner, session, url):
    def split(**part):
        return owner.post(f"{url}/split", {"parts": [{"name": "x"} | part]})

    assert_problem(owner.post(f"{url}/split", {"parts": []}), 400)
    assert_problem(split(), 400)
    assert_problem(split(message_ranges=[[1, 0]]), 400)
    assert_problem(split(message_ranges=[[0, 9]]), 404, "message_not_found")
    assert_problem(split(files=["content/none"]), 404, "file_not_found")
    assert_problem(split(files=["../x"]), 422)
    assert_problem(split(message_ranges=[[0]]), 422)
    assert Session.objects.count() == 1


def test_many_at_once(owner, alice, mallory, session):
    hers, trashed = make_session(mallory), make_session(alice)
    trash_session(actor=alice, session_id=trashed.pk)
    ids = [session.short_id, str(hers.pk), str(trashed.pk), "nonsense"]
    done = owner.post(f"{BASE}/sessions/bulk", {"session_ids": ids, "action": "tag", "tag": "Mine"}).json()["results"]
    assert [(one["session_id"], one["ok"]) for one in done] == [
        (session.short_id, True),
        *((x, False) for x in ids[1:]),
    ]
    assert {one["problem"]["code"] for one in done[1:]} == {"session_not_found"}
    assert owner.get(f"{BASE}/sessions/{session.pk}").json()["tags"] == ["mine"]
    for action in ("untag", "pin", "unpin", "archive", "restore", "delete"):
        tag = {"tag": "mine"} if action == "untag" else {}
        body = {"session_ids": [str(session.pk)], "action": action} | tag
        assert owner.post(f"{BASE}/sessions/bulk", body).json() == {
            "results": [{"session_id": str(session.pk), "ok": True}]
        }
    assert Session.objects.get(pk=session.pk).in_trash
    assert_problem(owner.post(f"{BASE}/sessions/bulk", {"session_ids": ids, "action": "tag"}), 400)
    assert_problem(owner.post(f"{BASE}/sessions/bulk", {"session_ids": ids, "action": "shred"}), 422)
    purged = owner.post(f"{BASE}/sessions/bulk", {"session_ids": ids, "action": "purge"}).json()["results"]
    assert [one["ok"] for one in purged] == [True, False, True, False]
    assert list(Session.objects.all()) == [hers]
