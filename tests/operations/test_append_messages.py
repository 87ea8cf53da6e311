"""append_messages: finished messages at the next indexes, all or none."""

from datetime import UTC, datetime, timedelta

import pytest

from sessions.access import Actor
from sessions.exceptions import (
    AmbiguousId,
    ReadOnlyToken,
    SessionNotActive,
    SessionNotFound,
    StaleVersion,
    UnexpectedIndex,
)  # fmt: skip
from sessions.models import Event, Message, Session, Verb
from sessions.models.transcript_page import read_messages
from sessions.operations.lifecycle import archive_session, purge_session, trash_session
from sessions.operations.transcript import NewMessage, append_messages
from tests.factories import LONG_AGO, assistant_message, conversation, make_session, user_message
from tests.statements import assert_statements
from tests.whole import assert_whole, transcript

pytestmark = pytest.mark.django_db


def test_one_then_many(alice):
    session = make_session(alice)
    first = append_messages(actor=alice, session_id=session.pk, messages=[user_message("one")])
    assert (first.first_index, first.message_count, first.version) == (0, 1, 2)
    more = append_messages(actor=alice, session_id=session.short_id, messages=conversation(5))
    assert (more.session_id, more.first_index, more.message_count, more.version) == (session.pk, 1, 6, 3)
    ids = Message.objects.of(session.pk).values_list("pk", flat=True)
    assert first.message_ids + more.message_ids == list(ids)
    assert_whole(session)
    session.refresh_from_db()
    assert session.updated_at == more.created_at > session.created_at


def test_every_field_is_kept(alice):
    session = make_session(alice)
    message = NewMessage(
        role="assistant",
        content="  \n~~~ `ü` 🌱 \u2028 %s {0} '\"; DROP TABLE x;--\\",
        created_at=LONG_AGO,
        model="llama3:8b",
        thinking="let me see",
        tool_name="search",
        tool_calls=[{"id": "c1", "function": {"name": "search", "arguments": {"q": "moss", "n": 1.5, "deep": [None]}}}],
        tool_call_id="c1",
        source_file="a/b.md",
        prompt_eval_count=2**63 - 1,
        eval_count=0,
        metadata={"a": {"b": [1, "zwei", False]}, "ü": -(2**63) + 1},
    )
    append_messages(actor=alice, session_id=session.pk, messages=[message])
    kept = Message.objects.get()
    for name in NewMessage.__slots__:
        assert getattr(kept, name) == getattr(message, name), name
    assert (kept.edited_at, kept.origin_session, kept.origin_index) == (None, None, None)


def test_time_zones_are_kept_as_moments(alice):
    session = make_session(alice)
    there = datetime.fromisoformat("2026-03-29T02:30:00.123456+05:30")
    append_messages(actor=alice, session_id=session.pk, messages=[user_message(created_at=there)])
    assert Message.objects.get().created_at == there


def test_user_messages_have_an_author_and_others_none(alice):
    session = make_session(alice)
    roles = ["system", "user", "assistant", "tool"]
    append_messages(actor=alice, session_id=session.pk, messages=[NewMessage(role=role, content="") for role in roles])
    authors = dict(Message.objects.values_list("role", "author__username"))
    assert authors == {"system": "alice", "user": "alice", "assistant": None, "tool": None}


def test_preview_and_automatic_name_come_from_the_first_user_message_alone(alice):
    session = make_session(alice, "", model="m")
    append_messages(actor=alice, session_id=session.pk, messages=[assistant_message("Hello, how can I help?")])
    session.refresh_from_db()
    assert (session.name, session.preview) == ("Untitled session", "")
    append_messages(actor=alice, session_id=session.pk, messages=[user_message("First"), user_message("Second")])
    append_messages(actor=alice, session_id=session.pk, messages=[user_message("Third")])
    session.refresh_from_db()
    assert (session.name, session.preview, session.name_is_automatic) == ("First", "First", True)


def test_an_empty_first_user_message_stays_the_first(alice):
    session = make_session(alice, "", model="m")
    append_messages(actor=alice, session_id=session.pk, messages=[user_message("")])
    append_messages(actor=alice, session_id=session.pk, messages=[user_message("Second")])
    session.refresh_from_db()
    assert (session.name, session.preview) == ("Untitled session", "")
    assert_whole(session)


def test_a_given_name_stays(alice):
    session = make_session(alice, "Given")
    append_messages(actor=alice, session_id=session.pk, messages=[user_message("First")])
    session.refresh_from_db()
    assert (session.name, session.preview) == ("Given", "First")


def test_is_told_in_an_event_without_contents(alice):
    session = make_session(alice, messages=2)
    append_messages(actor=alice, session_id=session.pk, messages=conversation(3))
    event = Event.objects.get(verb=Verb.APPENDED)
    assert (event.session_id, event.detail) == (session.pk, {"first_index": 2, "messages": 3})


