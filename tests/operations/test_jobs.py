"""Jobs: done once whoever is killed, followed, given back, cancelled, and never by somebody who is let in no more."""

import io
from datetime import timedelta

import pytest
from django.utils import timezone

from sessions.exceptions import ImportNotFound, Invalid, JobNotFound, SessionNotFound, StorageError
from sessions.models import Event, Import, Insights, Job, JobKind, JobState, Lineage, Session, WorkspaceRemoval
from sessions.models.job import LEASE
from sessions.operations import workspaces as operations
from sessions.operations.housekeeping import keep_house
from sessions.operations.jobs import amounts, doing, merging, purging
from sessions.operations.jobs.counting import count_later, counting_job
from sessions.operations.jobs.doing import do_next_job
from sessions.operations.jobs.importing import import_later
from sessions.operations.jobs.merging import merge_later
from sessions.operations.jobs.purging import empty_trash_later, purge_later
from sessions.operations.jobs.queue import cancel_job, job_for_reading, jobs_of, start_job
from sessions.operations.jobs.undoing import undo_later
from sessions.operations.jobs.work import LeaseLost, Work
from sessions.operations.lifecycle import purge_session, restore_session, trash_session
from sessions.operations.restructure.merging import Order
from sessions.operations.sessions import update_session
from sessions.operations.tokens import revoke_token
from sessions.operations.transfer.importing import SourceFile
from sessions.storage import held, workspaces
from tests.factories import make_session
from tests.formats.samples import as_json, simple_chatgpt
from tests.together import raise_errors, together

pytestmark = pytest.mark.django_db(transaction=True)
FILES = 30


@pytest.fixture(autouse=True)
def _little_is_much(monkeypatch):
    """Ten files, or three sessions, are long work here."""
    for module in (operations, purging):
        monkeypatch.setattr(module, "MANY_FILES", 10)
    monkeypatch.setattr(purging, "MANY_SESSIONS", 2)


def large(owner) -> Session:
    """A session with a workspace of many files."""
    session = make_session(owner, "Large")
    for number in range(FILES):
        (workspaces.workspace_path(session.pk) / "content" / f"{number}.txt").write_text("x")
    return session


def chats(owner, amount: int = 3) -> Job:
    """A job that imports so many conversations."""
    file = io.BytesIO(as_json([simple_chatgpt(number) for number in range(amount)]))
    return import_later(actor=owner, files=[SourceFile("chats.json", file)])


def worker_was_killed(job: Job) -> None:
    """Its lease has run out, and nobody has renewed it."""
    Job.objects.filter(pk=job.pk).update(leased_until=timezone.now() - timedelta(seconds=1))


def test_a_large_workspace_is_deleted_by_the_worker(alice):
    session, small = large(alice), make_session(alice)
    assert purge_later(actor=alice, session_ids=[small.pk]) is None, "small work is done at once"
    job = purge_later(actor=alice, session_ids=[session.pk])
    assert (job.state, job.kind, job.subject) == (JobState.QUEUED, JobKind.PURGE, "“Large”")
    assert do_next_job()
    job.refresh_from_db()
    assert (job.state, job.done, job.total, job.result) == (JobState.DONE, FILES + 1, FILES + 1, {"sessions": 1})
    assert list(Session.objects.all()) == [small]
    assert not workspaces.exists(session.pk)
    assert not WorkspaceRemoval.objects.exists()
    assert not do_next_job(), "nothing is left to do"


def test_deleting_by_the_api_leaves_a_large_directory_to_the_worker(alice):
    session = large(alice)
    purge_session(actor=alice, session_id=session.pk)
    assert workspaces.exists(session.pk)
    assert WorkspaceRemoval.objects.get().session_id == session.pk
    keep_house()
    assert not workspaces.exists(session.pk)
    assert not WorkspaceRemoval.objects.exists()


