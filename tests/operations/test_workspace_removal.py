"""Tombstones: a workspace that can't be removed now is removed later, and nothing that is kept is touched."""

import os
from pathlib import Path

import pytest

from sessions.models import Session, WorkspaceRemoval
from sessions.operations.lifecycle import purge_session
from sessions.operations.workspaces import remove_workspace, retry_workspace_removals
from sessions.storage import workspaces
from tests.factories import make_session
from tests.together import raise_errors, together
from tests.whole import assert_in_place

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stubborn_names(monkeypatch):
    """Names that the disk refuses to remove, as a busy mount or a network file system would."""
    names = set()
    for function in ("unlink", "rmdir"):
        real = getattr(os, function)

        def refuse(path, *, dir_fd=None, real=real):
            if Path(os.fsdecode(path)).name in names:
                raise OSError(16, "Device or resource busy")
            real(path, dir_fd=dir_fd)

        monkeypatch.setattr(os, function, refuse)
    return names


def fill(session):
    content = workspaces.workspace_path(session.pk) / "content"
    for name in ("a", "b", "c"):
        (content / name).mkdir()
        (content / name / "file").write_text("x")
    deep = content.joinpath(*["deep"] * 150)
    deep.mkdir(parents=True)
    (deep / "bottom").write_text("x")


def test_half_removed_is_retried_until_it_is_gone(alice, workspace_root, stubborn_names):
    session = make_session(alice)
    fill(session)
    stubborn_names |= {"b", "bottom"}
    purge_session(actor=alice, session_id=session.pk)
    assert not Session.objects.exists()
    tombstone = WorkspaceRemoval.objects.get()
    assert (tombstone.session_id, tombstone.attempts) == (session.pk, 1)
    assert tombstone.last_error == "Could not remove the workspace: Device or resource busy."
    assert tombstone.last_attempt_at is not None
    stubborn_names.discard("b")
    assert retry_workspace_removals() == 0
    assert WorkspaceRemoval.objects.get().attempts == 2
    stubborn_names.clear()
    assert retry_workspace_removals() == 1
    assert not WorkspaceRemoval.objects.exists()
    assert list(workspace_root.iterdir()) == [], "nor what was moved aside on the way"


def test_one_stubborn_workspace_holds_up_no_other(alice, stubborn_names):
    first, second = make_session(alice), make_session(alice)
    fill(first)
    stubborn_names |= {"a"}
    Session.objects.all().delete()
    assert workspaces.exists(first.pk)
    assert not workspaces.exists(second.pk)
    assert WorkspaceRemoval.objects.get().session_id == first.pk


def test_nothing_waits_nothing_happens():
    assert retry_workspace_removals() == 0


def test_a_tombstone_of_a_session_that_exists_removes_the_tombstone_alone(alice):
    session = make_session(alice)
    WorkspaceRemoval.objects.create(session_id=session.pk)
    assert retry_workspace_removals() == 0
    assert_in_place(session)
    assert not WorkspaceRemoval.objects.exists()


def test_a_process_killed_before_the_removal_leaves_it_to_the_next(alice):
    session = make_session(alice)
    WorkspaceRemoval.objects.create(session_id=session.pk)
    Session.objects.filter(pk=session.pk)._raw_delete("default")
    assert retry_workspace_removals() == 1
    assert not workspaces.exists(session.pk)


def test_two_workers_at_once(alice):
    sessions = [make_session(alice) for _ in range(5)]
    for session in sessions:
        fill(session)
        WorkspaceRemoval.objects.create(session_id=session.pk)
    Session.objects.all()._raw_delete("default")
    raise_errors(together(*[retry_workspace_removals] * 3))
    for _ in range(2):  # who loses a race for a file notes it and tries again
        retry_workspace_removals()
    assert not WorkspaceRemoval.objects.exists()
    assert not any(workspaces.exists(session.pk) for session in sessions)


def test_removing_what_is_not_there(alice):
    session = make_session(alice)
    session_id = session.pk
    session.delete()
    assert remove_workspace(session_id)
