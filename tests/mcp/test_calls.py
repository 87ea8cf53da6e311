"""The tools themselves: what they answer, how much at most, and what they refuse."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError

from sessions.mcp import calls
from sessions.mcp.arguments import Arguments
from sessions.mcp.calls import call_tool
from sessions.mcp.reading import EXCERPT, PAGE, PART
from sessions.models import Event, Message, Session, Verb
from sessions.operations.runs import clarifications, phases, reports, tasks
from sessions.operations.runs.reports import NewLine
from sessions.operations.runs.tasks import NewTask
from sessions.operations.tokens import create_token
from tests.factories import assistant_message, make_rows, make_session, share, user_message


def called(token: str, name: str, **arguments: Any) -> Any:
    text, failed = call_tool(token, name, arguments)
    assert not failed, text
    return json.loads(text)


def refused(token: str, name: str, **arguments: Any) -> Any:
    text, failed = call_tool(token, name, arguments)
    assert failed, text
    return json.loads(text)


def test_a_list_goes_on_where_the_page_before_ends(alice: User, mallory: User, alice_token: str) -> None:
    make_rows(alice, 7, tags=["moss"], phase="idea")
    make_rows(mallory, 2)
    make_session(alice, "Lichens of the south", messages=2)
    found = []
    cursor: dict[str, Any] = {}
    while cursor.get("cursor", "") is not None:
        page = called(alice_token, "list_sessions", limit=3, **cursor)
        assert page.get("count") == (None if cursor else 8)
        found += [session["name"] for session in page["sessions"]]
        cursor = {"cursor": page["next"]}
    assert found == ["Lichens of the south", *(f"Session {number:04}" for number in range(6, -1, -1))]
    assert called(alice_token, "list_sessions", q="lichens")["count"] == 1
    assert called(alice_token, "list_sessions", tags=["Moss"], phase="IDEA")["count"] == 7
    assert called(alice_token, "list_sessions", status="archived")["sessions"] == []
    assert refused(alice_token, "list_sessions", cursor="x!")["errors"][0]["loc"] == "cursor"


def test_search_finds_what_may_be_seen_page_by_page(alice: User, mallory: User, alice_token: str) -> None:
    session = make_session(alice, "Mosses", messages=[user_message(f"peat number {number}") for number in range(3)])
    make_session(mallory, "Hers", messages=[user_message("peat of hers")])
    first = called(alice_token, "search", q="peat", limit=2)
    rest = called(alice_token, "search", q="peat", limit=2, cursor=first["next"])
    hits = first["results"] + rest["results"]
    assert {hit["session_id"] for hit in hits} == {str(session.pk)}
    assert sorted(hit["index"] for hit in hits) == [0, 1, 2]
    assert "⟦peat⟧" in hits[0]["snippet"]
    assert rest["next"] is None
    assert refused(alice_token, "search", q="peat", cursor="abc")["code"] == "invalid"


def test_a_transcript_is_read_in_pages_from_either_end(alice: User, alice_token: str) -> None:
    session = make_session(alice, messages=5, tags=["red"])
    page = called(alice_token, "read_session", session_id=session.short_id, limit=3)
    assert (page["session_id"], page["tags"], page["role"]) == (str(session.pk), ["red"], "owner")
    assert [message["content"] for message in page["messages"]] == [f"message {number}" for number in range(3)]
    assert page["messages"][0]["author"] == "alice"
    assert page["next"] == 2
    rest = called(alice_token, "read_session", session_id=session.short_id, limit=3, after=2)
    assert ([message["index"] for message in rest["messages"]], rest["next"]) == ([3, 4], None)
    newest = called(alice_token, "read_session", session_id=session.short_id, limit=2, order="desc", before=4)
    assert ([message["index"] for message in newest["messages"]], newest["next"]) == ([3, 2], 2)


def test_long_texts_are_cut_and_read_on(alice: User, alice_token: str) -> None:
    long = "".join(f"{number:09} " for number in range(5_000))
    calls_made = [{"name": "grep", "arguments": {"pattern": "x" * 2_000}}]
    session = make_session(
        alice,
        messages=[user_message(long), assistant_message("short", thinking=long, tool_calls=calls_made)]
        + [user_message("y" * PART)] * 5,
        summary="s" * 5_000,
    )
    answer = called(alice_token, "read_session", session_id=str(session.pk))
    first, second = answer["messages"][:2]
    assert first["content"] == long[:PART]
    assert first["cut"] == {"content": len(long)}
    assert second["cut"] == {"thinking": len(long), "tool_calls": len(json.dumps(calls_made, separators=(",", ":")))}
    assert sum(len(message["content"]) for message in answer["messages"]) <= PAGE
    assert answer["next"] == answer["messages"][-1]["index"] == 2
    assert len(answer["summary"]) <= EXCERPT + 1
    for index, part, whole in ((0, "content", long), (1, "thinking", long), (1, "tool_calls", None)):
        read, at = "", 0
        while at is not None:
            piece = called(alice_token, "read_message", session_id=str(session.pk), index=index, part=part, offset=at)
            read, at = read + piece[part], piece["next"]
            assert len(piece[part]) <= PART
        assert (read if whole else json.loads(read)) == (whole or calls_made)
    problem = refused(alice_token, "read_message", session_id=str(session.pk), index=99)
    assert (problem["code"], "7 messages" in problem["detail"]) == ("message_not_found", True)


def test_progress_tells_the_newest_and_the_answer(alice: User, alice_token: str) -> None:
    session = make_session(alice, phase="execution")
    about = {"actor": alice, "session_id": session.pk}
    assert called(alice_token, "ask", session_id=str(session.pk), question="Which?", options=["Alps", "Jura"])[
        "is_pending"
    ]
    progress = called(alice_token, "read_progress", session_id=str(session.pk))
    assert progress["pending_clarification"] == {"question": "Which?", "context": "", "options": ["Alps", "Jura"]}
    assert (progress["state"], progress["clarification_answer"]) == ("waiting", None)
    clarifications.answer_clarification(**about, answer="Jura")
    tasks.set_tasks(**about, tasks=[NewTask("1", "Gather"), NewTask("2", "Read", status="active")])
    reports.add_logs(**about, lines=[NewLine(f"line {number} " + "x" * 5_000) for number in range(50)])
    called(alice_token, "report_error", session_id=str(session.pk), error_message="It broke.", task_id="2")
    assert called(alice_token, "set_phase", session_id=str(session.pk), phase="Verification")["phase"] == "verification"
    text, _ = call_tool(alice_token, "read_progress", {"session_id": str(session.pk)})
    progress = json.loads(text)
    assert (progress["clarification_answer"], progress["phase"], progress["state"]) == ("Jura", "verification", "going")
    assert (progress["active_task_id"], progress["task_count"]) == ("2", 2)
    assert [(error["error_message"], error["phase"]) for error in progress["errors"]] == [("It broke.", "execution")]
    assert progress["logs"][-1]["message"].startswith("line 49 ")
    assert len(text) < 40_000
    phases.abort_run(**about)
    assert refused(alice_token, "set_phase", session_id=str(session.pk), phase="idea")["code"] == "run_aborted"


def test_appending_says_where_and_names_the_token(alice: User, alice_token: str) -> None:
    session = make_session(alice, messages=2)
    said = [{"role": "user", "content": "More?"}, {"role": "assistant", "content": "Yes.", "model": "big-1"}]
    answer = called(alice_token, "append_messages", session_id=str(session.pk), messages=said, expected_index=2)
    assert (answer["first_index"], answer["message_count"]) == (2, 4)
    assert Message.objects.get(session=session, index=3).model == "big-1"
    event = Event.objects.get(verb=Verb.APPENDED, session_id=session.pk, detail__first_index=2)
    assert (event.actor, event.token_name) == (alice, "alice's token")
    problem = refused(alice_token, "append_messages", session_id=str(session.pk), messages=said, expected_index=2)
    assert (problem["code"], problem["state"]["message_count"]) == ("unexpected_index", 4)


WRITES = {
    "append_messages": {"messages": [{"role": "user", "content": "x"}]},
    "set_phase": {"phase": "idea"},
    "ask": {"question": "Which?"},
    "report_error": {"error_message": "It broke."},
}


@pytest.mark.parametrize("name", WRITES)
def test_who_may_not_write(alice, vera, name, alice_read_token, mallory_token) -> None:
    assert {tool.name for tool in calls.TOOLS.values() if tool.writes} == set(WRITES)
    session = share(make_session(alice), viewer=vera)
    arguments = {"session_id": str(session.pk)} | WRITES[name]
    problem = refused(alice_read_token, name, **arguments)
    assert (problem["code"], "scope `write`" in problem["detail"]) == ("read_only_token", True)
    assert refused(mallory_token, name, **arguments)["code"] == "session_not_found"
    viewers = create_token(actor=vera, name="viewer")[1]
    assert refused(viewers, name, **arguments)["code"] == "role_too_low"
    session.refresh_from_db()
    assert (session.message_count, session.phase) == (0, "")


@pytest.mark.parametrize("name", ["read_session", "read_message", "read_progress"])
def test_strangers_and_tokens_of_another_session_read_nothing(alice, name, mallory_token) -> None:
    session, other = make_session(alice, messages=1), make_session(alice, "Other", messages=1)
    arguments = {"session_id": str(session.pk)} | ({"index": 0} if name == "read_message" else {})
    assert refused(mallory_token, name, **arguments)["code"] == "session_not_found"
    limited = create_token(actor=alice, name="one", session_id=other.pk)[1]
    assert refused(limited, name, **arguments)["code"] == "session_not_found"
    assert called(limited, "list_sessions")["count"] == 1
    assert {hit["session_id"] for hit in called(limited, "search", q="message")["results"]} == {str(other.pk)}


def test_arguments_are_read_strictly(alice: User, alice_token: str) -> None:
    session = make_session(alice)
    problem = refused(alice_token, "ask", session_id=str(session.pk), question="Which?", option=["a"])
    assert problem["errors"] == [{"loc": "option", "message": "Extra inputs are not permitted"}]
    messages = [{"role": "robot", "content": "x"}]
    problem = refused(alice_token, "append_messages", session_id=str(session.pk), messages=messages)
    assert problem["errors"][0]["loc"] == "messages.0.role"
    for arguments in ({"limit": 51}, {"limit": 0}, {"cursor": 3}, {"status": "gone"}):
        assert refused(alice_token, "list_sessions", **arguments)["code"] == "invalid"
    assert "list_sessions" in refused(alice_token, "delete_session")["detail"]
    assert refused(alice_token, "set_phase", session_id="x", phase="nothing")["errors"][0]["loc"] == "phase"


def test_what_goes_wrong_here_is_told_without_its_insides(alice_token: str, monkeypatch, caplog) -> None:
    def broken(error: Exception) -> None:
        def work(actor: Any, asked: Arguments) -> Any:
            raise error

        tool = calls.Tool("broken", "", Arguments, work)
        monkeypatch.setitem(calls.TOOLS, "broken", tool)

    broken(OperationalError("connection refused"))
    assert refused(alice_token, "broken")["code"] == "database_unavailable"
    broken(RuntimeError("secret insides"))
    problem = refused(alice_token, "broken")
    assert problem["code"] == "server_error"
    assert "insides" not in str(problem)
    assert Session.objects.count() == 0
