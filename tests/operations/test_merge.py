"""merge_sessions: several sessions become one."""

import random
from datetime import timedelta

import pytest

from sessions.exceptions import Impossible, Invalid, QuotaExceeded, SessionNotFound
from sessions.models import Event, Lineage, Message, Session
from sessions.operations.lifecycle import archive_session
from sessions.operations.loading import SessionDraft, load_sessions
from sessions.operations.restructure import making
from sessions.operations.restructure.merging import Order, merge_sessions
from sessions.operations.tags import tags_of
from sessions.operations.transcript import NewMessage
from sessions.storage.workspaces import workspace_path
from tests.factories import LONG_AGO, make_session, user_message
from tests.operations.test_fork import files, origins
from tests.whole import assert_counts_right, assert_in_place, assert_whole, transcript

pytestmark = pytest.mark.django_db(transaction=True)


def at(minute: int, text: str) -> NewMessage:
    return user_message(text, created_at=LONG_AGO + timedelta(minutes=minute))


def put(session: Session, path: str, text: str) -> None:
    place = workspace_path(session.pk) / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


def test_one_after_the_other(alice):
    one = make_session(alice, "One", messages=3, tags=["a", "b"], model="m")
    two = make_session(alice, "Two", messages=2, tags=["b", "c"], model="other")
    for session in (one, two):
        put(session, "content/notes.txt", session.name)
    put(two, "plan.md", "beside")
    merged = merge_sessions(actor=alice, source_session_ids=[two.pk, one.short_id], tags=["Own"], metadata={"k": 1})
    assert (merged.name, merged.model, merged.metadata) == ("Two and 1 other", "other", {"k": 1})
    assert transcript(merged) == ["message 0", "message 1", "message 0", "message 1", "message 2"]
    assert origins(merged) == [(two.pk, 0), (two.pk, 1), (one.pk, 0), (one.pk, 1), (one.pk, 2)]
    assert tags_of(Session.objects.get(pk=merged.pk)) == ["a", "b", "c", "own"]
    assert files(merged) == {
        f"content/{one.short_id}/notes.txt": b"One",
        f"content/{two.short_id}/notes.txt": b"Two",
        f"{two.short_id}/plan.md": b"beside",
    }
    assert {found.parent_id for found in Lineage.objects.filter(child=merged, kind="merge")} == {one.pk, two.pk}
    assert set(Session.objects.filter(pk__in=[one.pk, two.pk]).values_list("status", flat=True)) == {"archived"}
    assert Event.objects.filter(verb="merged").count() == 3
    for session in (one, two, merged):
        assert_whole(session)
        assert_in_place(session)
    assert_counts_right()


def test_by_time_stable_within_a_source(alice):
    """A source keeps its order, whatever its times say; at the same time the earlier source comes first."""
    one = make_session(alice, messages=[at(0, "a0"), at(5, "a5"), at(3, "a3 said late"), at(9, "a9")])
    two = make_session(alice, messages=[at(0, "b0"), at(4, "b4"), at(5, "b5"), at(7, "b7")])
    merged = merge_sessions(
        actor=alice, source_session_ids=[one.pk, two.pk], order=Order.TIME, target_name="M", archive_sources=False
    )
    assert transcript(merged) == ["a0", "b0", "b4", "a5", "a3 said late", "b5", "b7", "a9"]
    assert_whole(merged)
    assert set(Session.objects.values_list("status", flat=True)) == {"active"}


@pytest.mark.parametrize("size", [300, pytest.param(10_000, marks=pytest.mark.soak)])
def test_three_large_ones_with_files(alice, size):
    """The order is the one that Python finds, each message has its origin, each file is there."""
    shuffled = random.Random(4)
    drafts = []
    for name in "abc":
        minutes = sorted(shuffled.randrange(size) for _ in range(size))
        said = [at(minute, f"{name}{number}") for number, minute in enumerate(minutes)]
        drafts.append(SessionDraft(created_at=LONG_AGO, name=name, messages=said))
    expected = sorted(
        (message.created_at, draft.name, index, message.content)
        for draft in drafts
        for index, message in enumerate(draft.messages)
    )
    for _ in load_sessions(actor=alice, drafts=drafts):
        pass
    sources = {session.name: session for session in Session.objects.all()}
    for session in sources.values():
        for number in range(5):
            put(session, f"content/data/{number}.bin", f"{session.name}{number}" * 1000)
    merged = merge_sessions(
        actor=alice, source_session_ids=[sources[name].pk for name in "abc"], order=Order.TIME, target_name="All"
    )
    assert transcript(merged) == [content for _, _, _, content in expected]
    assert origins(merged) == [(sources[name].pk, index) for _, name, index, _ in expected]
    assert_whole(merged)
    found = files(merged)
    assert len(found) == 15
    assert found[f"content/{sources['b'].short_id}/data/3.bin"] == b"b3" * 1000


def test_refusals_leave_nothing(alice, mallory, settings, monkeypatch, workspace_root):
    one, two, hers = make_session(alice, messages=2), make_session(alice, messages=2), make_session(mallory)
    put(one, "content/large.bin", "x" * 600)
    put(two, "content/large.bin", "x" * 600)

    def refused(problem, ids, **values):
        with pytest.raises(problem):
            merge_sessions(actor=alice, source_session_ids=ids, **values)
        assert Session.objects.count() == 3
        assert not any((workspace_root / ".staging").glob("*"))
        assert Message.objects.count() == 4

    refused(Impossible, [one.pk])
    refused(Impossible, [one.pk, one.short_id])
    refused(Invalid, [one.pk] * 51)
    refused(SessionNotFound, [one.pk, hers.pk])
    refused(Invalid, [one.pk, two.pk], target_name="x" * 256)
    refused(Invalid, [one.pk, two.pk], tags=["a,b"])
    settings.WORKSPACE_QUOTA_BYTES = 1000
    refused(QuotaExceeded, [one.pk, two.pk])
    settings.WORKSPACE_QUOTA_BYTES = 10_000
    monkeypatch.setattr(making, "MAX_MESSAGES", 3)
    refused(Exception, [one.pk, two.pk])
    assert Session.objects.get(pk=one.pk).version == 1


def test_an_archived_source_stays_archived(alice):
    one, two = make_session(alice, "One"), make_session(alice, "Two", messages=1)
    archive_session(actor=alice, session_id=one.pk)
    merged = merge_sessions(actor=alice, source_session_ids=[one.pk, two.pk], archive_sources=False)
    assert merged.status == "active"
    assert list(Session.objects.order_by("name").values_list("status", flat=True)) == ["archived", "active", "active"]
