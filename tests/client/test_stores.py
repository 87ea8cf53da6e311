"""One contract for both stores: over HTTP against a live server, and in memory."""

import threading
import time
from collections.abc import Iterator

import pytest

from researchmind.client import (
    AnswerTimeout,
    Conflict,
    HttpSessionStore,
    Invalid,
    MemorySessionStore,
    NotAllowed,
    NotFound,
    SessionStore,
)
from sessions.operations.runs.phases import abort_run, reopen_run
from tests.together import raise_errors, together

pytestmark = pytest.mark.django_db(transaction=True)
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(params=["http", "memory"])
def store(request: pytest.FixtureRequest) -> Iterator[SessionStore]:
    if request.param == "memory":
        return MemorySessionStore()
    server, token = request.getfixturevalue("live_server"), request.getfixturevalue("alice_token")
    return HttpSessionStore(server.url, token)


@pytest.fixture
def session_id(store: SessionStore) -> str:
    return store.create_session(name="Mosses", tags=["red"], metadata={"a": 1, "b": 2})["session_id"]


class TestSessions:
    def test_there_and_gone(self, store, session_id):
        session = store.get_session(session_id)
        assert (session["name"], session["tags"], session["phase"]) == ("Mosses", ["red"], None)
        assert store.get_session(NOBODY) is None
        store.delete_session(session_id)
        assert store.get_session(session_id) is None
        for call in (store.delete_session, store.update_session, store.get_progress):
            with pytest.raises(NotFound) as refused:
                call(session_id)
            assert refused.value.code == "session_not_found"

    def test_changed(self, store, session_id):
        changed = store.update_session(session_id, name="Lichens", metadata={"b": None, "c": 3}, phase="IDEA")
        assert (changed["name"], changed["metadata"]) == ("Lichens", {"a": 1, "c": 3})
        assert store.get_progress(session_id)["phase"] == "idea"

    def test_listed(self, store, session_id):
        other = store.create_session(name="Newer")["session_id"]
        assert [session["session_id"] for session in store.list_sessions()] == [other, session_id]
        store.update_session(session_id, pinned=True)
        assert [session["session_id"] for session in store.list_sessions()] == [session_id, other]

    def test_listed_by_change(self, store, session_id):
        other = store.create_session(name="Newer")["session_id"]
        store.append_messages(session_id, [{"role": "user", "content": "Which?"}])
        assert [session["session_id"] for session in store.list_sessions()] == [session_id, other]
        assert all("messages" not in session for session in store.list_sessions())
        store.update_session(session_id, archived=True)
        assert [session["session_id"] for session in store.list_sessions()] == [other]

    def test_archived(self, store, session_id):
        assert store.update_session(session_id, archived=True)["status"] == "archived"
        for write in (
            lambda: store.append_messages(session_id, [{"role": "user", "content": "x"}]),
            lambda: store.set_phase(session_id, "idea"),
            lambda: store.add_log(session_id, "x"),
        ):
            with pytest.raises(Conflict) as refused:
                write()
            assert refused.value.code == "session_archived"
        assert store.update_session(session_id, status="active", name="Back")["archived"] is False
        store.add_log(session_id, "x")

    def test_typos_do_not_pass(self, store, session_id):
        store.set_tasks(session_id, [{"task_id": "a"}])
        message = {"role": "user", "content": "x"}
        for write in (
            lambda: store.create_session(nmae="x"),
            lambda: store.update_session(session_id, titel="x"),
            lambda: store.update_session(session_id, name=" "),
            lambda: store.append_messages(session_id, [message | {"txt": "x"}]),
            lambda: store.append_messages(session_id, [{"role": "user"}]),
            lambda: store.append_messages(session_id, []),
            lambda: store.set_tasks(session_id, [{"title": "x"}]),
            lambda: store.set_tasks(session_id, [{"task_id": "a", "state": "active"}]),
            lambda: store.update_task(session_id, "a", state="active"),
            lambda: store.ask(session_id, " "),
            lambda: store.ask(session_id, "Which?", ["a", "a"]),
        ):
            with pytest.raises(Invalid):
                write()
        assert len(store.list_sessions()) == 1
        assert store.get_session(session_id)["message_count"] == 0

    def test_by_its_short_id(self, store, session_id):
        short = store.get_session(session_id)["short_id"]
        store.append_messages(short, [{"role": "user", "content": "x"}])
        store.add_log(short, "x")
        assert store.get_session(short)["session_id"] == session_id
        assert len(store.get_progress(session_id)["logs"]) == 1

    def test_made_with_everything(self, store):
        made = store.create_session(name="x", tags=["Red "], system_prompt="Be brief.", phase="idea", model=None)
        assert (made["tags"], made["phase"], made["message_count"]) == (["red"], "idea", 1)
        assert store.get_session(made["session_id"])["messages"][0]["role"] == "system"

    def test_messages(self, store, session_id):
        messages = [{"role": "user", "content": "Which?"}, {"role": "assistant", "content": "All.", "model": "m"}]
        assert [message["index"] for message in store.append_messages(session_id, messages)] == [0, 1]
        assert store.append_messages(session_id, messages[:1])[0]["index"] == 2
        session = store.get_session(session_id)
        assert [message["content"] for message in session["messages"]] == ["Which?", "All.", "Which?"]
        assert session["message_count"] == 3
        with pytest.raises(Invalid):
            store.append_messages(session_id, [messages[0], {"role": "robot", "content": "x"}])
        assert store.get_session(session_id)["message_count"] == 3
        named = store.create_session(messages=[{"role": "user", "content": "Named so"}])
        assert (named["name"], named["message_count"]) == ("Named so", 1)
        with pytest.raises(Invalid):
            store.create_session()


