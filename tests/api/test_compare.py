"""GET /sessions/compare."""

from sessions.models import Session
from sessions.operations.editing import edit_message
from sessions.operations.restructure.forking import fork_session
from tests.api.contract import BASE, assert_problem
from tests.factories import assistant_message, make_session, user_message
from tests.statements import assert_statements


def compare(client, *sessions: Session):
    return client.get(f"{BASE}/sessions/compare?session_ids={','.join(str(one.pk) for one in sessions)}")


def test_where_they_part(owner, alice, session):
    fork = fork_session(actor=alice, session_id=session.pk, name="Other")
    assert compare(owner, session, fork).json()["first_difference"] is None
    edit_message(actor=alice, session_id=fork.pk, index=2, content="else")
    assert compare(owner, session, fork).json()["first_difference"] == 2
    shorter = fork_session(actor=alice, session_id=session.pk, at_index=0)
    assert compare(owner, session, fork, shorter).json()["first_difference"] == 1
    assert compare(owner, shorter, make_session(alice)).json()["first_difference"] == 0


def test_what_they_hold(owner, alice):
    said = [user_message("q"), assistant_message("a", model="m", prompt_eval_count=7, eval_count=3)]
    one = make_session(alice, "One", messages=said, tags=["a", "b"], model="m")
    two = make_session(alice, "Two", messages=said * 2, tags=["b"], model="other")
    owner.get(f"{BASE}/me")
    more = [make_session(alice) for _ in range(4)]
    with assert_statements(at_most=4):
        assert len(compare(owner, one, two, *more).json()["sessions"]) == 6
    found = compare(owner, one, two).json()
    first, second = found["sessions"]
    assert (first["name"], first["tags"], first["model"], first["message_count"]) == ("One", ["a", "b"], "m", 2)
    assert second["statistics"] == {"messages": {"user": 2, "assistant": 2}, "prompt_tokens": 14, "answer_tokens": 6}
    assert second["model_usage"] == [{"model_name": "m", "uses": 2, "answer_tokens": 6}]
    assert found["first_difference"] == 2
    assert found["summary"] == {
        "session_count": 2, "message_count": 6, "status_distribution": {"active": 2}, "common_models": ["m"],
        "common_tags": ["b"],
    }  # fmt: skip


def test_short_ids_in_their_order(owner, alice):
    sessions = [make_session(alice, name) for name in "cab"]
    ids = ",".join([sessions[0].short_id, str(sessions[1].pk), sessions[2].short_id])
    found = owner.get(f"{BASE}/sessions/compare?session_ids={ids}").json()["sessions"]
    assert [one["name"] for one in found] == ["c", "a", "b"]


def test_refusals(owner, mallory, session):
    assert_problem(compare(owner, session), 400)
    assert_problem(compare(owner, session, session), 400)
    assert_problem(compare(owner, session, make_session(mallory)), 404)
    assert_problem(owner.get(f"{BASE}/sessions/compare"), 400)
