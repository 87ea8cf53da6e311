"""Events are appended, and nobody changes them."""

import pytest
from django.utils import timezone

from sessions.models import Event, Verb
from tests.factories import make_session
from tests.statements import assert_statements

pytestmark = pytest.mark.django_db


def test_append_is_one_statement_and_what_it_says(alice):
    session = make_session(alice)
    at = timezone.now()
    with assert_statements(exactly=1):
        Event.objects.append(
            session_id=session.pk, at=at, detail={"ü": [1]}, actor_id=alice.pk, actor_name="alice", token_name="t",
            verb=Verb.PINNED.value,
        )  # fmt: skip
    event = Event.objects.first()
    assert (event.session_id, event.at, event.detail) == (session.pk, at, {"ü": [1]})
    assert (event.actor, event.actor_name, event.token_name, event.verb) == (alice, "alice", "t", Verb.PINNED)
    assert str(event) == f"alice pinned {session.pk}"


def test_nobody_changes_or_deletes_one(alice):
    make_session(alice)
    event = Event.objects.get()
    event.verb = Verb.PURGED
    with pytest.raises(TypeError, match="append-only"):
        event.save()
    with pytest.raises(TypeError, match="append-only"):
        event.delete()
    assert Event.objects.get().verb == Verb.CREATED


def test_a_new_one_can_be_saved():
    Event(verb=Verb.TOKEN_CREATED, actor_name="x").save()
    assert Event.objects.get().session_id is None
