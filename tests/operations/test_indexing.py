"""Indexing as a job: by those who may, once at a time, ended with what ends its right to be, and nothing of it left."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from sessions.exceptions import IndexerNotInstalled, RoleTooLow, SessionNotActive, SessionNotFound
from sessions.models import Event, Job, JobState, Session, Verb, WorkspaceRemoval
from sessions.operations.jobs import indexing as jobs
from sessions.operations.jobs.doing import do_next_job
from sessions.operations.jobs.indexing import cancel_index, index_later
from sessions.operations.jobs.queue import cancel_job
from sessions.operations.lifecycle import archive_session, purge_session, restore_session, trash_session
from sessions.operations.restructure.forking import fork_session
from sessions.operations.sharing import remove_member
from sessions.storage import program, workspaces
from tests.factories import make_session, share
from tests.indexer import running
from tests.together import raise_errors, together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _quick(monkeypatch, settings, indexer):
    monkeypatch.setattr(program, "GRACE_SECONDS", 0.2)
    settings.INDEX_SECONDS = 600


@pytest.fixture
def session(alice, bob) -> Session:
    """Alice's, which Bob edits."""
    return share(make_session(alice), editor=bob)


def behave(session: Session, how: str) -> None:
    (workspaces.workspace_path(session.pk) / "content" / "behaviour").write_text(how)


def work_until(session: Session, what, *, sign: str = "config.json") -> Job | None:
    """Do the job; once it works, `what` is done, which may return that the worker is to end. Return what it became."""
    job, done = Job.objects.get(session=session), []

    def is_ending() -> bool:
        if not done and (workspaces.workspace_path(session.pk) / ".mcp-vector-search" / sign).exists():
            done.append(what())
        return done == [True]

    assert do_next_job(is_ending)
    assert done, "it was under way"
    assert running(workspaces.workspace_path(session.pk)) == []
    return Job.objects.filter(pk=job.pk).first()


def verbs(session: Session) -> list[str]:
    events = Event.objects.filter(session_id=session.pk, verb__startswith="index").order_by("id")
    return list(events.values_list("verb", flat=True))


def test_a_workspace_is_indexed_by_the_worker(alice, bob, session):
    job = index_later(actor=bob, session_id=session.pk)
    assert (job.state, job.owner, job.subject) == (JobState.QUEUED, bob, f"“{session.name}”")
    assert not workspaces.state(session.pk).is_indexed
    assert do_next_job()
    job.refresh_from_db()
    assert (job.state, job.exit_code, job.error) == (JobState.DONE, 0, "")
    assert job.output.endswith("Indexed 0 files\n")
    assert workspaces.state(session.pk).is_indexed
    assert verbs(session) == [Verb.INDEXING_STARTED, Verb.INDEXED]
    assert index_later(actor=alice, session_id=session.pk) != job, "another time"


def test_one_at_a_time_for_a_session(alice, bob, session):
    started = raise_errors(
        together(*[lambda who=who: index_later(actor=who, session_id=session.pk) for who in (alice, bob) * 3])
    )
    assert len({job.pk for job in started}) == Job.objects.count() == 1
    assert verbs(session) == [Verb.INDEXING_STARTED]
    index_later(actor=alice, session_id=make_session(alice).pk)
    assert Job.objects.count() == 2


def test_one_that_ends_while_another_is_asked_for_is_followed_by_that_one(alice, session, monkeypatch):
    job = index_later(actor=alice, session_id=session.pk)
    start = jobs.start_job

    def held_up(**values):  # between the refusal and the look at why
        try:
            return start(**values)
        except IntegrityError:
            if connection.vendor == "postgresql":  # on SQLite whoever asks holds the write lock
                raise_errors(together(lambda: Job.objects.filter(pk=job.pk).update(state=JobState.DONE)))
            raise

    monkeypatch.setattr(jobs, "start_job", held_up)
    started = index_later(actor=alice, session_id=session.pk)
    assert (started == job) == (connection.vendor == "sqlite")
    assert started.state == JobState.QUEUED


def test_by_those_who_may_write_and_while_it_is_active(alice, vera, mallory, session, settings):
    share(session, viewer=vera)
    for who, refused in ((vera, RoleTooLow), (mallory, SessionNotFound)):
        for act in (index_later, cancel_index):
            with pytest.raises(refused):
                act(actor=who, session_id=session.pk)
    for close, refused in ((archive_session, SessionNotActive), (trash_session, SessionNotFound)):
        close(actor=alice, session_id=session.pk)
        with pytest.raises(refused):
            index_later(actor=alice, session_id=session.pk)
    restore_session(actor=alice, session_id=session.pk)
    restore_session(actor=alice, session_id=session.pk)
    settings.INDEX_COMMAND = "not-there"
    with pytest.raises(IndexerNotInstalled):
        index_later(actor=alice, session_id=session.pk)
    assert not Job.objects.exists()


