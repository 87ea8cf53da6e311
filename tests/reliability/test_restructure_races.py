"""Forks and merges racing with everything else: what comes out could have come out one after the other."""

import pytest

from sessions.exceptions import SessionNotActive, SessionNotFound
from sessions.operations.editing import edit_message
from sessions.operations.lifecycle import restore_session, trash_session
from sessions.operations.restructure.forking import fork_session
from sessions.operations.restructure.merging import merge_sessions
from tests.factories import make_session
from tests.reliability.test_races import appender
from tests.together import raise_errors, together
from tests.whole import assert_counts_right, assert_in_place, assert_whole, transcript

pytestmark = pytest.mark.django_db(transaction=True)


def test_appends_and_forks(alice):
    """Each fork is the transcript as it was at one moment: a beginning of what it is now."""
    session = make_session(alice, messages=3)

    def fork():
        return [fork_session(actor=alice, session_id=session.pk) for _ in range(6)]

    *_, forks = raise_errors(together(*[appender(alice, session, who, 10) for who in range(3)], fork))
    said = transcript(session)
    assert len(said) == 33
    for one in forks:
        assert transcript(one) == said[: one.message_count]
        assert_whole(one)
        assert_in_place(one)


def test_edits_and_forks(alice):
    """A fork has the tail that an edit cuts off, or the edited text: never a part of each."""
    session = make_session(alice, messages=12)

    def edit():
        for count in range(8):
            edit_message(actor=alice, session_id=session.pk, index=0, content=f"edit {count}")

    def fork():
        return [fork_session(actor=alice, session_id=session.pk) for _ in range(6)]

    _, forks = raise_errors(together(edit, fork))
    for one in forks:
        said = transcript(one)
        assert said == [f"message {number}" for number in range(12)] or (len(said), said[0][:5]) == (1, "edit ")
        assert_whole(one)


def test_the_trash_and_forks(alice, workspace_root):
    session = make_session(alice, messages=3)

    def away_and_back():
        for _ in range(6):
            trash_session(actor=alice, session_id=session.pk)
            restore_session(actor=alice, session_id=session.pk)

    def fork():
        made, asked = [], 0
        while asked < 8 or not made:  # in the end it is back
            asked += 1
            try:
                made.append(fork_session(actor=alice, session_id=session.pk))
            except SessionNotFound:
                continue
        return made

    _, forks = raise_errors(together(away_and_back, fork))
    for one in [session, *forks]:
        assert_whole(one)
        assert_in_place(one)
    assert not any((workspace_root / ".staging").iterdir())
    assert_counts_right()


def test_appends_and_a_merge(alice):
    """The merge archives its sources: whatever was acknowledged before is in it, and nothing is taken after it."""
    one, two = make_session(alice, "One", messages=2), make_session(alice, "Two", messages=2)

    def merge():
        return merge_sessions(actor=alice, source_session_ids=[two.pk, one.pk])

    writers = [appender(alice, session, who, 12) for who, session in enumerate((one, two, one, two))]
    *_, merged = raise_errors(together(*writers, merge))
    assert transcript(merged) == [*transcript(two), *transcript(one)]
    for session in (one, two, merged):
        assert_whole(session)
    with pytest.raises(SessionNotActive):
        edit_message(actor=alice, session_id=one.pk, index=0, content="too late")


def test_merges_of_the_same_sources(alice):
    """In whatever order they are named: nobody waits for ever."""
    one, two = make_session(alice, messages=2), make_session(alice, messages=3)

    def merge(*sources):
        ids = [source.pk for source in sources]
        return lambda: [
            merge_sessions(actor=alice, source_session_ids=ids, archive_sources=False).message_count for _ in range(4)
        ]

    assert raise_errors(together(merge(one, two), merge(two, one))) == [[5] * 4] * 2