def test_statements_do_not_grow_with_the_batch(alice):
    session = make_session(alice)
    actor = Actor.of(alice)
    for size in (1, 1000):
        with assert_statements(exactly=3):
            append_messages(actor=actor, session_id=session.pk, messages=conversation(size))
    assert_whole(session)


def test_expected_index(alice):
    session = make_session(alice, messages=2)
    append_messages(actor=alice, session_id=session.pk, messages=[user_message("2")], expected_index=2)
    with pytest.raises(UnexpectedIndex) as refused:
        append_messages(actor=alice, session_id=session.pk, messages=[user_message("2 again")], expected_index=2)
    assert refused.value.state == {"session_id": str(session.pk), "message_count": 3, "version": 2}
    assert transcript(session) == ["message 0", "message 1", "2"]


@pytest.mark.parametrize("number", [-1, 2**31, 2**63, 10**30])
def test_expectations_that_no_counter_meets(alice, number):
    session = make_session(alice)
    for expectation, error in (("expected_index", UnexpectedIndex), ("expected_version", StaleVersion)):
        with pytest.raises(error):
            append_messages(actor=alice, session_id=session.pk, messages=[user_message()], **{expectation: number})


def test_the_first_and_the_last_moment(alice):
    moments = [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
    session = make_session(alice, messages=[user_message(created_at=at) for at in moments])
    assert [row["created_at"] for row in read_messages(session.pk)] == moments


def test_expected_version(alice):
    session = make_session(alice)
    append_messages(actor=alice, session_id=session.pk, messages=[user_message()], expected_version=1)
    with pytest.raises(StaleVersion) as refused:
        append_messages(actor=alice, session_id=session.pk, messages=[user_message()], expected_version=1)
    assert refused.value.state["version"] == 2
    assert_whole(session)


def test_an_archived_session_takes_none(alice):
    session = make_session(alice, messages=1)
    archive_session(actor=alice, session_id=session.pk)
    with pytest.raises(SessionNotActive) as refused:
        append_messages(actor=alice, session_id=session.pk, messages=[user_message()])
    assert refused.value.state == {
        "session_id": str(session.pk), "status": "archived", "message_count": 1, "version": 2,
    }  # fmt: skip
    assert_whole(session)


@pytest.mark.parametrize("remove", [trash_session, purge_session])
def test_a_late_write_brings_nothing_back(alice, remove):
    session = make_session(alice, messages=1)
    remove(actor=alice, session_id=session.pk)
    with pytest.raises(SessionNotFound):
        append_messages(actor=alice, session_id=session.pk, messages=[user_message()])
    assert Message.objects.count() == (1 if remove is trash_session else 0)


def test_who_may_not(alice, mallory):
    session, other = make_session(alice), make_session(alice)
    for actor, error in (
        (Actor.of(mallory), SessionNotFound),
        (Actor(alice.pk, "alice", scope="read"), ReadOnlyToken),
        (Actor(alice.pk, "alice", only_session=other.pk), SessionNotFound),
    ):
        with pytest.raises(error):
            append_messages(actor=actor, session_id=session.pk, messages=[user_message()])
    only = Actor(alice.pk, "alice", only_session=session.pk)
    assert append_messages(actor=only, session_id=session.pk, messages=[user_message()]).first_index == 0


@pytest.mark.parametrize("wrong", ["", "nonsense", "1234", "../../etc", "0" * 32, "0" * 10, "é" * 10, "0" * 36])
def test_ids_that_are_none(alice, wrong):
    with pytest.raises(SessionNotFound):
        append_messages(actor=alice, session_id=wrong, messages=[user_message()])


def test_a_short_id_of_two_sessions(alice):
    first = make_session(alice)
    twin = first.pk.hex[:10] + ("0" if first.pk.hex[10] != "0" else "1") + first.pk.hex[11:]
    Session.objects.create(pk=twin, owner=alice, name="Twin")
    with pytest.raises(AmbiguousId) as refused:
        append_messages(actor=alice, session_id=first.short_id, messages=[user_message()])
    assert str(first.pk) in refused.value.state["session_ids"]


def test_last_accessed_moves_once_a_minute(alice):
    session = make_session(alice)
    append_messages(actor=alice, session_id=session.pk, messages=[user_message()])
    assert Session.objects.get().last_accessed == session.last_accessed
    Session.objects.update(last_accessed=session.last_accessed - timedelta(days=1))
    append_messages(actor=alice, session_id=session.pk, messages=[user_message()])
    moved = Session.objects.get()
    assert moved.last_accessed == moved.updated_at, "who writes uses it: retention leaves it alone"
