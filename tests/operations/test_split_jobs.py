"""Large splits by the worker: whole or not at all, done once, and of one's own alone."""

from uuid import UUID

import pytest
from django.utils import timezone

from sessions.exceptions import Impossible, Invalid, MessageNotFound, PointNotFound, SessionNotFound, StaleVersion
from sessions.models import Job, JobState, Lineage, Session, VectorPoint
from sessions.operations.jobs import amounts, splitting
from sessions.operations.jobs.doing import do_next_job
from sessions.operations.jobs.splitting import is_long, split_later
from sessions.operations.jobs.work import LeaseLost, Work
from sessions.operations.lifecycle import trash_session
from sessions.operations.restructure import making
from sessions.operations.restructure.splitting import Part
from sessions.operations.tags import tags_of
from sessions.operations.vectors.points import put_points
from sessions.operations.vectors.values import NewPoint
from sessions.storage import workspaces
from tests.factories import make_session
from tests.whole import assert_counts_right, assert_in_place, assert_whole, transcript

pytestmark = pytest.mark.django_db(transaction=True)
POINT = UUID("0f3b6a1c-52d4-4f0e-9a57-c1d2e3f4a5b6")
PARTS = [
    Part("One", message_ranges=[(0, 4)], files=["content/a"], point_ids=[1, POINT]),
    Part("Two", "Rest", ["t"], {"k": [1]}, message_ranges=[(4, 5), (6, 6)]),
]


@pytest.fixture
def session(alice, monkeypatch) -> Session:
    """Seven messages in portions of three, two files, three points."""
    monkeypatch.setattr(making, "PORTION", 3)
    made = make_session(alice, "Large", messages=7, tags=["s"])
    for name in ("a", "b"):
        (workspaces.workspace_path(made.pk) / "content" / name).write_text(name)
    points = [NewPoint(1, [1.0, 2.0]), NewPoint(2, [2.0, 1.0]), NewPoint(POINT, [1.0, 1.0])]
    put_points(actor=alice, session_id=made.pk, points=points)
    return Session.objects.get(pk=made.pk)


def test_what_is_long_to_split(alice, session, monkeypatch):
    asked = {"actor": alice, "session_id": session.pk}
    little = [Part("Little", message_ranges=[(0, 0)])]
    assert not is_long(**asked, parts=PARTS)
    for name in ("MANY_MESSAGES", "MANY_POINTS", "MANY_FILES", "MANY_BYTES"):
        with monkeypatch.context() as patch:
            patch.setattr(amounts, name, 1)
            assert is_long(**asked, parts=PARTS), name
            assert not is_long(**asked, parts=little), name


def test_what_cannot_be_is_told_at_once(alice, mallory, session):
    for problem, values in (
        (SessionNotFound, {"actor": mallory}),
        (MessageNotFound, {"parts": [Part("x", message_ranges=[(0, 7)])]}),
        (Impossible, {"parts": []}),
        (Invalid, {"parts": [Part("x", "d" * 2000, message_ranges=[(0, 1)])]}),
        (StaleVersion, {"expected_version": 99}),
    ):
        with pytest.raises(problem):
            split_later(**{"actor": alice, "session_id": session.pk, "parts": PARTS} | values)
    assert not Job.objects.exists()


@pytest.mark.parametrize(("removed", "ends_with"), [(2, PointNotFound), (0, LeaseLost)])
def test_a_split_by_the_worker_is_whole_and_done_once(alice, session, removed, ends_with):
    asked = {"archive_original": True, "remove_points": removed > 0}
    job = split_later(actor=alice, session_id=session.pk, parts=PARTS, **asked)
    dead = Work(Job.objects.take(), lambda: False)
    Job.objects.update(leased_until=timezone.now())  # its worker seems to be dead
    assert do_next_job()
    with pytest.raises(ends_with):  # it comes late: nothing of its split stays
        splitting.split(dead)
    job.refresh_from_db()
    one, two = (Session.objects.get(name=name) for name in ("One", "Two"))
    assert (job.state, job.result["session_ids"]) == (JobState.DONE, [str(one.pk), str(two.pk)])
    assert (job.result["assigned_points"], job.result["removed_points"]) == (2, removed)
    assert (transcript(one), transcript(two)) == (transcript(session)[:5], transcript(session)[4:])
    assert (tags_of(one), tags_of(two), two.description, two.metadata) == (["s"], ["t"], "Rest", {"k": [1]})
    assert [path.name for path in (workspaces.workspace_path(one.pk) / "content").iterdir()] == ["a"]
    assert [VectorPoint.objects.filter(session=found).count() for found in (session, one, two)] == [3 - removed, 2, 0]
    assert (Session.objects.count(), Lineage.objects.count()) == (3, 2)
    session.refresh_from_db()
    assert session.archived
    for found in (session, one, two):
        assert_whole(found)
        assert_in_place(found)
    assert_counts_right()


@pytest.mark.parametrize("steps", [1, 3, 5, 7])  # among the files, the points, and the portions of messages
def test_one_that_is_cut_off_leaves_nothing(alice, session, steps):
    job = split_later(actor=alice, session_id=session.pk, parts=PARTS)
    asked = []

    def is_ending() -> bool:
        asked.append(1)
        return len(asked) > steps

    do_next_job(is_ending)
    job.refresh_from_db()
    assert (job.state, len(asked), Session.objects.count()) == (JobState.QUEUED, steps + 1, 1)
    assert VectorPoint.objects.filter(session=session).count() == 3
    assert list((workspaces.root() / ".staging").iterdir()) == []
    trash_session(actor=alice, session_id=session.pk)
    do_next_job()
    job.refresh_from_db()
    assert (job.state, Session.objects.count()) == (JobState.FAILED, 1)
    assert "no session with this id" in job.error
