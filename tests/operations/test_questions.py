"""What a model is sent of a transcript."""

import pytest

from sessions.models import Role
from sessions.operations.questions import transcript_for
from sessions.operations.transcript import NewMessage
from tests.factories import assistant_message, make_session, user_message
from tests.statements import assert_statements

pytestmark = pytest.mark.django_db


def sent(session, message="And now?"):
    return [(said.role, said.content) for said in transcript_for(session, message)[0]]


def test_without_a_session():
    assert sent(None) == [("user", "And now?")]


def test_roles(alice):
    messages = [
        user_message("Count."),
        assistant_message("", tool_calls=[{"name": "count"}]),
        NewMessage(role=Role.TOOL, content="412", tool_name="count"),
        NewMessage(role=Role.TOOL, content=" ", tool_name="count"),
        assistant_message("It is 412.", thinking="Easy."),
        NewMessage(role=Role.SYSTEM, content="Be brief from here on."),
    ]
    assert sent(make_session(alice, system_prompt="Be careful.", messages=messages)) == [
        ("system", "Be careful."),
        ("user", "Count."),
        ("user", "Result of count:\n412"),
        ("assistant", "It is 412."),
        ("system", "Be brief from here on."),
        ("user", "And now?"),
    ]


def test_what_was_cut_begins_with_a_question(alice, settings):
    settings.MODEL_SERVER_MAX_WINDOW = 2048
    messages = [user_message("x" * 2000), assistant_message("y" * 1200), user_message("short"), assistant_message("ok")]
    session = make_session(alice, system_prompt="Be careful.", messages=messages)
    assert sent(session) == [
        ("system", "Be careful."),
        ("user", "short"),
        ("assistant", "ok"),
        ("user", "And now?"),
    ]


def test_a_message_that_fits_into_no_window(alice, settings):
    settings.MODEL_SERVER_MAX_WINDOW = 2048
    session = make_session(alice, messages=[user_message("x" * 100_000), user_message("after it")])
    assert sent(session) == [("user", "after it"), ("user", "And now?")]
    assert sent(session, "y" * 100_000) == [("user", "y" * 100_000)], "the question is always sent"


def test_only_what_may_fit_is_read(alice):
    session = make_session(alice, messages=[user_message("x" * 3000)] * 500)
    with assert_statements(at_most=2):
        sent(session)
