"""trash_session and restore_session from the trash: the workspace goes along."""

import shutil
from contextlib import suppress

import pytest
from django.db import transaction

from sessions.exceptions import SessionNotFound
from sessions.models import Event, Session, Status, Verb
from sessions.operations.lifecycle import archive_session, restore_session, trash_session
from sessions.operations.workspaces import settle_workspace
from sessions.storage import workspaces
from tests.factories import make_session
from tests.together import together
from tests.whole import assert_counts_right, assert_in_place, assert_whole

pytestmark = pytest.mark.django_db(transaction=True)


def with_a_file(session):
    (workspaces.workspace_path(session.pk) / "content" / "notes.txt").write_text("kept")
    return session


def notes_of(path):
    return (path / "content" / "notes.txt").read_text()


def test_there_and_back(alice):
    session = with_a_file(make_session(alice, messages=3))
    trashed = trash_session(actor=alice, session_id=session.pk)
    assert (trashed.status, trashed.version) == (Status.DELETED, 2)
    assert trashed.deleted_at is not None
    assert_in_place(session)
    assert notes_of(workspaces.trashed_path(session.pk)) == "kept"
    restored = restore_session(actor=alice, session_id=session.pk)
    assert (restored.status, restored.deleted_at, restored.version) == (Status.ACTIVE, None, 3)
    assert_in_place(session)
    assert notes_of(workspaces.workspace_path(session.pk)) == "kept"
    assert list(Event.objects.order_by("id").values_list("verb", flat=True)) == [
        Verb.CREATED, Verb.TRASHED, Verb.RESTORED,
    ]  # fmt: skip


def test_an_archived_session_comes_back_archived(alice):
    session = make_session(alice)
    archived = archive_session(actor=alice, session_id=session.pk)
    trash_session(actor=alice, session_id=session.pk)
    restored = restore_session(actor=alice, session_id=session.pk)
    assert (restored.status, restored.archived_at) == (Status.ARCHIVED, archived.archived_at)
    assert_in_place(session)


def test_twice_is_not_found(alice):
    session = make_session(alice)
    trash_session(actor=alice, session_id=session.pk)
    with pytest.raises(SessionNotFound):
        trash_session(actor=alice, session_id=session.pk)
    assert Session.objects.get().version == 2


@pytest.mark.parametrize(("change", "status"), [(trash_session, "active"), (restore_session, "deleted")])
def test_rolled_back_nothing_moves(alice, change, status):
    session = with_a_file(make_session(alice))
    if change is restore_session:
        trash_session(actor=alice, session_id=session.pk)
    with transaction.atomic():
        change(actor=alice, session_id=session.pk)
        transaction.set_rollback(True)
    assert Session.objects.get().status == status
    assert_in_place(session)


def test_trash_and_restore_in_one_transaction(alice):
    session = with_a_file(make_session(alice))
    with transaction.atomic():
        trash_session(actor=alice, session_id=session.pk)
        restore_session(actor=alice, session_id=session.pk)
    assert_in_place(session)
    assert notes_of(workspaces.workspace_path(session.pk)) == "kept"


def test_a_move_that_fails_leaves_the_row_as_it_was_meant_and_can_be_done_later(alice, workspace_root):
    session = with_a_file(make_session(alice))
    (workspace_root / ".trash").write_text("in the way")
    assert trash_session(actor=alice, session_id=session.pk).in_trash
    assert workspaces.workspace_path(session.pk).is_dir()
    (workspace_root / ".trash").unlink()
    settle_workspace(session.pk)
    assert_in_place(session)


def test_a_workspace_that_somebody_removed_stops_nobody(alice):
    session = make_session(alice)
    shutil.rmtree(workspaces.workspace_path(session.pk))
    trash_session(actor=alice, session_id=session.pk)
    restore_session(actor=alice, session_id=session.pk)
    assert Session.objects.get().status == Status.ACTIVE


def test_settling_a_session_that_is_gone_does_nothing(alice):
    session = make_session(alice)
    session_id = session.pk
    session.delete()
    settle_workspace(session_id)
    assert not workspaces.exists(session_id)


def test_trashing_and_restoring_at_once_ends_where_the_status_says(alice):
    """The two moves run after their commits, in any order; the later status decides for both."""
    session = with_a_file(make_session(alice, messages=2, tags=["t"]))

    def back_and_forth():
        for change in (trash_session, restore_session) * 3:
            with suppress(SessionNotFound):  # somebody else has trashed it
                change(actor=alice, session_id=session.pk)

    assert together(*[back_and_forth] * 4) == [None] * 4
    assert_in_place(session)
    assert_whole(session)
    assert_counts_right()
    assert len(list(workspaces.root().glob("**/notes.txt"))) == 1
