"""PUT /sessions/{id}/messages/{index}"""

import pytest

from sessions.operations.lifecycle import archive_session, trash_session
from tests.api.contract import assert_problem
from tests.whole import assert_whole, transcript


def test_what_follows_is_cut(owner, session, url):
    answer = owner.put(f"{url}/messages/2", {"content": "better"})
    assert answer.status_code == 200
    assert (answer.json()["message_count"], answer.json()["version"]) == (3, 2)
    assert answer.headers["ETag"] == '"2"'
    assert transcript(session) == ["message 0", "message 1", "better"]
    edited = owner.get(f"{url}/messages?after=1").json()["messages"][0]
    assert edited["edited_at"]
    (revision,) = owner.get(f"{url}/revisions").json()["revisions"]
    assert (revision["first_index"], revision["message_count"], revision["reason"]) == (2, 2, "edit")
    assert_whole(session)


def test_the_first_one_gives_the_preview(owner, url):
    assert owner.put(f"{url}/messages/0", {"content": "x" * 101}).json()["preview"] == "x" * 97 + "..."


@pytest.mark.parametrize("index", ["1", "3"])
def test_only_user_messages(owner, session, url, index):
    assert_problem(owner.put(f"{url}/messages/{index}", {"content": "x"}), 400, "not_a_user_message")
    assert len(transcript(session)) == 4


@pytest.mark.parametrize("index", ["4", "2147483648", "9223372036854775807"])
def test_beyond_the_end(owner, url, index):
    assert_problem(owner.put(f"{url}/messages/{index}", {"content": "x"}), 404, "message_not_found")


@pytest.mark.parametrize("index", ["-1", "x", "1.5", " 1", "99999999999999999999", "²"])
def test_no_index(owner, url, index):
    problem = assert_problem(owner.put(f"{url}/messages/{index}", {"content": "x"}), 422)
    assert problem["errors"][0]["loc"] == "index"


@pytest.mark.parametrize("body", [{}, {"content": None}, {"content": "x", "role": "user"}, {"content": "\x00"}, "x"])
def test_bad_bodies(owner, session, url, body):
    assert_problem(owner.put(f"{url}/messages/0", body), 422)
    assert len(transcript(session)) == 4


def test_if_match(owner, url):
    assert_problem(owner.put(f"{url}/messages/0", {"content": "x"}, headers={"If-Match": '"3"'}), 412)
    assert owner.put(f"{url}/messages/0", {"content": "x"}, headers={"If-Match": '"1"'}).status_code == 200


def test_who_may(anybody, stranger, reader, url):
    assert_problem(anybody.put(f"{url}/messages/0", {"content": "x"}), 401)
    assert_problem(stranger.put(f"{url}/messages/0", {"content": "x"}), 404)
    assert_problem(reader.put(f"{url}/messages/0", {"content": "x"}), 403)


def test_archived_and_trashed(owner, session, url, alice):
    archive_session(actor=alice, session_id=session.pk)
    assert_problem(owner.put(f"{url}/messages/0", {"content": "x"}), 409, "session_archived")
    trash_session(actor=alice, session_id=session.pk)
    assert_problem(owner.put(f"{url}/messages/0", {"content": "x"}), 404)


def test_wrong_method(owner, url):
    assert_problem(owner.delete(f"{url}/messages/0"), 405)
    assert_problem(owner.get(f"{url}/messages/0"), 405)
