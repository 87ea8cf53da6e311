"""apply_to_sessions: one action on many, each by itself."""

from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from sessions.exceptions import Impossible, Invalid, SessionNotFound
from sessions.models import Session
from sessions.operations.bulk import ACTIONS, MAX_SESSIONS, TAG_ACTIONS, apply_to_sessions
from sessions.operations.lifecycle import trash_session
from sessions.operations.sessions import tag_session, update_session
from sessions.operations.tags import tags_of
from sessions.storage import workspaces
from tests.factories import make_rows, make_session
from tests.together import until_somebody_waits
from tests.whole import assert_counts_right

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("action", "field", "value"),
    [
        ("archive", "status", "archived"), ("delete", "status", "deleted"), ("restore", "status", "active"),
        ("pin", "pinned", True), ("unpin", "pinned", False),
    ],
)  # fmt: skip
def test_each_action(alice, action, field, value):
    sessions = [make_session(alice, f"Session {number}") for number in range(3)]
    untouched = make_session(alice, "Untouched")
    outcomes = apply_to_sessions(actor=alice, action=action, session_ids=[sessions[0].pk, sessions[1].short_id])
    assert [outcome.problem for outcome in outcomes] == [None, None]
    assert [outcome.session_id for outcome in outcomes] == [str(sessions[0].pk), sessions[1].short_id]
    assert {getattr(Session.objects.get(pk=one.pk), field) for one in sessions[:2]} == {value}
    assert Session.objects.get(pk=untouched.pk).version == 1
    assert_counts_right()


def test_purge(alice):
    sessions = [make_session(alice) for _ in range(3)]
    apply_to_sessions(actor=alice, action="purge", session_ids=[one.pk for one in sessions[:2]])
    assert Session.objects.get() == sessions[2]
    assert [workspaces.exists(one.pk) for one in sessions] == [False, False, True]


def test_one_that_fails_stops_no_other(alice, mallory):
    hers, trashed, mine = make_session(mallory), make_session(alice), make_session(alice)
    trash_session(actor=alice, session_id=trashed.pk)
    ids = ["nonsense", hers.pk, trashed.pk, mine.pk, mine.pk]
    outcomes = apply_to_sessions(actor=alice, action="delete", session_ids=ids)
    assert [type(outcome.problem) for outcome in outcomes] == [SessionNotFound] * 3 + [type(None), SessionNotFound]
    assert Session.objects.get(pk=mine.pk).in_trash
    assert not Session.objects.get(pk=hers.pk).in_trash


def test_refused_before_anything_is_done(alice):
    session = make_session(alice)
    with pytest.raises(Invalid, match="Unknown action"):
        apply_to_sessions(actor=alice, action="explode", session_ids=[session.pk])
    with pytest.raises(Invalid, match="Too many"):
        apply_to_sessions(actor=alice, action="delete", session_ids=[session.pk] * (MAX_SESSIONS + 1))
    assert Session.objects.get().version == 1
    assert set(ACTIONS) == {"archive", "restore", "delete", "purge", "pin", "unpin"}


@pytest.mark.skipif(connection.vendor == "sqlite", reason="where one writes at a time")
def test_a_new_tag_while_somebody_else_gives_it_too(alice, monkeypatch):
    """In one transaction, as under an Idempotency-Key: neither holds the tag and waits for the other's session."""
    first, second = sorted(make_rows(alice, 2), key=lambda session: session.pk.hex)
    beside = ThreadPoolExecutor(1)

    def give_it_too():
        try:
            update_session(actor=alice, session_id=second.pk, tags=["new"])
        finally:
            connection.close()

    def tag(**asked):
        tag_session(**asked)
        if asked["session_id"] == first.pk:
            others.append(beside.submit(give_it_too))
            until_somebody_waits(others[0])

    others: list[Future[None]] = []
    monkeypatch.setitem(TAG_ACTIONS, "tag", tag)
    with beside, transaction.atomic():
        apply_to_sessions(actor=alice, action="tag", session_ids=[second.pk, first.pk], tag="new")
    others[0].result(300)
    assert [tags_of(Session.objects.get(pk=one.pk)) for one in (first, second)] == [["new"]] * 2


def test_tags(alice):
    """One tag more or less; the others stay, and what has it already is left alone."""
    one, two = make_session(alice, tags=["a"]), make_session(alice, tags=["b", "mine"])
    ids = [one.pk, two.pk]
    outcomes = apply_to_sessions(actor=alice, action="tag", session_ids=ids, tag=" Mine ")
    assert [outcome.problem for outcome in outcomes] == [None, None]
    assert [tags_of(Session.objects.get(pk=pk)) for pk in ids] == [["a", "mine"], ["b", "mine"]]
    assert [Session.objects.get(pk=pk).version for pk in ids] == [2, 1]
    apply_to_sessions(actor=alice, action="untag", session_ids=ids, tag="mine")
    assert [tags_of(Session.objects.get(pk=pk)) for pk in ids] == [["a"], ["b"]]
    for action, tag, problem in (("tag", "", Impossible), ("tag", "a,b", Invalid), ("pin", "a", Impossible)):
        with pytest.raises(problem):
            apply_to_sessions(actor=alice, action=action, session_ids=ids, tag=tag)
    assert_counts_right()
