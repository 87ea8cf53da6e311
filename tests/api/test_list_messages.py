"""GET /sessions/{id}/messages"""

from urllib.parse import urlencode

import pytest

from sessions.operations.lifecycle import trash_session
from sessions.operations.transcript import append_messages
from tests.api.contract import assert_problem
from tests.factories import make_session, user_message
from tests.statements import assert_statements, counted_statements


@pytest.fixture
def long(alice):
    """The address of the messages of a session with ten: user at 0, 2, 4, …, assistant at 1, 3, 5, …"""
    return f"/api/v1/sessions/{make_session(alice, messages=10).pk}/messages"


def indexes(owner, long, **parameters):
    return [message["index"] for message in owner.get(f"{long}?{urlencode(parameters)}").json()["messages"]]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, range(10)),
        ({"after": 3}, range(4, 10)),
        ({"before": 3}, range(3)),
        ({"after": 3, "before": 6}, range(4, 6)),
        ({"after": 6, "before": 3}, []),
        ({"after": 9}, []),
        ({"limit": 2}, [0, 1]),
        ({"limit": 2, "offset": 3}, [3, 4]),
        ({"order": "desc", "limit": 3}, [9, 8, 7]),
        ({"order": "desc", "before": 3}, [2, 1, 0]),
        ({"order": "desc", "limit": 2, "offset": 1}, [8, 7]),
        ({"offset": 2**31 - 1, "limit": 200}, []),
        ({"after": 2**31 - 1}, []),
        ({"before": 2**31 - 1, "limit": 1}, [0]),
        ({"role": "user"}, [0, 2, 4, 6, 8]),
        ({"role": "assistant", "after": 3, "limit": 2}, [5, 7]),
        ({"role": "tool"}, []),
    ],
)
def test_parts(owner, long, parameters, expected):
    assert indexes(owner, long, **parameters) == list(expected)


@pytest.mark.parametrize("fixed", [{}, {"order": "desc"}, {"role": "user"}, {"after": 1, "before": 9}])
def test_walking_by_cursor_shows_each_once(owner, long, fixed):
    whole = indexes(owner, long, **fixed)
    walked, cursor, first = [], None, True
    while first or cursor:
        answer = owner.get(f"{long}?{urlencode(fixed | {'limit': 3} | ({'cursor': cursor} if cursor else {}))}").json()
        assert ("count" in answer) == first
        walked += [message["index"] for message in answer["messages"]]
        cursor, first = answer["next"], False
    assert walked == whole


def test_next_is_good_for_after(owner, long):
    following = owner.get(f"{long}?limit=4").json()["next"]
    assert indexes(owner, long, after=following, limit=2) == [4, 5]


def test_counts(owner, long):
    assert owner.get(long).json()["count"] == 10
    assert owner.get(f"{long}?after=5").json()["count"] == 10
    assert owner.get(f"{long}?role=user&limit=1").json()["count"] == 5
    assert "count" not in owner.get(f"{long}?count=false").json()


def test_an_empty_transcript(owner, alice):
    url = f"/api/v1/sessions/{make_session(alice).pk}/messages"
    assert owner.get(url).json() == {"messages": [], "next": None, "count": 0}


def test_not_modified(owner, session, url, alice):
    tag = owner.get(f"{url}/messages").headers["ETag"]
    assert owner.get(f"{url}/messages", headers={"If-None-Match": tag}).status_code == 304
    append_messages(actor=alice, session_id=session.pk, messages=[user_message("new")])
    answer = owner.get(f"{url}/messages?after=3", headers={"If-None-Match": tag})
    assert [message["content"] for message in answer.json()["messages"]] == ["new"]


def test_who_may(anybody, stranger, reader, url):
    assert_problem(anybody.get(f"{url}/messages"), 401)
    assert_problem(stranger.get(f"{url}/messages"), 404)
    assert reader.get(f"{url}/messages").status_code == 200


def test_in_the_trash(owner, session, url, alice):
    trash_session(actor=alice, session_id=session.pk)
    assert_problem(owner.get(f"{url}/messages"), 404)


@pytest.mark.parametrize(
    "query",
    ["after=-1", "after=x", "before=2147483648", "role=narrator", "order=up", "limit=500", "cursor=-1", "cursor=1e3",
     "cursor=99999999999", "cursor=1&offset=1", "since=3"],
)  # fmt: skip
def test_bad_parameters(owner, url, query):
    assert_problem(owner.get(f"{url}/messages?{query}"), 422)


def test_statements_do_not_grow_with_messages(owner, url, alice):
    owner.get(f"{url}/messages")
    with counted_statements() as few:
        owner.get(f"{url}/messages?role=user")
    long = make_session(alice, messages=250)
    with assert_statements(at_most=4) as many:
        owner.get(f"/api/v1/sessions/{long.pk}/messages?limit=200&role=user")
    assert len(few) == len(many)