def test_a_large_trash_is_emptied_and_what_is_restored_meanwhile_stays(alice, mallory):
    gone = [trash_session(actor=alice, session_id=make_session(alice).pk) for _ in range(4)]
    theirs = trash_session(actor=mallory, session_id=make_session(mallory).pk)
    job = empty_trash_later(actor=alice)
    restore_session(actor=alice, session_id=gone[0].pk)
    do_next_job()
    job.refresh_from_db()
    assert (job.state, job.result) == (JobState.DONE, {"sessions": 3})
    assert set(Session.objects.all()) == {gone[0], theirs}
    assert empty_trash_later(actor=alice) is None


def test_an_import_that_is_cut_off_goes_on_in_the_same_import(alice, monkeypatch):
    job = chats(alice, 4)
    steps = iter([False] * 3 + [True] * 10)
    do_next_job(lambda: next(steps))  # SIGTERM comes
    job.refresh_from_db()
    assert (job.state, job.attempts, job.lease) == (JobState.QUEUED, 0, None)
    made = Session.objects.count()
    assert 0 < made < 4
    do_next_job()
    job.refresh_from_db()
    batch = Import.objects.get()
    assert (job.state, job.result["created"], job.result["skipped"]) == (JobState.DONE, 4, 0)
    assert (batch.session_count, batch.sources.count(), Session.objects.count()) == (4, 4, 4)
    assert job.result["import_id"] == str(batch.pk)
    assert held.abandoned() == []


def sources(owner) -> list[Session]:
    """Two sessions with messages and files."""
    found = [make_session(owner, name, messages=3) for name in ("One", "Two")]
    for session in found:
        (workspaces.workspace_path(session.pk) / "content" / "a.txt").write_text("x")
    return found


def test_what_is_long_to_merge(alice, monkeypatch):
    ids = [session.pk for session in sources(alice)]
    assert not merging.is_long(actor=alice, source_session_ids=ids)
    for name in ("MANY_MESSAGES", "MANY_FILES", "MANY_BYTES"):
        with monkeypatch.context() as patch:
            patch.setattr(amounts, name, 1)
            assert merging.is_long(actor=alice, source_session_ids=ids), name
    with pytest.raises(Invalid):
        merge_later(actor=alice, source_session_ids=ids, target_name="x" * 300)
    assert not Job.objects.exists(), "what can't be is told at once"


def test_a_merge_by_the_worker_is_whole_and_done_once(alice):
    ids = [session.pk for session in sources(alice)]
    job = merge_later(actor=alice, source_session_ids=ids, target_name="Both", order=Order.TIME, tags=["a"])
    assert (job.kind, job.subject) == (JobKind.MERGE, "2 sessions into “Both”")
    dead = Work(Job.objects.take(), lambda: False)
    worker_was_killed(job)
    assert do_next_job()
    with pytest.raises(LeaseLost):  # the worker that seemed dead comes late: nothing of its merge stays
        merging.merge(dead)
    job.refresh_from_db()
    merged = Session.objects.get(name="Both")
    assert (job.state, job.done, job.total) == (JobState.DONE, 8, 8)
    assert job.result == {"session_id": str(merged.pk), "sources": 2}
    assert (merged.message_count, Lineage.objects.count()) == (6, 2)
    assert sorted(Session.objects.values_list("status", flat=True)) == ["active", "archived", "archived"]
    assert len(list(workspaces.workspace_path(merged.pk).rglob("a.txt"))) == 2
    assert len([path for path in workspaces.root().iterdir() if not path.name.startswith(".")]) == 3


def test_a_merge_that_is_cancelled_or_cut_off_leaves_nothing(alice):
    ids = [session.pk for session in sources(alice)]
    job = merge_later(actor=alice, source_session_ids=ids)
    steps = iter([False] * 6 + [True] * 10)
    do_next_job(lambda: next(steps))  # SIGTERM comes in the transaction
    job.refresh_from_db()
    assert (job.state, job.attempts, Session.objects.count()) == (JobState.QUEUED, 0, 2)
    assert not Event.objects.filter(verb="merged").exists()
    purge_session(actor=alice, session_id=ids[1])
    do_next_job()
    job.refresh_from_db()
    assert (job.state, Session.objects.count()) == (JobState.FAILED, 1)
    assert "no session with this id" in job.error


