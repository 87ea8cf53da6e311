"""Every way to remove a session's row removes its workspace, once that is committed."""

import pytest
from django.db import transaction

from sessions.models import Event, Session, SessionCount, WorkspaceRemoval, session_count
from sessions.operations.lifecycle import trash_session
from sessions.storage import workspaces
from tests.factories import make_session
from tests.whole import assert_counts_right, assert_in_place

pytestmark = pytest.mark.django_db(transaction=True)

WAYS = {
    "Session.delete": lambda sessions: [session.delete() for session in sessions],
    "QuerySet.delete": lambda sessions: Session.objects.filter(pk__in=[one.pk for one in sessions]).delete(),
    "manager": lambda sessions: Session.objects.all().delete(),
    "through the user": lambda sessions: sessions[0].owner.research_sessions.all().delete(),
    "the user": lambda sessions: sessions[0].owner.delete(),
    "all users": lambda sessions: type(sessions[0].owner).objects.all().delete(),
}


@pytest.fixture
def sessions(alice):
    made = [make_session(alice, f"Session {number}", messages=2, tags=["a"]) for number in range(3)]
    trash_session(actor=alice, session_id=made[2].pk)
    for path in workspaces.root().glob("**/content"):
        (path / "file").write_text("x")
    return made


@pytest.mark.parametrize("way", WAYS)
def test_leaves_no_row_directory_or_tombstone(sessions, workspace_root, way):
    WAYS[way](sessions)
    assert not Session.objects.exists()
    assert not WorkspaceRemoval.objects.exists()
    assert [path.name for path in workspace_root.iterdir()] == [".trash"]
    assert list((workspace_root / ".trash").iterdir()) == []
    session_count.compact()
    assert not SessionCount.objects.exists()


@pytest.mark.parametrize("way", WAYS)
def test_rolled_back_leaves_everything(sessions, way):
    with transaction.atomic():
        WAYS[way](sessions)
        assert not Session.objects.exists()
        transaction.set_rollback(True)
    assert Session.objects.count() == 3
    for session in Session.objects.all():
        assert_in_place(session)
    assert len(list(workspaces.root().glob("**/file"))) == 3
    assert not WorkspaceRemoval.objects.exists()
    assert_counts_right()


def test_rolled_back_to_a_savepoint_removes_only_what_is_deleted_after_all(sessions):
    kept, gone, _ = sessions
    with transaction.atomic():
        with transaction.atomic():
            kept.delete()
            transaction.set_rollback(True)
        Session.objects.filter(pk=gone.pk).delete()
        assert workspaces.exists(gone.pk), "not before the commit"
    assert_in_place(Session.objects.get(name="Session 0"))
    assert not workspaces.exists(gone.pk)


def test_events_keep_the_name_of_a_user_who_is_gone(alice, sessions):
    alice.delete()
    event = Event.objects.first()
    assert (event.actor, event.actor_name) == (None, "alice")


def test_another_user_s_sessions_stay(alice, mallory, sessions):
    hers = make_session(mallory)
    alice.delete()
    assert Session.objects.get() == hers
    assert_in_place(hers)
