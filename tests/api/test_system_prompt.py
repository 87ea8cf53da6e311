"""PUT and DELETE /sessions/{id}/system-prompt"""

import pytest

from sessions.operations.lifecycle import archive_session
from tests.api.contract import assert_problem
from tests.whole import assert_whole, transcript


def test_set_replace_remove(owner, session, url):
    answer = owner.put(f"{url}/system-prompt", {"content": "Be brief.", "source_file": "brief.md"})
    assert (answer.status_code, answer.json()["message_count"], answer.headers["ETag"]) == (200, 5, '"2"')
    first = owner.get(f"{url}/messages?limit=1").json()["messages"][0]
    assert (first["role"], first["content"], first["source_file"]) == ("system", "Be brief.", "brief.md")
    assert transcript(session)[1:] == [f"message {number}" for number in range(4)]
    assert owner.put(f"{url}/system-prompt", {"content": "Be exact."}).json()["message_count"] == 5
    assert transcript(session)[0] == "Be exact."
    assert owner.delete(f"{url}/system-prompt").json()["message_count"] == 4
    assert transcript(session)[0] == "message 0"
    assert_problem(owner.delete(f"{url}/system-prompt"), 400, "no_system_prompt")
    assert_whole(session)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"content": None},
        {"content": 1},
        {"content": "x", "source_file": "x" * 1025},
        {"content": "x", "role": "user"},
    ],
)
def test_bad_bodies(owner, url, body):
    assert_problem(owner.put(f"{url}/system-prompt", body), 422)


def test_if_match(owner, url):
    assert_problem(owner.put(f"{url}/system-prompt", {"content": "x"}, headers={"If-Match": '"2"'}), 412)
    owner.put(f"{url}/system-prompt", {"content": "x"}, headers={"If-Match": '"1"'})
    assert_problem(owner.delete(f"{url}/system-prompt", headers={"If-Match": '"1"'}), 412)
    assert owner.delete(f"{url}/system-prompt", headers={"If-Match": '"2"'}).status_code == 200


def test_who_may(anybody, stranger, reader, owner, url):
    owner.put(f"{url}/system-prompt", {"content": "x"})
    for client, status in ((anybody, 401), (stranger, 404), (reader, 403)):
        assert_problem(client.put(f"{url}/system-prompt", {"content": "y"}), status)
        assert_problem(client.delete(f"{url}/system-prompt"), status)


def test_archived(owner, session, url, alice):
    archive_session(actor=alice, session_id=session.pk)
    assert_problem(owner.put(f"{url}/system-prompt", {"content": "x"}), 409)
    assert_problem(owner.delete(f"{url}/system-prompt"), 409)