def test_a_large_import_is_taken_back_by_the_worker(alice, mallory):
    chats(alice, 4)
    do_next_job()
    batch = Import.objects.get()
    worked_on, in_trash = Session.objects.order_by("pk")[:2]
    update_session(actor=alice, session_id=worked_on.pk, name="Mine")
    trash_session(actor=alice, session_id=in_trash.pk)
    with pytest.raises(ImportNotFound):
        undo_later(actor=mallory, import_id=batch.pk)
    job = undo_later(actor=alice, import_id=batch.pk)
    steps = iter([False] * 3 + [True] * 10)
    do_next_job(lambda: next(steps))
    assert Job.objects.get(pk=job.pk).state == JobState.QUEUED, "it was cut off"
    do_next_job()
    job.refresh_from_db()
    batch.refresh_from_db()
    assert (job.state, job.done, job.total) == (JobState.DONE, 4, 4)
    assert job.result == {"import_id": str(batch.pk), "purged": 2, "trashed": 1}
    assert set(Session.objects.in_trash()) == {worked_on, in_trash}
    assert batch.undone_at is not None
    assert undo_later(actor=alice, import_id=batch.pk) is None, "little is left"


def test_insights_are_counted_once_for_those_who_ask_twice(alice, monkeypatch):
    monkeypatch.setattr("sessions.models.insights.PORTION", 2)
    for _ in range(3):
        make_session(alice, messages=2)
    asked = raise_errors(together(*[lambda: count_later(actor=alice)] * 3))
    assert len({job.pk for job in asked}) == 1
    assert (counting_job(alice), asked[0].total) == (asked[0], 3)
    steps = iter([False] * 2 + [True] * 10)
    do_next_job(lambda: next(steps))
    assert Insights.objects.get().data is None, "it was cut off"
    do_next_job()
    job = Job.objects.get()
    assert (job.state, job.done, job.result, counting_job(alice)) == (JobState.DONE, 3, {"sessions": 3}, None)
    assert Insights.objects.get().data["days"][-1][1] == 6


def test_a_killed_workers_job_is_taken_up_again_and_the_dead_one_writes_nothing(alice):
    job = chats(alice)
    dead = Work(Job.objects.take(), lambda: False)
    assert not do_next_job(), "it is under way"
    worker_was_killed(job)
    assert do_next_job()
    with pytest.raises(LeaseLost):
        dead.conclude({"created": 99})
    dead.finish(JobState.FAILED, error="too late")
    dead.give_back()
    job.refresh_from_db()
    assert (job.state, job.attempts, job.result["created"]) == (JobState.DONE, 2, 3)


def test_a_lease_begins_when_the_job_is_taken(alice, monkeypatch):
    """However long SQLite's write lock had to be waited for."""
    chats(alice)
    now, asked = timezone.now(), []

    def later():
        asked.append(now + timedelta(minutes=len(asked)))
        return asked[-1]

    with monkeypatch.context() as patch:
        patch.setattr(timezone, "now", later)
        job = Job.objects.take()
    assert job.leased_until == asked[-1] + LEASE
    assert len(asked) > 1, "it was looked for before"


def test_a_job_that_kills_its_workers_ends(alice):
    job = chats(alice)
    for _ in range(doing.MOST_ATTEMPTS):
        Job.objects.take()
        worker_was_killed(job)
    assert do_next_job()
    job.refresh_from_db()
    assert (job.state, Session.objects.count()) == (JobState.FAILED, 0)
    assert "again and again" in job.error
    assert held.abandoned() == []


