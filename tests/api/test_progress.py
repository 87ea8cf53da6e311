"""GET /sessions/{id}/progress and what a run writes: phase, answers, artifacts, tasks, errors, logs, a question."""

import pytest

from sessions import access
from sessions.models import Event, Run, Session
from sessions.operations.lifecycle import archive_session, trash_session
from sessions.operations.runs.phases import set_phase
from tests.api.contract import assert_problem
from tests.statements import assert_statements, counted_statements

NOTHING = {
    "phase": None,
    "state": None,
    "phases": [],
    "current_question_index": 0,
    "answers": {},
    "artifacts": {},
    "tasks": [],
    "active_task_id": None,
    "completed_task_ids": [],
    "failed_task_ids": [],
    "errors": [],
    "logs": [],
    "pending_clarification": None,
    "clarification_answer": None,
    "heartbeat_at": None,
    "is_aborted": False,
    "abort_reason": None,
    "failure_reason": None,
    "version": 0,
}
QUESTION = {"question": "Which region?", "context": "Both have mosses.", "options": ["Alps", "Jura"]}


def progress(owner, url):
    answer = owner.get(f"{url}/progress")
    assert answer.status_code == 200
    assert answer.headers["ETag"] == f'"{answer.json()["version"]}"'
    return answer.json()


def test_without_a_run(owner, url):
    assert progress(owner, url) == NOTHING
    assert not Run.objects.exists()


def test_a_whole_run(owner, url, session):
    """Everything that an agent tells is there again, in lower case and in order."""
    assert owner.put(f"{url}/phase", {"phase": "QUESTIONNAIRE"}).json()["phase"] == "questionnaire"
    first = owner.post(f"{url}/answers", {"question_id": "who", "answer": ["biologists"]})
    assert (first.status_code, first.json()["current_question_index"]) == (201, 1)
    owner.post(f"{url}/answers", {"question_id": "who", "answer": {"n": 1}})
    owner.post(f"{url}/answers", {"question_id": "why", "answer": None, "current_question_index": 7})
    owner.put(f"{url}/artifacts/Intent_Profile", {"data": {"goal": "a guide"}})
    owner.put(f"{url}/artifacts/concept", {"path": "content/concept.md"})
    owner.put(f"{url}/phase", {"phase": "Execution"})
    tasks = [{"task_id": "a", "title": "Gather", "status": "ACTIVE"}, {"task_id": "b"}, {"task_id": "c"}]
    assert owner.put(f"{url}/tasks", {"tasks": tasks}).json()["active_task_id"] == "a"
    owner.patch(f"{url}/tasks/a", {"status": "Completed"})
    owner.patch(f"{url}/tasks/b", {"status": "active"})
    owner.patch(f"{url}/tasks/b", {"status": "failed", "error": "no network"})
    owner.post(f"{url}/errors", {"task_id": "b", "error_message": "no network"})
    owner.post(f"{url}/errors", {"error_message": "earlier", "phase": "IDEA", "timestamp": "2026-01-02T03:04:05Z"})
    owner.post(f"{url}/logs", {"message": "one"})
    owner.post(f"{url}/logs", {"logs": [{"message": "two"}, {"message": "three"}]})
    owner.put(f"{url}/clarification", QUESTION)
    found = progress(owner, url)
    assert [entry["phase"] for entry in found["phases"]] == ["questionnaire", "execution"]
    assert (found["phase"], found["state"], found["current_question_index"]) == ("execution", "waiting", 7)
    assert found["answers"] == {"who": {"n": 1}, "why": None}
    assert found["artifacts"] == {"concept": {"path": "content/concept.md"}, "intent_profile": {"goal": "a guide"}}
    assert found["tasks"] == [
        {"task_id": "a", "title": "Gather", "status": "completed", "error": None},
        {"task_id": "b", "title": "", "status": "failed", "error": "no network"},
        {"task_id": "c", "title": "", "status": "pending", "error": None},
    ]
    assert (found["active_task_id"], found["completed_task_ids"], found["failed_task_ids"]) == (None, ["a"], ["b"])
    assert [(error["task_id"], error["error_message"], error["phase"]) for error in found["errors"]] == [
        ("b", "no network", "execution"),
        (None, "earlier", "idea"),
    ]
    assert found["errors"][1]["timestamp"] == "2026-01-02T03:04:05Z"
    assert [line["message"] for line in found["logs"]] == ["one", "two", "three"]
    assert (found["pending_clarification"], found["clarification_answer"]) == (QUESTION, None)
    assert owner.get(url).json()["phase"] == "execution"


