"""keep_house: what has to be done from time to time, in any number of workers at once."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session as Login
from django.db import OperationalError
from django.utils import timezone

from sessions.management.commands import worker
from sessions.models import IdempotencyKey, Session, SessionCount, WorkspaceRemoval
from sessions.operations.housekeeping import keep_house
from sessions.operations.idempotency import claim
from sessions.operations.lifecycle import restore_session, trash_session
from sessions.storage import inventory, workspaces
from sessions.storage.held import HELD
from sessions.storage.staging import STAGING
from tests.factories import make_session
from tests.together import raise_errors, together
from tests.whole import assert_counts_right


@pytest.mark.django_db(transaction=True)
def test_leaves_no_rest(alice):
    gone, kept = make_session(alice), make_session(alice)
    make_session(alice)
    WorkspaceRemoval.objects.create(session_id=gone.pk)
    Session.objects.filter(pk=gone.pk)._raw_delete("default")
    claim(user_id=alice.pk, key="old", fingerprint="x")
    IdempotencyKey.objects.update(claimed_at=timezone.now() - timedelta(days=2))
    claim(user_id=alice.pk, key="new", fingerprint="x")
    now = timezone.now()
    Login.objects.create(session_key="old", session_data="", expire_date=now - timedelta(days=1))
    Login.objects.create(session_key="new", session_data="", expire_date=now + timedelta(days=1))
    raise_errors(together(*[keep_house] * 3))
    assert not workspaces.exists(gone.pk)
    assert workspaces.exists(kept.pk)
    assert not WorkspaceRemoval.objects.exists()
    assert IdempotencyKey.objects.get().key == "new"
    assert Login.objects.get().session_key == "new"
    assert SessionCount.objects.count() == 1
    assert_counts_right()


@pytest.mark.django_db(transaction=True)
def test_what_fails_keeps_nothing_else_from_being_done(alice):
    """The timer goes on, and each minute does what can be done."""
    make_session(alice)
    (workspaces.root() / STAGING).write_text("a file where a directory should be")
    (workspaces.root() / HELD).write_text("another one")
    claim(user_id=alice.pk, key="old", fingerprint="x")
    IdempotencyKey.objects.update(claimed_at=timezone.now() - timedelta(days=2))
    seen = []

    def task():
        seen.append(IdempotencyKey.objects.count())
        if len(seen) == 3:
            raise KeyboardInterrupt
        keep_house()

    with pytest.raises(KeyboardInterrupt):
        worker._repeat(task, 0.0)
    assert seen == [1, 0, 0]
    with pytest.raises(ExceptionGroup) as failed:
        keep_house()
    assert len(failed.value.exceptions) == 2


def locked(*arguments):
    raise OperationalError("database is locked")


@pytest.mark.django_db(transaction=True)
def test_a_move_that_was_cut_short_after_its_commit_is_ended(alice, monkeypatch):
    to_trash, from_trash, untouched = (make_session(alice) for _ in range(3))
    trash_session(actor=alice, session_id=from_trash.pk)
    trash_session(actor=alice, session_id=untouched.pk)
    (workspaces.trashed_path(from_trash.pk) / "content" / "a").write_text("kept")
    with monkeypatch.context() as patch:
        patch.setattr("sessions.operations.workspaces.settle_workspace", locked)
        trash_session(actor=alice, session_id=to_trash.pk)
        restore_session(actor=alice, session_id=from_trash.pk)
    assert inventory.standing(from_trash.pk).in_trash
    keep_house()
    assert (workspaces.workspace_path(from_trash.pk) / "content" / "a").read_text() == "kept"
    assert not inventory.standing(from_trash.pk).in_trash
    for session in (to_trash, untouched):
        assert inventory.standing(session.pk).in_trash
        assert not inventory.standing(session.pk).outside
