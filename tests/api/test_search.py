"""GET /search, and `q` of GET /sessions."""

import pytest
from hypothesis import given, settings

from sessions.models.membership import MemberRole
from sessions.operations.lifecycle import archive_session, trash_session
from sessions.operations.sharing import share_session
from sessions.operations.tokens import create_token
from tests.api.contract import BASE, ContractClient, assert_problem
from tests.factories import make_session, user_message
from tests.search.test_search import ANY_TEXT
from tests.statements import assert_statements


def find(client, q, **parameters):
    answer = client.get(f"{BASE}/search", {"q": q, **parameters})
    assert answer.status_code == 200, answer.content
    return answer.json()


def listed(client, **parameters):
    return client.get(f"{BASE}/sessions", parameters).json()


def test_messages_and_names(owner, alice):
    session = make_session(alice, "A kernel", messages=[user_message("first"), user_message("the <b>kernel</b>\nsays")])
    answer = find(owner, "kernel")
    assert (answer["count"], answer["count_is_exact"], answer["next"]) == (2, True, None)
    by_name, message = answer["results"]
    assert (by_name["session_id"], by_name["index"], by_name["role"]) == (str(session.pk), None, None)
    assert by_name["snippet"] == "A ⟦kernel⟧"
    assert (message["index"], message["role"], message["session_name"]) == (1, "user", "A kernel")
    assert message["snippet"] == "the <b>⟦kernel⟧</b> says"
    assert 0 < message["score"] < by_name["score"] < 1


def test_pages(owner, alice):
    make_session(alice, "x", messages=[user_message(f"kernel {number}") for number in range(5)])
    first = find(owner, "kernel", limit=3)
    second = find(owner, "kernel", limit=3, cursor=first["next"])
    indexes = [result["index"] for result in first["results"] + second["results"]]
    assert sorted(indexes) == [0, 1, 2, 3, 4]
    assert (first["count"], second["count"], second["next"]) == (5, 5, None)


@pytest.mark.parametrize("cursor", ["x", "bm9uZQ", "WzEsMl0", "W251bGwsMSwwLjAsMSwxXQ", "é", ""])
def test_a_cursor_that_is_none(owner, cursor):
    assert_problem(owner.get(f"{BASE}/search", {"q": "x", "cursor": cursor}), 422)
    assert_problem(owner.get(f"{BASE}/search", {"q": "tag:x", "cursor": cursor}), 422)


def test_only_what_the_caller_may_see(stranger, alice, alice_read_token):
    session = make_session(alice, "kernel", messages=[user_message("kernel")])
    other = make_session(alice, "kernel")
    assert find(stranger, "kernel")["count"] == 0
    assert find(ContractClient(alice_read_token), "kernel")["count"] == 3
    limited = ContractClient(create_token(actor=alice, name="one", session_id=session.pk)[1])
    assert {result["session_id"] for result in find(limited, "kernel")["results"]} == {str(session.pk)}
    assert find(limited, "status:active")["count"] == 1
    trash_session(actor=alice, session_id=session.pk)
    archive_session(actor=alice, session_id=other.pk)
    owner = ContractClient(alice_read_token)
    assert [result["session_id"] for result in find(owner, "kernel")["results"]] == [str(other.pk)]
    assert find(owner, "kernel status:deleted")["count"] == 2


@settings(max_examples=25)
@given(text=ANY_TEXT.map(lambda text: text.replace("\0", "")))
def test_any_text_is_a_query(owner, text):
    find(owner, text)
    assert "sessions" in listed(owner, q=text)


def test_lists_take_a_query(owner, alice):
    make_session(alice, "One", messages=[user_message("about kernels")], tags=["red"])
    make_session(alice, "Kernel two")
    archive_session(actor=alice, session_id=make_session(alice, "Kernel three").pk)
    answer = listed(owner, q="kern")
    assert [session["name"] for session in answer["sessions"]] == ["Kernel two", "One"]
    assert (answer["count"], answer["count_is_exact"]) == (2, True)
    assert listed(owner, q="kern", tags="red")["count"] == 1
    assert listed(owner, q="kern", include_archived="true")["count"] == 3
    assert listed(owner, q="kern status:archived")["count"] == 1
    assert listed(owner, q="kern status:archived", status="active")["count"] == 0
    assert listed(owner, q="nowhere") == {"sessions": [], "count": 0, "count_is_exact": True, "next": None}
    page = listed(owner, q="kern", limit=1)
    assert [session["name"] for session in listed(owner, q="kern", cursor=page["next"])["sessions"]] == ["One"]
    assert "count_is_exact" not in listed(owner)


def test_few_statements(owner, alice, bob):
    """Four at most, whatever is found, however far it is looked for and whoever shares."""
    long = user_message(f"{'much else ' * 300} kernel")
    make_session(alice, "kernel", messages=[user_message("kernel"), long])
    shared = make_session(bob, "kernel of bob", messages=[long])
    share_session(actor=bob, session_id=shared.pk, usernames=["alice"], role=MemberRole.VIEWER)
    owner.get(f"{BASE}/me")
    for q in ("kernel", "kern*", "kernel before:2020", "kernel tag:x", "kernel role:tool", "kernel status:archived"):
        for path in ("search", "sessions"):
            with assert_statements(at_most=4):
                owner.get(f"{BASE}/{path}", {"q": q})
    assert find(owner, "kernel")["count"] == 5
    limited = ContractClient(create_token(actor=alice, name="one", session_id=shared.pk)[1])
    limited.get(f"{BASE}/me")
    with assert_statements(at_most=4):
        assert find(limited, "kernel")["count"] == 2