def test_what_fails_tells_its_exit_code(alice, session):
    behave(session, "failing 3")
    job = index_later(actor=alice, session_id=session.pk)
    do_next_job()
    job.refresh_from_db()
    assert (job.state, job.exit_code) == (JobState.FAILED, 3)
    assert "exit code 3" in job.error
    assert job.output.endswith("out of memory\n")
    assert verbs(session)[-1] == Verb.INDEXING_FAILED
    assert workspaces.state(session.pk).is_indexed, "what the disk says"


def test_cancelling_ends_it_whoever_started_it(alice, bob, session):
    behave(session, "deaf")
    index_later(actor=bob, session_id=session.pk)
    job = work_until(session, lambda: cancel_index(actor=alice, session_id=session.pk) and None)
    assert job.state == JobState.CANCELLED
    assert "Indexing" in job.output
    assert verbs(session) == [Verb.INDEXING_STARTED, Verb.INDEXING_CANCELLED]
    assert cancel_index(actor=alice, session_id=session.pk) == (session.pk, job), "it stays what it is"
    assert index_later(actor=alice, session_id=session.pk) != job
    assert cancel_index(actor=bob, session_id=session.pk)[1].state == JobState.CANCELLED, "before it began"
    again = index_later(actor=alice, session_id=session.pk)
    assert cancel_job(actor=alice, job_id=again.pk).state == JobState.CANCELLED, "in the list of one's jobs"
    assert cancel_job(actor=alice, job_id=again.pk).state == JobState.CANCELLED
    assert verbs(session) == [Verb.INDEXING_STARTED, Verb.INDEXING_CANCELLED] * 3
    assert not do_next_job()


def test_deleting_the_session_for_ever_ends_it_and_leaves_nothing(alice, session):
    behave(session, "digging")
    index_later(actor=alice, session_id=session.pk)
    assert work_until(session, lambda: purge_session(actor=alice, session_id=session.pk), sign="deep") is None
    assert not workspaces.exists(session.pk)
    assert not WorkspaceRemoval.objects.exists()
    assert list(workspaces.root().glob("*-*")) == []


def test_the_trash_ends_it_and_has_the_whole_workspace(alice, session):
    behave(session, "digging")
    index_later(actor=alice, session_id=session.pk)
    job = work_until(session, lambda: trash_session(actor=alice, session_id=session.pk) and None, sign="deep")
    assert job.state == JobState.FAILED
    assert "trash" in job.error
    assert not workspaces.workspace_path(session.pk).exists(), "what it wrote there later is gone"
    assert (workspaces.trashed_path(session.pk) / ".mcp-vector-search").is_dir()
    restore_session(actor=alice, session_id=session.pk)
    behave(session, "well")
    index_later(actor=alice, session_id=session.pk)
    do_next_job()
    assert "Proceed with" not in Job.objects.newest_of(session.pk).output, "it is in its place: not made anew"


def test_who_loses_the_session_or_archives_it_ends_it(alice, bob, session):
    for start, end in (
        (bob, lambda: remove_member(actor=alice, session_id=session.pk, user_id=bob.pk)),
        (alice, lambda: archive_session(actor=alice, session_id=session.pk) and None),
    ):
        behave(session, "hanging")
        index_later(actor=start, session_id=session.pk)
        assert work_until(session, end).state == JobState.FAILED
        Job.objects.all().delete()


def test_a_worker_that_ends_gives_it_back_and_a_killed_ones_is_taken_up_again(alice, session):
    behave(session, "deaf")
    job = index_later(actor=alice, session_id=session.pk)
    assert work_until(session, lambda: True).state == JobState.QUEUED
    behave(session, "well")
    Job.objects.take()
    Job.objects.filter(pk=job.pk).update(leased_until=timezone.now() - timedelta(seconds=1))
    assert do_next_job()
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.DONE, 2)


def test_a_fork_has_an_index_of_its_own(alice, session):
    index_later(actor=alice, session_id=session.pk)
    do_next_job()
    fork = fork_session(actor=alice, session_id=session.pk)
    assert not workspaces.state(fork.pk).is_indexed
    index_later(actor=alice, session_id=fork.pk)
    do_next_job()
    config = (workspaces.workspace_path(fork.pk) / ".mcp-vector-search" / "config.json").read_text()
    assert str(fork.pk) in config
    assert str(session.pk) not in config