def test_a_question_and_its_answer(owner, url):
    owner.put(f"{url}/phase", {"phase": "clarification"})
    owner.put(f"{url}/clarification", QUESTION)
    version = progress(owner, url)["version"]
    problem = assert_problem(owner.post(f"{url}/clarification/answer", {"answer": "alps"}), 422, "invalid")
    assert problem["errors"][0]["loc"] == "answer"
    assert progress(owner, url)["version"] == version, "a refusal has written nothing"
    answered = owner.post(f"{url}/clarification/answer", {"answer": "Alps"}).json()
    assert (answered["answer"], answered["is_pending"]) == ("Alps", False)
    found = progress(owner, url)
    assert (found["pending_clarification"], found["clarification_answer"], found["state"]) == (None, "Alps", "going")
    assert_problem(owner.post(f"{url}/clarification/answer", {"answer": "Alps"}), 409, "no_pending_question")
    owner.put(f"{url}/clarification", {"question": "And now?"})
    assert progress(owner, url)["clarification_answer"] is None
    assert owner.post(f"{url}/clarification/answer", {"answer": "anything"}).status_code == 200


def test_stopped_and_reopened(owner, url):
    owner.put(f"{url}/phase", {"phase": "execution"})
    owner.put(f"{url}/tasks", {"tasks": [{"task_id": "a"}]})
    owner.put(f"{url}/clarification", QUESTION)
    stopped = owner.post(f"{url}/abort", {"reason": "wrong data"}).json()
    assert (stopped["state"], stopped["is_aborted"], stopped["abort_reason"]) == ("aborted", True, "wrong data")
    for method, path, body in (
        (owner.put, "phase", {"phase": "verification"}),
        (owner.patch, "tasks/a", {"status": "active"}),
        (owner.put, "tasks", {"tasks": []}),
        (owner.post, "answers", {"question_id": "q", "answer": 1}),
        (owner.put, "clarification", QUESTION),
        (owner.post, "clarification/answer", {"answer": "Alps"}),
        (owner.post, "fail", {"reason": "x"}),
        (owner.patch, "", {"phase": "verification"}),
    ):
        assert_problem(method(f"{url}/{path}".rstrip("/"), body), 409, "run_aborted")
    assert owner.post(f"{url}/logs", {"message": "stopping"}).status_code == 201
    assert owner.post(f"{url}/errors", {"error_message": "stopped"}).status_code == 201
    assert owner.put(f"{url}/artifacts/draft", {"data": 1}).status_code == 200
    reopened = owner.post(f"{url}/reopen").json()
    assert (reopened["state"], reopened["phase"], reopened["is_aborted"]) == ("going", "execution", False)
    assert progress(owner, url)["pending_clarification"] is None
    assert owner.patch(f"{url}/tasks/a", {"status": "active"}).status_code == 200


def test_failed_and_reopened(owner, url):
    owner.put(f"{url}/phase", {"phase": "verification"})
    failed = owner.post(f"{url}/fail", {"reason": "no compiler"}).json()
    assert (failed["phase"], failed["state"], failed["failure_reason"]) == ("failed", "failed", "no compiler")
    reopened = owner.post(f"{url}/reopen").json()
    assert (reopened["phase"], reopened["state"], reopened["failure_reason"]) == ("verification", "going", None)
    assert [entry["phase"] for entry in progress(owner, url)["phases"]] == ["verification", "failed", "verification"]
    assert owner.put(f"{url}/phase", {"phase": "complete"}).json()["state"] == "complete"


