"""POST /turns"""

import pytest

from sessions.models import Message, Session
from sessions.operations.lifecycle import archive_session, trash_session
from sessions.operations.tokens import create_token
from tests.api.contract import BASE, assert_problem
from tests.statements import assert_statements
from tests.whole import assert_whole, transcript

TURNS = f"{BASE}/turns"


def turn(user="asked", assistant="answered", **more):
    return {"user": user, "assistant": assistant} | more


def test_in_a_session(owner, session, url):
    answer = owner.post(TURNS, turn(session_id=session.pk.hex[:10], model="m", metadata={"a": 1}))
    assert answer.status_code == 201
    body = answer.json()
    assert (body["session_id"], body["message_count"], body["version"]) == (str(session.pk), 6, 2)
    assert (answer.headers["ETag"], answer.headers["Location"]) == ('"2"', url)
    user, assistant = body["user_message"], body["assistant_message"]
    assert (user["index"], user["role"], user["author"], user["model"], user["metadata"]) == (
        4,
        "user",
        "alice",
        None,
        {},
    )
    assert (assistant["index"], assistant["role"], assistant["author"]) == (5, "assistant", None)
    assert (assistant["model"], assistant["metadata"]) == ("m", {"a": 1})
    assert owner.get(f"{url}/messages?after=3").json()["messages"] == [user, assistant]
    assert_whole(session)


def test_without_one_it_is_made(owner, workspace_root):
    body = owner.post(TURNS, turn("Which index?", model="qwen3:14b")).json()
    session = Session.objects.get()
    assert (str(session.pk), session.name, session.model) == (body["session_id"], "Which index?", "qwen3:14b")
    assert (workspace_root / body["session_id"] / "content").is_dir()
    assert owner.get(f"{BASE}/sessions/{session.pk}/messages").json()["messages"] == [
        body["user_message"],
        body["assistant_message"],
    ]
    assert owner.post(TURNS, turn(name="Named")).status_code == 201
    assert Session.objects.filter(name="Named", model="").exists()
    assert_whole(session)


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({"user": "a"}, "assistant"),
        (turn(user=None), "user"),
        (turn(user="\x00"), "user"),
        (turn(assistant="\x00"), "assistant"),
        (turn(model="\x00"), "model"),
        (turn(metadata={"\x00": 1}), "metadata"),
        (turn(name=" "), "name"),
        (turn(role="user"), "role"),
    ],
)
def test_bad_values_make_nothing(owner, body, loc):
    assert loc in [error["loc"] for error in assert_problem(owner.post(TURNS, body), 422)["errors"]]
    assert not Session.objects.exists()


def test_too_large(owner, settings):
    settings.MAX_MESSAGE_BYTES = 1000
    problem = assert_problem(owner.post(TURNS, turn(assistant="ä" * 501)), 413, "too_large")
    assert problem["detail"].startswith("assistant is larger")
    assert not Session.objects.exists()


def test_what_needs_a_session_or_none(owner, session):
    for body, headers in (
        (turn(session_id=str(session.pk), name="x"), {}),
        (turn(expected_index=0), {}),
        (turn(), {"If-Match": '"1"'}),
    ):
        assert_problem(owner.post(TURNS, body, headers=headers), 400, "impossible")
    assert Message.objects.count() == 4


def test_preconditions(owner, session):
    here = turn(session_id=str(session.pk))
    problem = assert_problem(owner.post(TURNS, here | {"expected_index": 3}), 409, "unexpected_index")
    assert problem["state"]["message_count"] == 4
    assert_problem(owner.post(TURNS, here, headers={"If-Match": '"7"'}), 412, "stale_version")
    assert len(transcript(session)) == 4
    answer = owner.post(TURNS, here | {"expected_index": 4}, headers={"If-Match": '"1"'})
    assert answer.json()["message_count"] == 6


@pytest.mark.parametrize(
    ("away", "status", "code"),
    [(archive_session, 409, "session_archived"), (trash_session, 404, "session_not_found")],
)
def test_put_away(owner, alice, session, away, status, code):
    away(actor=alice, session_id=session.pk)
    assert_problem(owner.post(TURNS, turn(session_id=str(session.pk))), status, code)
    assert Message.objects.count() == 4


def test_who_may(api, alice, owner, stranger, reader, anybody, session):
    here = turn(session_id=str(session.pk))
    assert_problem(anybody.post(TURNS, here), 401)
    assert_problem(stranger.post(TURNS, here), 404)
    assert_problem(stranger.post(TURNS, turn(session_id="nothing")), 404)
    assert_problem(reader.post(TURNS, here), 403, "read_only_token")
    limited = api(create_token(actor=alice, name="one", session_id=session.pk)[1])
    assert_problem(limited.post(TURNS, turn()), 403, "not_allowed")
    assert limited.post(TURNS, here).status_code == 201


def test_statements(owner, session):
    owner.post(TURNS, turn())
    with assert_statements(at_most=4):
        owner.post(TURNS, turn(session_id=str(session.pk)))
    with assert_statements(at_most=4):
        owner.post(TURNS, turn())


def test_wrong_method(owner):
    assert_problem(owner.get(TURNS), 405)
