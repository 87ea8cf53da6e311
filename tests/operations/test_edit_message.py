"""edit_message: a user message says something else; what it was and what followed is kept as a revision."""

import pytest

from sessions.access import Actor
from sessions.exceptions import (
    Invalid,
    MessageNotFound,
    NotAUserMessage,
    ReadOnlyToken,
    SessionNotActive,
    SessionNotFound,
    StaleVersion,
)  # fmt: skip
from sessions.models import Event, Reason, Session, Verb
from sessions.operations.editing import edit_message
from sessions.operations.lifecycle import archive_session, trash_session
from tests.factories import LONG_AGO, assistant_message, make_session, user_message
from tests.whole import assert_whole, transcript

pytestmark = pytest.mark.django_db


def test_edits_and_cuts_what_followed(alice):
    session = make_session(alice, messages=6)
    created = session.messages.get(index=2).created_at
    edited = edit_message(actor=alice, session_id=session.short_id, index=2, content="Rather this")
    assert transcript(session) == ["message 0", "message 1", "Rather this"]
    assert (edited.message_count, edited.version) == (3, 2)
    message = session.messages.get(index=2)
    assert message.created_at == created
    assert message.edited_at is not None
    assert_whole(session)
    revision = session.revisions.get()
    assert (revision.number, revision.first_index, revision.message_count) == (1, 2, 4)
    assert (revision.reason, revision.actor) == (Reason.EDIT, alice)
    assert [kept.content for kept in revision.messages.all()] == ["message 2", "message 3", "message 4", "message 5"]


def test_a_revision_keeps_every_field(alice):
    message = assistant_message(
        "Found it", model="m", thinking="t", tool_name="n", tool_calls=[{"a": 1}], tool_call_id="i", source_file="s",
        prompt_eval_count=1, eval_count=2, metadata={"k": [1]}, created_at=LONG_AGO,
    )  # fmt: skip
    session = make_session(alice, messages=[user_message("Ask"), message])
    edit_message(actor=alice, session_id=session.pk, index=0, content="Ask else")
    kept = session.revisions.get().messages.get(position=1)
    for name in type(message).__slots__:
        assert getattr(kept, name) == getattr(message, name), name
    assert session.revisions.get().messages.get(position=0).author == alice


def test_editing_the_first_changes_preview_and_automatic_name(alice):
    session = make_session(alice, "", messages=2)
    edit_message(actor=alice, session_id=session.pk, index=0, content="Something\nelse " + "x" * 100)
    session.refresh_from_db()
    assert session.name == "Something"
    assert_whole(session)


def test_editing_a_later_one_leaves_name_and_preview(alice):
    session = make_session(alice, "", messages=3)
    edit_message(actor=alice, session_id=session.pk, index=2, content="Later")
    session.refresh_from_db()
    assert (session.name, session.preview) == ("message 0", "message 0")


def test_numbers_go_up(alice):
    session = make_session(alice, messages=5)
    for index in (4, 2, 0):
        edit_message(actor=alice, session_id=session.pk, index=index, content=f"edit {index}")
    assert list(session.revisions.order_by("number").values_list("number", "first_index", "message_count")) == [
        (1, 4, 1), (2, 2, 3), (3, 0, 3),
    ]  # fmt: skip


def test_is_told_in_an_event(alice):
    session = make_session(alice, messages=4)
    edit_message(actor=alice, session_id=session.pk, index=0, content="x")
    assert Event.objects.get(verb=Verb.EDITED).detail == {"index": 0, "cut": 3}


@pytest.mark.parametrize("role_index", [1])
def test_only_user_messages(alice, role_index):
    session = make_session(alice, messages=2)
    with pytest.raises(NotAUserMessage, match="assistant"):
        edit_message(actor=alice, session_id=session.pk, index=role_index, content="x")
    assert_whole(session)
    assert not session.revisions.exists()


@pytest.mark.parametrize("index", [2, 3, -1, 10**9])
def test_no_such_index(alice, index):
    session = make_session(alice, messages=2)
    with pytest.raises(MessageNotFound) as refused:
        edit_message(actor=alice, session_id=session.pk, index=index, content="x")
    assert refused.value.state["message_count"] == 2


def test_when_not(alice, mallory):
    session = make_session(alice, messages=2)
    before = Session.objects.values().get()
    for arguments, error in (
        ({"actor": mallory}, SessionNotFound),
        ({"actor": Actor(alice.pk, "alice", scope="read")}, ReadOnlyToken),
        ({"content": "\x00"}, Invalid),
        ({"expected_version": 4}, StaleVersion),
    ):
        with pytest.raises(error):
            edit_message(**({"actor": alice, "session_id": session.pk, "index": 0, "content": "x"} | arguments))
    assert Session.objects.values().get() == before
    assert transcript(session) == ["message 0", "message 1"]


@pytest.mark.parametrize(("away", "error"), [(archive_session, SessionNotActive), (trash_session, SessionNotFound)])
def test_not_while_it_is_put_away(alice, away, error):
    session = make_session(alice, messages=2)
    away(actor=alice, session_id=session.pk)
    with pytest.raises(error):
        edit_message(actor=alice, session_id=session.pk, index=0, content="x")
    assert transcript(session) == ["message 0", "message 1"]