def test_artifacts_have_versions(owner, url):
    for data in ([1], [1], [2]):
        answer = owner.put(f"{url}/artifacts/concept", {"data": data})
    assert [version["version"] for version in answer.json()["versions"]] == [2, 1]
    assert owner.get(f"{url}/artifacts/CONCEPT").json()["data"] == [2]
    assert owner.get(f"{url}/artifacts/concept?version=1").json()["data"] == [1]
    assert_problem(owner.get(f"{url}/artifacts/concept?version=3"), 404, "artifact_not_found")
    assert_problem(owner.get(f"{url}/artifacts/other"), 404, "artifact_not_found")
    assert_problem(owner.put(f"{url}/artifacts/a b", {"data": 1}), 422)
    for body in ({}, {"data": 1, "path": "content/x"}, {"path": "../x"}, {"path": "/etc/passwd"}, {"path": ".git/x"}):
        assert_problem(owner.put(f"{url}/artifacts/concept", body), 422)


def test_tasks_move_one_at_a_time(owner, url):
    owner.put(f"{url}/tasks", {"tasks": [{"task_id": "a"}, {"task_id": "b"}]})
    assert owner.patch(f"{url}/tasks/a", {"status": "active"}).json()["status"] == "active"
    problem = assert_problem(owner.patch(f"{url}/tasks/b", {"status": "active"}), 409, "task_conflict")
    assert problem["state"]["active_task_id"] == "a"
    assert owner.patch(f"{url}/tasks/a", {"status": "active", "title": "Again"}).json()["title"] == "Again"
    owner.patch(f"{url}/tasks/a", {"status": "failed", "error": "x"})
    assert owner.patch(f"{url}/tasks/a", {"status": "active"}).json()["error"] is None, "it is tried again"
    owner.patch(f"{url}/tasks/a", {"status": "completed"})
    assert_problem(owner.patch(f"{url}/tasks/a", {"status": "active"}), 409, "task_conflict")
    assert owner.patch(f"{url}/tasks/a", {"status": "completed"}).status_code == 200, "a retry changes nothing"
    assert_problem(owner.patch(f"{url}/tasks/z", {"status": "active"}), 404, "task_not_found")
    for tasks in (
        [{"task_id": "a"}, {"task_id": "a"}],
        [{"task_id": "a", "status": "active"}, {"task_id": "b", "status": "Active"}],
        [{"task_id": "a/b"}],
        [{"task_id": " "}],
        [{"task_id": "a", "status": "done"}],
    ):
        assert_problem(owner.put(f"{url}/tasks", {"tasks": tasks}), 422)
    assert len(progress(owner, url)["tasks"]) == 2


def test_logs_and_errors_by_pages(owner, url):
    owner.post(f"{url}/logs", {"logs": [{"message": str(number)} for number in range(130)]})
    assert [line["message"] for line in progress(owner, url)["logs"]] == [str(number) for number in range(30, 130)]
    first = owner.get(f"{url}/logs?limit=100").json()
    assert (first["count"], len(first["logs"])) == (130, 100)
    rest = owner.get(f"{url}/logs?cursor={first['next']}").json()
    assert [line["message"] for line in rest["logs"]] == [str(number) for number in range(100, 130)]
    assert rest["next"] is None
    seen = rest["logs"][-1]["entry_id"]
    owner.post(f"{url}/logs", {"message": "new"})
    assert [line["message"] for line in owner.get(f"{url}/logs?after={seen}").json()["logs"]] == ["new"]
    newest = owner.get(f"{url}/logs?order=desc&limit=2").json()
    assert [line["message"] for line in newest["logs"]] == ["new", "129"]
    older = owner.get(f"{url}/logs?order=desc&limit=2&cursor={newest['next']}").json()
    assert [line["message"] for line in older["logs"]] == ["128", "127"]
    owner.post(f"{url}/errors", {"error_message": "x"})
    assert owner.get(f"{url}/errors").json()["count"] == 1


