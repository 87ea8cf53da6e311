"""restore_revision: what was replaced comes back, and what it replaces is kept in turn."""

import pytest

from sessions.exceptions import Conflict, RevisionNotFound, SessionNotActive, SessionNotFound, StaleVersion
from sessions.models import Event, Reason, Verb
from sessions.operations.editing import edit_message, restore_revision
from sessions.operations.lifecycle import archive_session
from sessions.operations.transcript import append_messages
from tests.factories import LONG_AGO, assistant_message, make_session, user_message
from tests.whole import assert_whole, transcript

pytestmark = pytest.mark.django_db


def test_restore_and_restore_the_restored(alice):
    session = make_session(alice, messages=4)
    edit_message(actor=alice, session_id=session.pk, index=2, content="Rather this")
    append_messages(actor=alice, session_id=session.pk, messages=[assistant_message("Fine")])
    restored = restore_revision(actor=alice, session_id=session.pk, number=1)
    assert transcript(session) == ["message 0", "message 1", "message 2", "message 3"]
    assert (restored.message_count, restored.version) == (4, 4)
    replaced = session.revisions.get(number=2)
    assert (replaced.reason, replaced.first_index, replaced.message_count) == (Reason.RESTORE, 2, 2)
    restore_revision(actor=alice, session_id=session.pk, number=2)
    assert transcript(session) == ["message 0", "message 1", "Rather this", "Fine"]
    assert session.revisions.count() == 3
    assert_whole(session)


def test_everything_comes_back_as_it_was(alice):
    message = assistant_message(
        "Found it", model="m", thinking="t", tool_name="n", tool_calls=[{"a": 1}], tool_call_id="i", source_file="s",
        prompt_eval_count=1, eval_count=2, metadata={"k": [1]}, created_at=LONG_AGO,
    )  # fmt: skip
    session = make_session(alice, messages=[user_message("Ask"), message])
    before = list(session.messages.order_by("index").values())
    edit_message(actor=alice, session_id=session.pk, index=0, content="Ask else")
    restore_revision(actor=alice, session_id=session.pk, number=1)
    after = list(session.messages.order_by("index").values())
    for row in before + after:
        del row["id"]
    assert after == before


def test_an_edit_at_the_start_of_a_shorter_transcript_comes_first(alice):
    session = make_session(alice, messages=4)
    edit_message(actor=alice, session_id=session.pk, index=2, content="x")
    edit_message(actor=alice, session_id=session.pk, index=0, content="y")
    with pytest.raises(Conflict, match="Restore an earlier one first") as refused:
        restore_revision(actor=alice, session_id=session.pk, number=1)
    assert refused.value.state["message_count"] == 1
    assert transcript(session) == ["y"]
    restore_revision(actor=alice, session_id=session.pk, number=2)
    restore_revision(actor=alice, session_id=session.pk, number=1)
    assert transcript(session) == ["message 0", "message 1", "message 2", "message 3"]


def test_where_the_transcript_ends_nothing_is_replaced(alice):
    session = make_session(alice, messages=4)
    edit_message(actor=alice, session_id=session.pk, index=2, content="x")
    edit_message(actor=alice, session_id=session.pk, index=0, content="y")
    append_messages(actor=alice, session_id=session.pk, messages=[assistant_message("z")])
    restore_revision(actor=alice, session_id=session.pk, number=1)
    assert transcript(session) == ["y", "z", "message 2", "message 3"]
    assert session.revisions.count() == 2
    assert_whole(session)


def test_preview_and_automatic_name_follow(alice):
    session = make_session(alice, "", messages=2)
    edit_message(actor=alice, session_id=session.pk, index=0, content="Other")
    restore_revision(actor=alice, session_id=session.pk, number=1)
    session.refresh_from_db()
    assert (session.name, session.preview) == ("message 0", "message 0")


def test_is_told_in_an_event(alice):
    session = make_session(alice, messages=2)
    edit_message(actor=alice, session_id=session.pk, index=0, content="x")
    restore_revision(actor=alice, session_id=session.pk, number=1)
    assert Event.objects.get(verb=Verb.REVISION_RESTORED).detail == {"number": 1}


def test_when_not(alice, mallory):
    session, other = make_session(alice, messages=2), make_session(alice, messages=2)
    edit_message(actor=alice, session_id=session.pk, index=0, content="x")
    for arguments, error in (
        ({"number": 2}, RevisionNotFound),
        ({"number": 0}, RevisionNotFound),
        ({"session_id": other.pk}, RevisionNotFound),
        ({"actor": mallory}, SessionNotFound),
        ({"expected_version": 1}, StaleVersion),
    ):
        with pytest.raises(error):
            restore_revision(**({"actor": alice, "session_id": session.pk, "number": 1} | arguments))
    archive_session(actor=alice, session_id=session.pk)
    with pytest.raises(SessionNotActive):
        restore_revision(actor=alice, session_id=session.pk, number=1)
    assert transcript(session) == ["x"]
    assert session.revisions.count() == 1