def test_two_workers_never_take_the_same(alice):
    jobs = {start_job(actor=alice, kind=JobKind.EMPTY_TRASH, subject="").pk for _ in range(6)}
    taken = raise_errors(together(*[Job.objects.take] * 6))
    assert {job.pk for job in taken if job} == jobs - set(
        Job.objects.filter(state=JobState.QUEUED).values_list("pk", flat=True)
    )
    assert len([job for job in taken if job]) == len({job.pk for job in taken if job}) > 0


def test_cancelling(alice, mallory):
    waiting, going = chats(alice), chats(alice)
    assert cancel_job(actor=alice, job_id=waiting.pk).state == JobState.CANCELLED
    assert held.abandoned() == [going.pk]
    work = Work(Job.objects.take(), lambda: False)
    assert cancel_job(actor=alice, job_id=going.pk).state == JobState.RUNNING
    work.give_back()
    do_next_job()
    going.refresh_from_db()
    assert (going.state, Session.objects.count(), held.abandoned()) == (JobState.CANCELLED, 0, [])
    assert not do_next_job()
    with pytest.raises(JobNotFound):
        cancel_job(actor=mallory, job_id=going.pk)


@pytest.mark.parametrize("how", ["account", "token"])
def test_who_is_let_in_no_more_does_nothing_by_a_job(alice, how):
    if how == "account":
        job = chats(alice)
        alice.is_active = False
        alice.save()
    else:
        from sessions.access import Actor
        from sessions.operations.tokens import create_token

        token, _ = create_token(actor=alice, name="t")
        job = chats(Actor(user_id=alice.pk, username="alice", token_id=token.pk, token_name="t"))
        revoke_token(actor=alice, token_id=token.pk)
    do_next_job()
    job.refresh_from_db()
    assert (job.state, Session.objects.count()) == (JobState.FAILED, 0)
    assert "isn't let in" in job.error


def test_what_goes_wrong_is_told_and_ends_no_worker(alice, monkeypatch):
    file = io.BytesIO(b"nonsense")
    told = import_later(actor=alice, files=[SourceFile("f.json", file)])
    broken = start_job(actor=alice, kind=JobKind.EMPTY_TRASH, subject="")
    monkeypatch.setattr(doing, "KINDS", {**doing.KINDS, JobKind.EMPTY_TRASH: lambda work: 1 // 0})
    assert do_next_job()
    assert do_next_job()
    told.refresh_from_db()
    broken.refresh_from_db()
    assert (told.state, broken.state) == (JobState.FAILED, JobState.FAILED)
    assert "no format that is known" in told.error
    assert "ZeroDivision" not in broken.error


def test_ones_own_alone(alice, mallory):
    job = start_job(actor=alice, kind=JobKind.EMPTY_TRASH, subject="")
    assert jobs_of(alice) == [job]
    assert jobs_of(mallory) == []
    assert job_for_reading(alice, str(job.pk)) == job
    for wrong in (str(job.pk), "nonsense"):
        with pytest.raises(JobNotFound):
            job_for_reading(mallory, wrong)
    with pytest.raises(SessionNotFound):
        purge_later(actor=mallory, session_ids=[make_session(alice).pk])


def test_old_ones_are_forgotten_and_files_of_nobody_go(alice):
    old, new = chats(alice), chats(alice)
    do_next_job()
    Job.objects.filter(pk=old.pk).update(finished_at=timezone.now() - timedelta(days=15))
    with pytest.raises(ZeroDivisionError), held.being_held(old.pk, [io.BytesIO(b"x")]):
        raise ZeroDivisionError
    with held.being_held(old.pk, [io.BytesIO(b"x")]):
        keep_house()
        assert (workspaces.root() / held.HELD / str(old.pk)).is_dir(), "it is just being sent"
    keep_house()
    assert list(Job.objects.all()) == [new]
    assert held.abandoned() == [new.pk]


def test_files_that_cannot_be_kept_leave_nothing(alice, monkeypatch):
    def full(*values):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(held.os, "fsync", full)
    with pytest.raises(StorageError):
        chats(alice)
    assert not Job.objects.exists()
    assert held.abandoned() == []
