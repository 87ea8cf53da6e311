"""purge_session and empty_trash: rows, directory and tombstone are gone; what was said of it stays."""

import pytest
from django.db import transaction

from sessions.access import Actor
from sessions.exceptions import ReadOnlyToken, SessionNotFound, StaleVersion
from sessions.models import (
    ApiToken,
    Event,
    Message,
    Revision,
    RevisionMessage,
    Session,
    SessionTag,
    Verb,
    WorkspaceRemoval,
)  # fmt: skip
from sessions.operations.editing import edit_message
from sessions.operations.lifecycle import empty_trash, purge_session, restore_session, trash_session
from sessions.operations.tokens import create_token
from sessions.storage import workspaces
from tests.factories import make_session
from tests.together import raise_errors, together
from tests.whole import assert_counts_right, assert_in_place

pytestmark = pytest.mark.django_db(transaction=True)


def full_session(owner):
    session = make_session(owner, "Full", messages=4, tags=["a", "b"])
    edit_message(actor=owner, session_id=session.pk, index=2, content="other")
    create_token(actor=owner, name="for this one", session_id=session.pk)
    (workspaces.workspace_path(session.pk) / "content" / "file").write_text("x")
    return session


def assert_nothing_left(session, workspace_root):
    assert not Session.objects.filter(pk=session.pk).exists()
    for model in (Message, Revision, SessionTag, ApiToken):
        assert not model.objects.filter(session_id=session.pk).exists()
    assert not RevisionMessage.objects.exists()
    assert not WorkspaceRemoval.objects.exists()
    assert [path for path in workspace_root.glob("**/*") if session.pk.hex[:8] in path.name] == []


@pytest.mark.parametrize("trashed_first", [False, True])
def test_everything_goes(alice, workspace_root, trashed_first):
    session = full_session(alice)
    other = make_session(alice, "Other", messages=1, tags=["a"])
    if trashed_first:
        trash_session(actor=alice, session_id=session.pk)
    purge_session(actor=alice, session_id=session.short_id)
    assert_nothing_left(session, workspace_root)
    assert_in_place(other)
    assert Message.objects.count() == 1
    assert_counts_right()


def test_events_outlive_it(alice):
    session = full_session(alice)
    purge_session(actor=alice, session_id=session.pk)
    last = Event.objects.filter(session_id=session.pk).order_by("id").last()
    assert (last.verb, last.actor_name) == (Verb.PURGED, "alice")
    assert last.detail == {"name": "Full", "messages": 3}


def test_rolled_back_everything_stays(alice):
    session = full_session(alice)
    with transaction.atomic():
        purge_session(actor=alice, session_id=session.pk)
        assert not Session.objects.exists()
        assert WorkspaceRemoval.objects.count() == 1
        assert workspaces.exists(session.pk)
        transaction.set_rollback(True)
    assert_in_place(session)
    assert Message.objects.count() == 3
    assert not WorkspaceRemoval.objects.exists()
    assert_counts_right()


def test_who_may_not(alice, mallory):
    session = make_session(alice)
    with pytest.raises(SessionNotFound):
        purge_session(actor=mallory, session_id=session.pk)
    with pytest.raises(StaleVersion):
        purge_session(actor=alice, session_id=session.pk, expected_version=9)
    with pytest.raises(ReadOnlyToken):
        purge_session(actor=Actor(alice.pk, "alice", scope="read"), session_id=session.pk)
    with pytest.raises(ReadOnlyToken):
        empty_trash(actor=Actor(alice.pk, "alice", scope="read"))
    assert_in_place(session)


def test_empty_trash_takes_the_owner_s_trash_alone(alice, mallory, workspace_root):
    kept = make_session(alice, "Kept")
    trashed = [make_session(alice, f"Trashed {number}") for number in range(3)]
    hers = make_session(mallory, "Mallory's")
    for session in trashed:
        trash_session(actor=alice, session_id=session.pk)
    trash_session(actor=mallory, session_id=hers.pk)
    assert empty_trash(actor=alice) == 3
    assert empty_trash(actor=alice) == 0
    assert_in_place(kept)
    assert_in_place(hers)
    assert not any(workspaces.exists(session.pk) for session in trashed)
    assert not WorkspaceRemoval.objects.exists()


def test_emptying_while_somebody_restores_loses_nothing_that_was_restored(alice):
    sessions = [make_session(alice, f"Session {number}") for number in range(8)]
    for session in sessions:
        trash_session(actor=alice, session_id=session.pk)
    restored = []

    def restore_all():
        for session in sessions:
            try:
                restore_session(actor=alice, session_id=session.pk)
            except SessionNotFound:
                continue
            restored.append(session)

    purged, _ = raise_errors(together(lambda: empty_trash(actor=alice), restore_all))
    assert purged + len(restored) == 8
    assert Session.objects.count() == len(restored)
    for session in restored:
        assert_in_place(session)
    assert len(list(workspaces.root().glob("*/content"))) == len(restored)
    assert_counts_right()
