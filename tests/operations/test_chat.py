"""Waiting for a model: nothing is held meanwhile, and what is kept of the transcript's window."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connections

from sessions.exceptions import AnswerStopped, ModelServerBusy, UnknownModel
from sessions.operations.chat import Conversation
from sessions.operations.context_window import Window, adjusted, newest_that_fit, window_after, window_for
from sessions.operations.transcript import append_messages
from tests.factories import make_session, user_message
from tests.reliability.server import wait_until
from tests.together import raise_errors, together
from tests.whole import assert_whole, transcript

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def holds_a_connection(of_thread: Any) -> bool:
    """Whether a thread keeps one from PostgreSQL's pool; SQLite's hold nothing outside a transaction."""
    return of_thread.in_atomic_block or (of_thread.vendor == "postgresql" and of_thread.connection is not None)


@pytest.mark.django_db(transaction=True)
def test_nothing_is_held_while_the_model_answers(alice, model_server):
    session = make_session(alice, messages=2, model="qwen3:14b")
    model_server.manner = "hold"

    asking = []

    def ask():
        asking.append(connections["default"])  # the thread's own
        with Conversation(actor=alice, session_id=session.pk, message="What is HNSW?") as conversation:
            return conversation.store(conversation.whole(is_gone=lambda: False))

    def meanwhile():
        try:
            assert model_server.waiting.acquire(timeout=30)
            # Every few seconds it looks for a moment whether the question may still be asked.
            wait_until(lambda: not holds_a_connection(asking[0]), 10, "the one who asks holds no connection")
            append_messages(actor=alice, session_id=session.pk, messages=[user_message("from a script")])
        finally:
            model_server.go_on.set()

    appended, _ = raise_errors(together(ask, meanwhile))
    assert appended.first_index == 3
    assert transcript(session)[2:] == ["from a script", "What is HNSW?", "An *approximate* index."]
    assert_whole(session)


@pytest.mark.django_db
def test_slots_come_back_whatever_happens(alice, model_server, settings):
    settings.MODEL_SERVER_REQUESTS = 1
    asked = {"actor": alice, "message": "What is HNSW?"}
    with Conversation(**asked) as conversation:
        with pytest.raises(ModelServerBusy):
            Conversation(**asked)
        with pytest.raises(AnswerStopped):
            conversation.whole(is_gone=lambda: True)
    model_server.models = ()
    for _ in range(2):
        with pytest.raises(UnknownModel):
            Conversation(**asked)


@pytest.mark.parametrize(
    ("config", "tokens", "expected"),
    [
        ({}, 100, Window(8192, "initial_setup", 100)),
        ({}, 7169, Window(16384, "history", 7169)),
        ({}, 10**9, Window(32768, "history", 10**9)),
        ({"current_window": 1000}, 10, Window(2000, "history", 10)),
        ({"current_window": 10**6}, 10, Window(32768, "limit", 10)),
        ({"current_window": 4096, "dynamic_enabled": False}, 10**6, Window(4096, "limit", 10**6)),
        ({"current_window": "much"}, 10, Window(8192, "initial_setup", 10)),
        ({"current_window": True}, 10, Window(8192, "initial_setup", 10)),
        ({"current_window": -1}, 10, Window(8192, "initial_setup", 10)),
    ],
)
def test_the_window_to_ask_in(config, tokens, expected):
    assert window_for(config, tokens) == expected


def test_the_window_after_an_answer():
    asked = Window(8192, "initial_setup", 100)
    assert window_after({}, asked, 6144) == asked
    assert window_after({}, asked, 6145) == Window(16384, "usage", 6145)
    assert window_after({"dynamic_enabled": False}, asked, 8000) == asked
    largest = Window(32768, "history", 100)
    assert window_after({}, largest, 32000) == largest


def test_only_the_newest_changes_are_kept():
    config = {"note": "mine"}
    for size in range(1, 30):
        config = adjusted(config, [Window(size, "usage", 5)], NOW)
    assert (config["current_window"], config["note"], config["dynamic_enabled"]) == (29, "mine", True)
    assert [change["to"] for change in config["adjustment_history"]] == list(range(10, 30))
    assert adjusted(config, [Window(29, "usage", 5)], NOW) is config
    odd = adjusted({"adjustment_history": "odd"}, [Window(1, "usage", 5)], NOW)
    assert len(odd["adjustment_history"]) == 1


def test_what_fits_is_the_end():
    messages = [("a", 5), ("b", 1), ("c", 3), ("d", 2)]
    assert newest_that_fit(messages, 6) == ["b", "c", "d"]
    assert newest_that_fit(messages, 1) == []
    assert newest_that_fit(messages, 11) == ["a", "b", "c", "d"]
