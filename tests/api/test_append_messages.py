"""POST /sessions/{id}/messages"""

import pytest

from sessions.models import Message, Session
from sessions.operations.lifecycle import archive_session, purge_session, trash_session
from sessions.operations.tokens import create_token
from tests.api.contract import assert_problem
from tests.factories import make_session
from tests.statements import assert_statements, counted_statements
from tests.whole import assert_whole, transcript


@pytest.fixture
def messages(url):
    """The address of the messages of a session with four."""
    return f"{url}/messages"


def user(content="hi", **more):
    return {"role": "user", "content": content} | more


def test_one(owner, messages, session):
    answer = owner.post(messages, user())
    assert answer.status_code == 201
    body = answer.json()
    assert (body["message_count"], body["version"], answer.headers["ETag"]) == (5, 2, '"2"')
    assert [(message["index"], message["author"]) for message in body["messages"]] == [(4, "alice")]
    assert_whole(session)


def test_the_answer_is_what_is_read_later(owner, messages):
    sent = [
        user("a", created_at="2026-02-03T04:05:06.789+05:30", metadata={"n": [1, None]}),
        {
            "role": "assistant",
            "content": "",
            "thinking": "t",
            "model": "m",
            "tool_calls": [{"x": 1}],
            "eval_count": 2**63 - 1,
        },
        {"role": "tool", "content": "r", "tool_name": "n", "tool_call_id": "c", "prompt_eval_count": 0},
        {"role": "system", "content": "s", "source_file": "f.md"},
        user("nulls", model=None, tool_calls=None, metadata=None, created_at=None),
    ]
    answered = owner.post(messages, {"messages": sent}).json()["messages"]
    assert owner.get(f"{messages}?after=3").json()["messages"] == answered
    assert answered[0]["created_at"] == "2026-02-02T22:35:06.789000Z"
    assert [message["author"] for message in answered] == ["alice", None, None, "alice", "alice"]


def test_a_thousand(owner, messages, session):
    many = [user(str(number)) for number in range(1000)]
    assert owner.post(messages, {"messages": many}).json()["message_count"] == 1004
    assert transcript(session)[4:] == [str(number) for number in range(1000)]
    assert_problem(owner.post(messages, {"messages": [*many, user()]}), 422)
    assert_whole(session)


def test_all_or_none(owner, messages, session):
    problem = assert_problem(owner.post(messages, {"messages": [user(), user(), user(5), user()]}), 422)
    assert [error["loc"] for error in problem["errors"]] == ["messages[2].content"]
    assert Message.objects.filter(session=session).count() == 4


def test_expected_index(owner, messages, session):
    problem = assert_problem(owner.post(messages, user(expected_index=3)), 409, "unexpected_index")
    assert problem["state"] == {"session_id": str(session.pk), "message_count": 4, "version": 1}
    assert owner.post(messages, user(expected_index=4)).status_code == 201
    assert_problem(owner.post(messages, {"messages": [user()], "expected_index": 4}), 409)
    assert owner.post(messages, {"messages": [user(), user()], "expected_index": 5}).json()["message_count"] == 7
    assert_problem(owner.post(messages, user(expected_index=-1)), 422)


def test_if_match(owner, messages):
    assert_problem(owner.post(messages, user(), headers={"If-Match": '"9"'}), 412)
    assert owner.post(messages, user(), headers={"If-Match": '"1"'}).json()["version"] == 2


def test_archived_trashed_purged(owner, messages, session, alice):
    archive_session(actor=alice, session_id=session.pk)
    problem = assert_problem(owner.post(messages, user()), 409, "session_archived")
    assert (problem["state"]["status"], problem["state"]["message_count"]) == ("archived", 4)
    trash_session(actor=alice, session_id=session.pk)
    assert_problem(owner.post(messages, user()), 404)
    purge_session(actor=alice, session_id=session.pk)
    assert_problem(owner.post(messages, user()), 404)
    assert not Session.objects.exists()
    assert not Message.objects.exists()


def test_who_may(anybody, stranger, reader, api, alice, messages, session):
    assert_problem(anybody.post(messages, user()), 401)
    assert_problem(stranger.post(messages, user()), 404)
    assert_problem(reader.post(messages, user()), 403)
    elsewhere = create_token(actor=alice, name="o", session_id=make_session(alice).pk)[1]
    assert_problem(api(elsewhere).post(messages, user()), 404)
    here = create_token(actor=alice, name="h", session_id=session.pk)[1]
    assert api(here).post(messages, user()).status_code == 201


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({}, "role"),
        ({"content": "x"}, "role"),
        ({"role": "user"}, "content"),
        ({"role": "user", "content": None}, "content"),
        ({"role": "User", "content": "x"}, "role"),
        (user(index=7), "index"),
        (user(author="mallory"), "author"),
        (user(message_id="1"), "message_id"),
        (user(edited_at=None), "edited_at"),
        (user(created_at="2026-01-01"), "created_at"),
        (user(created_at="2026-01-01T00:00:00"), "created_at"),
        (user(created_at=1700000000), "created_at"),
        (user(created_at="0001-01-01T00:00:00+14:00"), "created_at"),
        (user(created_at="2026-02-30T00:00:00Z"), "created_at"),
        (user(model="x" * 256), "model"),
        (user(tool_calls={}), "tool_calls"),
        (user(tool_calls=["x"]), "tool_calls[0]"),
        (user(eval_count=1.5), "eval_count"),
        (user(eval_count=True), "eval_count"),
        (user(metadata="x"), "metadata"),
        (user("nul \x00"), "content"),
        (user(thinking="nul \x00"), "thinking"),
        (user(metadata={"a": {"\x00": 1}}), "metadata"),
        (user(source_file="x" * 1025), "source_file"),
        ({"messages": []}, "messages"),
        ({"messages": None}, "messages"),
        ({"messages": [user("\x00")]}, "messages[0].content"),
        ({"messages": [user()], "role": "user"}, "role"),
        ({"messages": [[]]}, "messages[0]"),
    ],
)
def test_bad_values(owner, messages, session, body, loc):
    problem = assert_problem(owner.post(messages, body), 422)
    assert loc in [error["loc"] for error in problem["errors"]]
    assert Message.objects.filter(session=session).count() == 4


def test_too_large(owner, messages, settings):
    settings.MAX_MESSAGE_BYTES = 1000
    assert owner.post(messages, user("ä" * 500)).status_code == 201
    problem = assert_problem(owner.post(messages, user("ä" * 501)), 413, "too_large")
    assert problem["detail"].startswith("content is larger")
    assert problem["state"] == {"limit": 1000}
    problem = assert_problem(owner.post(messages, {"messages": [user(), user("ä" * 501)]}), 413)
    assert problem["detail"].startswith("messages[1].content is larger")


def test_statements_do_not_grow_with_messages(owner, messages):
    owner.post(messages, user())
    with counted_statements() as one:
        owner.post(messages, user())
    with assert_statements(at_most=4) as many:
        owner.post(messages, {"messages": [user()] * 100})
    assert len(one) == len(many)


def test_wrong_method(owner, messages):
    for method in ("put", "patch", "delete"):
        assert_problem(getattr(owner, method)(messages), 405)