def test_versions(owner, url, session):
    """The run has a version of its own; of the session's, only what its answers show is a change."""
    owner.put(f"{url}/phase", {"phase": "execution"})
    session.refresh_from_db()
    before = session.version
    tag = owner.get(f"{url}/progress").headers["ETag"]
    assert owner.get(f"{url}/progress", headers={"If-None-Match": tag}).status_code == 304
    assert owner.post(f"{url}/logs", {"message": "x"}, headers={"If-Match": tag}).status_code == 201
    assert_problem(owner.post(f"{url}/logs", {"message": "x"}, headers={"If-Match": tag}), 412, "stale_version")
    assert_problem(owner.put(f"{url}/phase", {"phase": "idea"}, headers={"If-Match": tag}), 412, "stale_version")
    assert owner.get(f"{url}/progress", headers={"If-None-Match": tag}).status_code == 200
    session.refresh_from_db()
    assert session.version == before
    owner.put(f"{url}/clarification", QUESTION)
    session.refresh_from_db()
    assert session.version == before + 1


def test_the_phase_is_that_of_the_version(owner, url, session, alice, monkeypatch):
    """A step between two statements: who keeps the answer under its ETag must not keep the phase of before."""
    read = access.session_row_for_reading

    def before_a_step(*values, **more):
        row = read(*values, **more)
        set_phase(actor=alice, session_id=session.pk, phase="execution")
        return row

    monkeypatch.setattr(access, "session_row_for_reading", before_a_step)
    found = progress(owner, url)
    assert (found["version"], found["phase"]) == (1, "execution")


def test_where_no_run_takes_anything(owner, url, session, alice):
    archive_session(actor=alice, session_id=session.pk)
    for method, path, body in (
        (owner.post, "logs", {"message": "x"}),
        (owner.put, "phase", {"phase": "idea"}),
        (owner.patch, "tasks/a", {"status": "active"}),
        (owner.put, "clarification", QUESTION),
    ):
        assert_problem(method(f"{url}/{path}", body), 409, "session_archived")
    assert progress(owner, url) == NOTHING
    trash_session(actor=alice, session_id=session.pk)
    assert_problem(owner.post(f"{url}/logs", {"message": "x"}), 404, "session_not_found")
    assert_problem(owner.get(f"{url}/progress"), 404, "session_not_found")


def test_phases_of_sessions_are_phases_of_runs(owner):
    made = owner.post("/api/v1/sessions", {"name": "x", "phase": "IDEA"}).json()
    url = f"/api/v1/sessions/{made['session_id']}"
    owner.patch(url, {"phase": "execution"})
    owner.put(url, {"phase": "execution", "description": "the same phase"})
    assert [entry["phase"] for entry in progress(owner, url)["phases"]] == ["idea", "execution"]
    owner.patch(url, {"phase": None})
    assert progress(owner, url)["phase"] is None
    verbs = list(Event.objects.filter(session_id=made["session_id"]).order_by("pk").values_list("verb", flat=True))
    assert verbs == ["created", "phase_entered", "updated", "phase_entered"]
    short = f"/api/v1/sessions/{made['short_id']}"
    assert owner.post(f"{short}/logs", {"message": "by the short id"}).status_code == 201


def test_statements(owner, url):
    owner.put(f"{url}/tasks", {"tasks": [{"task_id": str(number)} for number in range(200)]})
    owner.put(f"{url}/artifacts/concept", {"data": {"a": [1, 2]}})
    owner.post(f"{url}/logs", {"logs": [{"message": "x"}] * 100})
    with counted_statements() as statements:
        owner.post(f"{url}/logs", {"message": "x"})
    assert len(statements) <= 3, statements
    for method, path, body in (
        (owner.get, "progress", None),
        (owner.get, "logs", None),
        (owner.patch, "tasks/1", {"status": "active"}),
        (owner.post, "errors", {"error_message": "x"}),
    ):
        with assert_statements(at_most=4):
            assert method(f"{url}/{path}", body).status_code < 300


def test_purged_with_everything(owner, url, session):
    test_a_whole_run(owner, url, session)
    assert owner.delete(f"{url}?permanent=true").status_code == 204
    assert not Session.objects.filter(pk=session.pk).exists()
    assert not Run.objects.exists()


@pytest.mark.parametrize("path", ["progress", "logs", "errors", "artifacts/concept"])
def test_strangers_see_nothing(owner, stranger, url, path):
    owner.put(f"{url}/artifacts/concept", {"data": 1})
    assert_problem(stranger.get(f"{url}/{path}"), 404, "session_not_found")
