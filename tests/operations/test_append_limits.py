"""What a message may hold; what breaks a rule is refused with its place, and nothing is half written."""

from datetime import datetime

import pytest

from sessions.exceptions import Invalid, TooLarge
from sessions.models import Event, Message, Session
from sessions.operations.transcript import append_messages
from tests.factories import assistant_message, conversation, make_session, user_message

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"role": "robot"}, "role"),
        ({"role": "USER"}, "role"),
        ({"content": "a\x00b"}, "content"),
        ({"content": "\udfff"}, "content"),
        ({"thinking": "\x00"}, "thinking"),
        ({"model": "x" * 256}, "model"),
        ({"tool_name": "x" * 256}, "tool_name"),
        ({"tool_call_id": "x" * 256}, "tool_call_id"),
        ({"source_file": "x" * 1025}, "source_file"),
        ({"eval_count": -1}, "eval_count"),
        ({"prompt_eval_count": 2**63}, "prompt_eval_count"),
        ({"tool_calls": [{"a": float("inf")}]}, "tool_calls"),
        ({"metadata": {"a": [{"b": "\x00"}]}}, "metadata"),
        ({"metadata": {"a": -(2**63)}}, "metadata"),
        ({"created_at": datetime(2026, 1, 1)}, "created_at"),
        ({"created_at": datetime.fromisoformat("9999-12-31T23:59:59-01:00")}, "created_at"),
        ({"created_at": datetime.fromisoformat("0001-01-01T00:00:00+01:00")}, "created_at"),
    ],
)
def test_the_third_of_three_is_wrong(alice, wrong, where):
    session = make_session(alice, messages=2)
    before = Session.objects.values().get()
    role = wrong.get("role", "assistant")
    third = type(user_message())(**({"role": role, "content": ""} | wrong))
    with pytest.raises(Invalid) as refused:
        append_messages(actor=alice, session_id=session.pk, messages=[user_message(), assistant_message(), third])
    assert refused.value.errors[0][0] == f"messages[2].{where}"
    assert Session.objects.values().get() == before
    assert Message.objects.count() == 2
    assert Event.objects.count() == 1


def test_no_message_and_too_many(alice):
    session = make_session(alice)
    with pytest.raises(Invalid, match="nothing to append"):
        append_messages(actor=alice, session_id=session.pk, messages=[])
    with pytest.raises(Invalid, match="Too many"):
        append_messages(actor=alice, session_id=session.pk, messages=conversation(1001))
    assert append_messages(actor=alice, session_id=session.pk, messages=conversation(1000)).message_count == 1000


@pytest.mark.parametrize("field", ["content", "thinking"])
@pytest.mark.parametrize("character", ["a", "é", "語", "🌱"])
def test_the_limit_is_counted_in_bytes(alice, settings, field, character):
    settings.MAX_MESSAGE_BYTES = 1200
    session = make_session(alice)
    fitting = character * (1200 // len(character.encode()))
    append_messages(actor=alice, session_id=session.pk, messages=[assistant_message(**{field: fitting})])
    with pytest.raises(TooLarge) as refused:
        append_messages(
            actor=alice, session_id=session.pk, messages=[assistant_message(**{field: fitting + character})]
        )
    assert refused.value.state == {"limit": 1200}
    assert getattr(Message.objects.get(), field) == fitting


def test_ten_megabytes_are_stored(alice):
    session = make_session(alice)
    text = "moss and lichen " * 655_360
    append_messages(actor=alice, session_id=session.pk, messages=[user_message(text)])
    assert Message.objects.get().content == text