class TestRuns:
    def test_phases(self, store, session_id):
        for phase in ("Questionnaire", "questionnaire", "EXECUTION"):
            store.set_phase(session_id, phase)
        progress = store.get_progress(session_id)
        assert [entry["phase"] for entry in progress["phases"]] == ["questionnaire", "execution"]
        assert store.get_session(session_id)["phase"] == progress["phase"] == "execution"
        with pytest.raises(Invalid):
            store.set_phase(session_id, "lunch")
        store.fail(session_id, "no compiler")
        progress = store.get_progress(session_id)
        assert (progress["phase"], progress["failure_reason"]) == ("failed", "no compiler")
        store.set_phase(session_id, "execution")
        assert store.get_progress(session_id)["failure_reason"] is None

    def test_what_it_tells(self, store, session_id):
        store.set_phase(session_id, "idea")
        store.add_answer(session_id, "who", ["biologists"])
        store.add_answer(session_id, "who", {"n": 1})
        store.set_artifact(session_id, "Concept", {"goal": "a guide"})
        store.add_log(session_id, "one")
        store.add_log(session_id, "two")
        store.add_error(session_id, task_id="7", error_message="broke")
        store.add_error(session_id, error_message="earlier", phase="Questionnaire")
        progress = store.get_progress(session_id)
        assert progress["answers"] == {"who": {"n": 1}}
        assert progress["current_question_index"] == 1
        assert progress["artifacts"] == {"concept": {"goal": "a guide"}}
        assert [line["message"] for line in progress["logs"]] == ["one", "two"]
        errors = [(error["task_id"], error["error_message"], error["phase"]) for error in progress["errors"]]
        assert errors == [("7", "broke", "idea"), (None, "earlier", "questionnaire")]
        assert progress["heartbeat_at"].endswith("Z")

    def test_tasks(self, store, session_id):
        store.set_tasks(session_id, [{"task_id": "a", "title": "Gather"}, {"task_id": "b", "status": "ACTIVE"}])
        with pytest.raises(Conflict) as refused:
            store.update_task(session_id, "a", status="active")
        assert refused.value.code == "task_conflict"
        store.update_task(session_id, "b", status="failed", error="no network")
        store.update_task(session_id, "a", status="Completed")
        with pytest.raises(Conflict):
            store.update_task(session_id, "a", status="pending")
        with pytest.raises(NotFound):
            store.update_task(session_id, "z", status="active")
        with pytest.raises(Invalid):
            store.set_tasks(session_id, [{"task_id": "a"}, {"task_id": "a"}])
        progress = store.get_progress(session_id)
        assert progress["tasks"] == [
            {"task_id": "a", "title": "Gather", "status": "completed", "error": None},
            {"task_id": "b", "title": "", "status": "failed", "error": "no network"},
        ]
        assert (progress["active_task_id"], progress["completed_task_ids"]) == (None, ["a"])
        assert progress["failed_task_ids"] == ["b"]

    def test_questions(self, store, session_id):
        store.ask(session_id, "Which region?", ["Alps", "Jura"])
        with pytest.raises(AnswerTimeout):
            store.wait_for_answer(session_id, 0.05, interval=0.02)
        with pytest.raises(Invalid):
            store.answer(session_id, "Vosges")
        answering = threading.Timer(0.1, store.answer, (session_id, "Jura"))
        answering.start()
        assert store.wait_for_answer(session_id, 30, interval=0.02) == "Jura"
        answering.join()
        assert store.get_progress(session_id)["pending_clarification"] is None
        with pytest.raises(Conflict):
            store.answer(session_id, "Jura")
        store.ask(session_id, "And why?")
        store.set_phase(session_id, "complete")
        with pytest.raises(Conflict) as refused:
            store.wait_for_answer(session_id, 5)
        assert refused.value.code == "no_pending_question"


def test_eight_clients_at_once(store, session_id):
    """All that they tell is there, in order of arrival: no line stands before one that was acknowledged earlier."""
    clients, lines = 8, 4
    store.set_tasks(session_id, [{"task_id": f"{who}-{number}"} for who in range(clients) for number in range(lines)])
    sent: dict[str, tuple[float, float]] = {}

    def work(who: int) -> None:
        for number in range(lines):
            began = time.monotonic()
            store.add_log(session_id, f"{who}-{number}")
            sent[f"{who}-{number}"] = (began, time.monotonic())
            store.update_task(session_id, f"{who}-{number}", status="completed")

    raise_errors(together(*[lambda who=who: work(who) for who in range(clients)]))
    progress = store.get_progress(session_id)
    told = [line["message"] for line in progress["logs"]]
    assert sorted(told) == sorted(sent)
    assert set(progress["completed_task_ids"]) == set(sent)
    latest = 0.0
    for began, ended in (sent[line] for line in told):
        assert ended > latest
        latest = max(latest, began)


def test_a_stopped_run_hears_of_it(live_server, alice, alice_token):
    store = HttpSessionStore(live_server.url, alice_token)
    session_id = store.create_session(name="x", phase="execution")["session_id"]
    store.ask(session_id, "Go on?")
    abort_run(actor=alice, session_id=session_id)
    for call in (lambda: store.wait_for_answer(session_id, 5), lambda: store.set_phase(session_id, "idea")):
        with pytest.raises(Conflict) as refused:
            call()
        assert refused.value.code == "run_aborted"
    reopen_run(actor=alice, session_id=session_id)
    store.set_phase(session_id, "idea")


def test_a_bad_token(live_server):
    with pytest.raises(NotAllowed) as refused:
        HttpSessionStore(live_server.url, "rm_wrong").list_sessions()
    assert (refused.value.status, refused.value.code) == (401, "invalid_token")
