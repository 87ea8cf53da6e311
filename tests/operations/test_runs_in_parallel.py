"""Eight clients write one run at once: everything is there in order of arrival, and one task is active."""

from itertools import pairwise

import pytest

from sessions.exceptions import RunAborted, SessionNotFound, TaskConflict
from sessions.models import Event, LogEntry, PhaseEntry, Run, Session, Task
from sessions.models.progress import read_progress
from sessions.operations.lifecycle import purge_session
from sessions.operations.runs.answers import add_answer
from sessions.operations.runs.phases import abort_run, set_phase
from sessions.operations.runs.reports import NewLine, add_logs
from sessions.operations.runs.tasks import NewTask, set_tasks, update_task
from sessions.operations.transcript import append_messages
from tests.factories import make_session, user_message
from tests.together import raise_errors, together

pytestmark = pytest.mark.django_db(transaction=True)
CLIENTS, LINES = 8, 12


def test_the_first_writes_make_one_run(alice):
    session = make_session(alice)
    raise_errors(
        together(*[lambda: add_logs(actor=alice, session_id=session.pk, lines=[NewLine("x")]) for _ in range(CLIENTS)])
    )
    run = Run.objects.get(pk=session.pk)
    assert (run.version, run.owner_id, LogEntry.objects.count()) == (CLIENTS, alice.pk, CLIENTS)


def test_lines_tasks_and_answers(alice):
    session = make_session(alice)
    plan = [NewTask(f"{who}-{number}") for who in range(CLIENTS) for number in range(LINES)]
    set_tasks(actor=alice, session_id=session.pk, tasks=plan)

    def work(who):
        for number in range(LINES):
            add_logs(actor=alice, session_id=session.pk, lines=[NewLine(f"{who}/{number}")])
            update_task(actor=alice, session_id=session.pk, task_id=f"{who}-{number}", status="completed")
            append_messages(actor=alice, session_id=session.pk, messages=[user_message(f"{who}/{number}")])
        add_answer(actor=alice, session_id=session.pk, question_id=str(who), answer=who)
        set_phase(actor=alice, session_id=session.pk, phase=("execution", "verification")[who % 2])

    raise_errors(together(*[lambda who=who: work(who) for who in range(CLIENTS)]))
    lines = list(LogEntry.objects.filter(session=session).order_by("pk").values_list("message", flat=True))
    assert len(lines) == CLIENTS * LINES
    for who in range(CLIENTS):
        assert [line for line in lines if line.startswith(f"{who}/")] == [f"{who}/{number}" for number in range(LINES)]
    found = read_progress(session.pk)
    assert found.task_ids("completed") == [task.task_id for task in plan]
    assert {row["question_id"]: row["answer"] for row in found.answers} == {str(who): who for who in range(CLIENTS)}
    assert found.current_question_index == CLIENTS
    assert found.version == 1 + CLIENTS * (2 * LINES + 2), "every write is a heartbeat, none got lost"
    session.refresh_from_db()
    phases = list(PhaseEntry.objects.filter(session=session).values_list("phase", flat=True))
    assert phases[-1] == session.phase
    assert all(one != other for one, other in pairwise(phases))
    assert Event.objects.filter(session_id=session.pk, verb="task_updated").count() == CLIENTS * LINES


def test_one_becomes_active(alice):
    session = make_session(alice)
    set_tasks(actor=alice, session_id=session.pk, tasks=[NewTask(str(number)) for number in range(CLIENTS)])
    results = together(
        *[
            lambda task=str(number): update_task(actor=alice, session_id=session.pk, task_id=task, status="active")
            for number in range(CLIENTS)
        ]
    )
    refused = [result for result in results if isinstance(result, Exception)]
    assert len(refused) == CLIENTS - 1
    assert all(isinstance(error, TaskConflict) for error in refused)
    assert Task.objects.filter(session=session, status="active").count() == 1


def test_purged_meanwhile(alice):
    """A line comes before the purge and goes with it, or is refused: nothing is left, and nobody deadlocks."""
    for _ in range(5):
        session = make_session(alice, phase="execution")

        def write(pk=session.pk):
            for _ in range(10):
                add_logs(actor=alice, session_id=pk, lines=[NewLine("x")])
                set_phase(actor=alice, session_id=pk, phase="idea")

        *writers, purged = together(write, write, lambda pk=session.pk: purge_session(actor=alice, session_id=pk))
        assert purged is None
        assert all(result is None or isinstance(result, SessionNotFound) for result in writers), writers
    assert [model.objects.count() for model in (Session, Run, LogEntry, PhaseEntry)] == [0, 0, 0, 0]


def test_stopped_meanwhile(alice):
    session = make_session(alice, phase="execution")

    def work():
        for number in range(50):
            set_phase(actor=alice, session_id=session.pk, phase=("idea", "execution")[number % 2])

    stopped, worked = together(lambda: abort_run(actor=alice, session_id=session.pk), work)
    assert not isinstance(stopped, Exception)
    assert worked is None or isinstance(worked, RunAborted)
    assert read_progress(session.pk).state == "aborted"
