"""update_session: what is given changes, and nothing else."""

from datetime import timedelta

import pytest
from django.utils import timezone

from sessions.exceptions import Invalid, SessionNotFound, StaleVersion
from sessions.models import Event, Session, Verb
from sessions.operations.lifecycle import archive_session, trash_session
from sessions.operations.sessions import update_session
from sessions.operations.tags import tags_of
from tests.factories import make_session

pytestmark = pytest.mark.django_db


def verbs(session):
    return list(Event.objects.filter(session_id=session.pk).order_by("id").values_list("verb", flat=True))


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        ("name", " Liverworts ", "Liverworts"),
        ("description", "Of the south", "Of the south"),
        ("pinned", True, True),
        ("model", "mistral", "mistral"),
        ("tool_settings", {"tools": ["search"]}, {"tools": ["search"]}),
        ("agent_settings", {"enabled_agents": ["a"]}, {"enabled_agents": ["a"]}),
        ("context_window_config", {"size": 4096}, {"size": 4096}),
        ("configuration", {"llm_model": "x"}, {"llm_model": "x"}),
        ("ttl_seconds", 60, 60),
        ("phase", "EXECUTION", "execution"),
        ("summary", {"summary": "Short.", "topics": ["moss"]}, {"summary": "Short.", "topics": ["moss"]}),
        ("summary", "Short.", "Short."),
        ("summary_model", "tiny", "tiny"),
    ],
)
def test_one_field(alice, field, value, stored):
    session = make_session(alice, messages=1)
    before = Session.objects.values().get()
    changed = update_session(actor=alice, session_id=session.pk, **{field: value})
    after = Session.objects.values().get()
    assert getattr(changed, field) == after[field] == stored
    moved = {key for key in after if after[key] != before[key]}
    assert moved == {field, "version", "updated_at"}
    assert after["version"] == before["version"] + 1
    assert after["updated_at"] > before["updated_at"]


def test_a_call_that_changes_nothing_leaves_version_and_time(alice):
    session = make_session(alice, "Same", tags=["a"], metadata={"k": 1})
    before = Session.objects.values().get()
    update_session(actor=alice, session_id=session.pk, name="Same", tags=["A"], metadata={"k": 1, "gone": None})
    assert Session.objects.values().get() == before
    assert verbs(session) == [Verb.CREATED]


def test_metadata_is_merged_and_null_removes(alice):
    session = make_session(alice, metadata={"a": 1, "b": {"c": 2}, "d": None})
    update_session(actor=alice, session_id=session.pk, metadata={"a": None, "b": {"x": 1}, "new": []})
    assert Session.objects.get().metadata == {"b": {"x": 1}, "d": None, "new": []}


def test_a_given_name_is_no_longer_automatic(alice):
    session = make_session(alice, "", messages=1)
    assert session.name_is_automatic
    assert not update_session(actor=alice, session_id=session.pk, name="Mine").name_is_automatic


def test_tags_are_replaced(alice):
    session = make_session(alice, tags=["a", "b"])
    changed = update_session(actor=alice, session_id=session.short_id, tags=["B", "c"])
    assert tags_of(changed) == tags_of(Session.objects.get()) == ["b", "c"]
    assert changed.version == 2
    assert tags_of(update_session(actor=alice, session_id=session.pk, tags=[])) == []


def test_each_kind_of_change_is_told(alice):
    session = make_session(alice, "Old")
    update_session(actor=alice, session_id=session.pk, name="New", pinned=True, tags=["t"], model="m", phase="idea")
    changes = [Verb.RENAMED, Verb.PINNED, Verb.TAGGED, Verb.UPDATED, Verb.PHASE_ENTERED]
    assert verbs(session) == [Verb.CREATED, *changes]
    details = {event.verb: event.detail for event in Event.objects.all()}
    assert details[Verb.RENAMED] == {"name": "New", "before": "Old"}
    assert details[Verb.TAGGED] == {"tags": ["t"]}
    assert details[Verb.UPDATED] == {"fields": ["model"]}
    assert details[Verb.PHASE_ENTERED] == {"phase": "idea"}
    update_session(actor=alice, session_id=session.pk, pinned=False)
    assert verbs(session)[-1] == Verb.UNPINNED


def test_an_archived_session_can_be_renamed(alice):
    session = make_session(alice)
    archive_session(actor=alice, session_id=session.pk)
    assert update_session(actor=alice, session_id=session.pk, name="Old stuff").name == "Old stuff"


def test_a_stale_version_changes_nothing(alice):
    session = make_session(alice, "One")
    update_session(actor=alice, session_id=session.pk, name="Two", expected_version=1)
    with pytest.raises(StaleVersion) as refused:
        update_session(actor=alice, session_id=session.pk, name="Three", expected_version=1)
    assert refused.value.state == {"session_id": str(session.pk), "version": 2}
    assert Session.objects.get().name == "Two"


@pytest.mark.parametrize("changes", [{"name": ""}, {"name": "x" * 256}, {"tags": ["a,b"]}, {"metadata": {"a": "\x00"}}])
def test_what_breaks_a_rule_changes_nothing(alice, changes):
    session = make_session(alice, "One", tags=["t"])
    before = Session.objects.values().get()
    with pytest.raises(Invalid):
        update_session(actor=alice, session_id=session.pk, **({"pinned": True} | changes))
    assert Session.objects.values().get() == before
    assert tags_of(Session.objects.get()) == ["t"]


def test_a_stranger_finds_nothing(alice, mallory):
    session = make_session(alice)
    with pytest.raises(SessionNotFound):
        update_session(actor=mallory, session_id=session.pk, name="Mine now")


def test_the_trash_takes_no_changes(alice):
    session = make_session(alice)
    trash_session(actor=alice, session_id=session.pk)
    with pytest.raises(SessionNotFound):
        update_session(actor=alice, session_id=session.pk, name="Back")


def test_last_accessed_moves(alice):
    """Whoever changes a session uses it: retention leaves it alone."""
    session = make_session(alice)
    Session.objects.update(last_accessed=timezone.now() - timedelta(days=1))
    before = timezone.now()
    update_session(actor=alice, session_id=session.pk, name="New")
    assert Session.objects.get().last_accessed >= before
