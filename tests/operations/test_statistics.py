"""Counters and uses of models: parallel increments add up, and merged sessions have them together."""

import pytest

from sessions.models import Event
from sessions.models.processing_stats import COUNTERS
from sessions.models.statistics import read_statistics
from sessions.operations.statistics import add_statistics, add_up_statistics, note_model_use
from tests.factories import LONG_AGO, assistant_message, make_session, user_message
from tests.together import raise_errors, together


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_add_up(alice):
    session = make_session(alice)
    steps = [
        lambda: add_statistics(actor=alice, session_id=session.pk, counts=dict.fromkeys(COUNTERS, 3)),
        lambda: note_model_use(actor=alice, session_id=session.pk, kind="embedding", name="nomic"),
    ]
    raise_errors(together(*steps * 20))
    found = read_statistics(session.pk)
    assert found.counters == dict.fromkeys(COUNTERS, 60)
    assert [(usage.name, usage.uses) for usage in found.usage] == [("nomic", 20)]
    assert found.switches == {"llm": 0, "embedding": 0}
    assert Event.objects.filter(verb="statistics_added").count() == 20
    assert Event.objects.filter(verb="model_used").count() == 20


@pytest.mark.django_db
def test_switches_are_counted_for_each_kind(alice):
    session = make_session(alice)
    for kind, name in [("llm", "a"), ("llm", "b"), ("embedding", "x"), ("llm", "b"), ("llm", "a"), ("embedding", "x")]:
        note_model_use(actor=alice, session_id=session.pk, kind=kind, name=name)
    found = read_statistics(session.pk)
    assert found.switches == {"llm": 2, "embedding": 0}
    assert {(usage.kind, usage.name): usage.uses for usage in found.usage} == {
        ("llm", "a"): 2, ("llm", "b"): 2, ("embedding", "x"): 2
    }  # fmt: skip


@pytest.mark.django_db
def test_messages_that_name_their_model_count_by_themselves(alice):
    said = [
        user_message(model="not counted"), assistant_message(model="a", prompt_eval_count=10, eval_count=2),
        assistant_message(), assistant_message(model="b", eval_count=5), assistant_message(model="a"),
    ]  # fmt: skip
    session = make_session(alice, messages=said)
    note_model_use(actor=alice, session_id=session.pk, kind="llm", name="a")
    found = read_statistics(session.pk)
    assert {usage.name: usage.uses for usage in found.usage} == {"a": 3, "b": 1}
    assert found.switches == {"llm": 2, "embedding": 0}
    assert (found.prompt_tokens, found.answer_tokens) == (10, 7)


@pytest.mark.django_db
def test_those_of_merged_sessions_add_up(alice):
    sources = [make_session(alice) for _ in range(3)]
    for session in sources[:2]:
        add_statistics(actor=alice, session_id=session.pk, counts={"urls_processed": 5}, last_processing_time=LONG_AGO)
        note_model_use(actor=alice, session_id=session.pk, kind="embedding", name="x")
    target = make_session(alice)
    add_up_statistics(target.pk, [session.pk for session in sources])
    found = read_statistics(target.pk)
    assert found.counters["urls_processed"] == 10
    assert found.last_processing_time == LONG_AGO
    assert [(usage.name, usage.uses) for usage in found.usage] == [("x", 2)]


@pytest.mark.django_db
def test_the_time_of_processing_never_moves_back(alice):
    session = make_session(alice)
    add_statistics(actor=alice, session_id=session.pk, counts={})
    before = read_statistics(session.pk).last_processing_time
    add_statistics(actor=alice, session_id=session.pk, counts={}, last_processing_time=LONG_AGO)
    assert read_statistics(session.pk).last_processing_time == before
