"""GET /sessions/{id}/revisions and POST …/{number}/restore"""

import pytest

from sessions.operations.editing import edit_message
from sessions.operations.lifecycle import archive_session
from tests.api.contract import assert_problem
from tests.statements import assert_statements, counted_statements
from tests.whole import assert_whole, transcript


@pytest.fixture
def edited(session, alice):
    """The session, after its third message was edited."""
    edit_message(actor=alice, session_id=session.pk, index=2, content="better")
    return session


def test_the_list(owner, edited, url):
    body = owner.get(f"{url}/revisions").json()
    assert (body["count"], body["next"]) == (1, None)
    (revision,) = body["revisions"]
    assert revision.pop("created_at").endswith("Z")
    assert revision == {"number": 1, "first_index": 2, "message_count": 2, "reason": "edit", "actor": "alice"}


def test_there_and_back(owner, edited, url):
    answer = owner.post(f"{url}/revisions/1/restore")
    assert (answer.status_code, answer.json()["message_count"], answer.headers["ETag"]) == (200, 4, '"3"')
    assert transcript(edited) == [f"message {number}" for number in range(4)]
    assert owner.post(f"{url}/revisions/2/restore").json()["message_count"] == 3
    assert transcript(edited)[2] == "better"
    reasons = [revision["reason"] for revision in owner.get(f"{url}/revisions").json()["revisions"]]
    assert reasons == ["restore", "restore", "edit"]
    assert_whole(edited)


def test_pages(owner, url, edited, alice):
    for number in range(4):
        edit_message(actor=alice, session_id=edited.pk, index=0, content=str(number))
    first = owner.get(f"{url}/revisions?limit=2").json()
    assert ([revision["number"] for revision in first["revisions"]], first["count"]) == ([5, 4], 5)
    second = owner.get(f"{url}/revisions?limit=2&cursor={first['next']}").json()
    assert [revision["number"] for revision in second["revisions"]] == [3, 2]
    assert "count" not in second
    third = owner.get(f"{url}/revisions?limit=2&cursor={second['next']}").json()
    assert ([revision["number"] for revision in third["revisions"]], third["next"]) == ([1], None)
    assert len(owner.get(f"{url}/revisions?offset=4").json()["revisions"]) == 1
    assert_problem(owner.get(f"{url}/revisions?cursor=x"), 422)


@pytest.mark.parametrize(("number", "status"), [("2", 404), ("0", 404), ("99999999999", 404), ("x", 422), ("-1", 422)])
def test_no_such_revision(owner, edited, url, number, status):
    assert_problem(owner.post(f"{url}/revisions/{number}/restore"), status)


def test_one_that_does_not_fit_any_more(owner, edited, url):
    owner.put(f"{url}/messages/0", {"content": "all anew"})
    problem = assert_problem(owner.post(f"{url}/revisions/1/restore"), 409, "conflict")
    assert problem["state"]["message_count"] == 1


def test_who_may(anybody, stranger, reader, edited, url):
    for client, reading, writing in ((anybody, 401, 401), (stranger, 404, 404), (reader, 200, 403)):
        assert client.get(f"{url}/revisions").status_code == reading
        assert_problem(client.post(f"{url}/revisions/1/restore"), writing)


def test_preconditions(owner, edited, url, alice):
    assert_problem(owner.post(f"{url}/revisions/1/restore", headers={"If-Match": '"1"'}), 412)
    archive_session(actor=alice, session_id=edited.pk)
    assert_problem(owner.post(f"{url}/revisions/1/restore"), 409, "session_archived")


def test_statements_do_not_grow(owner, edited, url, alice):
    owner.get(f"{url}/revisions")
    with counted_statements() as few:
        owner.get(f"{url}/revisions")
    for number in range(5):
        edit_message(actor=alice, session_id=edited.pk, index=0, content=str(number))
    with assert_statements(at_most=4) as many:
        owner.get(f"{url}/revisions")
    assert len(few) == len(many)
