"""Large forks by the worker: whole or not at all, done once, and never for somebody who may not read any more."""

import pytest
from django.utils import timezone

from sessions.exceptions import Invalid, MessageNotFound, NotAUserMessage, SessionNotFound, StaleVersion
from sessions.models import Event, Job, JobKind, JobState, Lineage, Session, VectorPoint
from sessions.operations.jobs import amounts, forking
from sessions.operations.jobs.doing import do_next_job
from sessions.operations.jobs.forking import fork_later, is_long
from sessions.operations.jobs.queue import cancel_job
from sessions.operations.jobs.work import LeaseLost, Work
from sessions.operations.restructure import making
from sessions.operations.restructure.forking import fork_session
from sessions.operations.sharing import remove_member
from sessions.operations.transcript import append_messages
from sessions.operations.vectors.points import put_points
from sessions.operations.vectors.values import NewPoint
from sessions.search.query import Query
from sessions.search.results import search
from sessions.storage import workspaces
from tests.factories import make_session, share, user_message
from tests.whole import assert_counts_right, assert_in_place, assert_whole, transcript

pytestmark = pytest.mark.django_db(transaction=True)
STEPS = 3 + 2 + 7  # points, files, messages


@pytest.fixture
def session(alice, vera, monkeypatch) -> Session:
    """Alice's, for Vera to read: seven messages in three portions, two files, three points."""
    monkeypatch.setattr(making, "PORTION", 3)
    made = share(make_session(alice, "Large", messages=7), viewer=vera)
    for name in ("a.txt", "b.txt"):
        (workspaces.workspace_path(made.pk) / "content" / name).write_text(name)
    put_points(actor=alice, session_id=made.pk, points=[NewPoint(number, [1.0, float(number)]) for number in (1, 2, 3)])
    return Session.objects.get(pk=made.pk)


def test_what_is_long_to_fork(alice, session, monkeypatch):
    asked = {"actor": alice, "session_id": session.pk}
    assert not is_long(**asked)
    without = {"MANY_MESSAGES": {"at_index": 0}, "MANY_POINTS": {"vectors": False}, "MANY_FILES": {"files": False}}
    without["MANY_BYTES"] = without["MANY_FILES"]
    for name, less in without.items():
        with monkeypatch.context() as patch:
            patch.setattr(amounts, name, 1)
            assert is_long(**asked), name
            assert not is_long(**asked, **less), name


def test_what_cannot_be_is_told_at_once(alice, mallory, session):
    for problem, values in (
        (SessionNotFound, {"actor": mallory}),
        (MessageNotFound, {"at_index": 7}),
        (StaleVersion, {"expected_version": 99}),
        (Invalid, {"name": "x" * 256}),
        (NotAUserMessage, {"at_index": 1, "content": "other"}),
    ):
        with pytest.raises(problem):
            fork_later(**{"actor": alice, "session_id": session.pk} | values)
    assert not Job.objects.exists()


def test_a_fork_by_the_worker_is_whole_and_done_once(vera, session):
    job = fork_later(actor=vera, session_id=session.short_id, content="edited")
    assert (job.kind, job.subject) == (JobKind.FORK, "“Large” into “Large (fork)”")
    append_messages(actor=session.owner, session_id=session.pk, messages=[user_message("after it was asked for")])
    dead = Work(Job.objects.take(), lambda: False)
    Job.objects.update(leased_until=timezone.now())  # its worker seems to be dead
    assert do_next_job()
    with pytest.raises(LeaseLost):  # it comes late: nothing of its fork stays
        forking.fork(dead)
    job.refresh_from_db()
    fork = Session.objects.get(owner=vera)
    assert (job.state, job.done, job.total) == (JobState.DONE, STEPS, STEPS)
    assert job.result == {"session_id": str(fork.pk), "messages": 7}
    assert transcript(fork) == [*transcript(session)[:6], "edited"]
    assert sorted(path.name for path in workspaces.workspace_path(fork.pk).rglob("*.txt")) == ["a.txt", "b.txt"]
    assert VectorPoint.objects.filter(session=fork).count() == 3
    assert (Lineage.objects.count(), Event.objects.filter(verb="forked").count()) == (1, 2)
    assert len([path for path in workspaces.root().iterdir() if not path.name.startswith(".")]) == 2
    for one in (session, fork):
        assert_whole(one)
        assert_in_place(one)
    assert_counts_right()


@pytest.mark.parametrize("steps", [1, 4, 6, 9])  # among the files, the points, and the portions of messages
@pytest.mark.parametrize("how", ["cancelled", "cut off"])
def test_one_that_is_cancelled_or_cut_off_leaves_nothing(vera, session, steps, how):
    job = fork_later(actor=vera, session_id=session.pk)
    asked = []

    def is_ending() -> bool:
        asked.append(1)
        return len(asked) > steps

    do_next_job(is_ending)
    job.refresh_from_db()
    assert (job.state, job.attempts, len(asked)) == (JobState.QUEUED, 0, steps + 1)
    assert (Session.objects.count(), Event.objects.filter(verb="forked").count()) == (1, 0)
    assert VectorPoint.objects.count() == 3
    assert list((workspaces.root() / ".staging").iterdir()) == []
    if how == "cancelled":
        cancel_job(actor=vera, job_id=job.pk)
        assert not do_next_job()
        assert not Lineage.objects.exists()
    else:
        assert do_next_job()
        assert Session.objects.get(owner=vera).message_count == 7


def test_the_search_takes_up_one_portion_after_the_other(alice, session):
    """What takes up a million at once can't be cancelled for minutes, and shows no progress."""
    seen = []

    def step(more: int) -> None:
        seen.append((more, len(search(Query.parse("message"), user_id=alice.pk, limit=50).results)))

    fork_session(actor=alice, session_id=session.pk, step=step)
    assert seen == [(3, 7 + 3), (3, 7 + 6), (1, 7 + 7)]


def test_who_may_not_read_any_more_gets_none(vera, session):
    job = fork_later(actor=vera, session_id=session.pk)
    remove_member(actor=session.owner, session_id=session.pk, user_id=vera.pk)
    do_next_job()
    job.refresh_from_db()
    assert (job.state, Session.objects.count()) == (JobState.FAILED, 1)
    assert "no session with this id" in job.error
