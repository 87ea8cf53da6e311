"""split_session: parts of a session, each in a new one."""

import pytest

from sessions.exceptions import FileNotFound, Impossible, Invalid, MessageNotFound, SessionNotFound
from sessions.models import Lineage, Message, Session
from sessions.operations.restructure.splitting import Part, split_session
from sessions.operations.tags import tags_of
from tests.factories import make_session
from tests.operations.test_fork import files, origins
from tests.operations.test_merge import put
from tests.whole import assert_counts_right, assert_in_place, assert_whole, transcript

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session(alice) -> Session:
    made = make_session(alice, messages=10, tags=["a"], model="m")
    put(made, "content/data/one.csv", "1")
    put(made, "content/data/two.csv", "2")
    put(made, "content/notes.txt", "n")
    return made


def test_parts(alice, session):
    parts = [
        Part("First", message_ranges=[(4, 5), (0, 1), (1, 2)], files=["content/data"]),
        Part("Second", "It says", ["own"], {"k": 1}, [(5, 9)], ["content/notes.txt"]),
        Part("Files alone", files=["content/data/one.csv"]),
    ]
    made = split_session(actor=alice, session_id=session.short_id, parts=parts, archive_original=True).sessions
    assert [one.name for one in made] == ["First", "Second", "Files alone"]
    assert transcript(made[0]) == [f"message {number}" for number in (0, 1, 2, 4, 5)]
    assert origins(made[1]) == [(session.pk, index) for index in range(5, 10)]
    assert [tags_of(one) for one in made] == [["a"], ["own"], ["a"]]
    assert (made[1].description, made[1].metadata, made[1].model) == ("It says", {"k": 1}, "m")
    assert files(made[0]) == {"content/data/one.csv": b"1", "content/data/two.csv": b"2"}
    assert [set(files(one)) for one in made[1:]] == [{"content/notes.txt"}, {"content/data/one.csv"}]
    assert Lineage.objects.filter(parent=session, kind="split").count() == 3
    session.refresh_from_db()
    assert (session.status, session.message_count, len(files(session))) == ("archived", 10, 3)
    for one in (session, *made):
        assert_whole(one)
        assert_in_place(one)
    assert_counts_right()


def test_refusals_leave_nothing(alice, mallory, session, workspace_root):
    good = Part("Good", message_ranges=[(0, 1)], files=["content/notes.txt"])
    for problem, actor, parts in (
        (SessionNotFound, mallory, [good]),
        (Impossible, alice, []),
        (Impossible, alice, [good, Part("Empty")]),
        (Invalid, alice, [good, Part("", message_ranges=[(0, 1)])]),
        (Impossible, alice, [good, Part("Backwards", message_ranges=[(3, 1)])]),
        (Invalid, alice, [good, Part("Up", files=["../other"])]),
        (Invalid, alice, [good] * 51),
        (MessageNotFound, alice, [good, Part("Beyond", message_ranges=[(9, 10)])]),
        (FileNotFound, alice, [good, Part("Nothing there", files=["content/data", "content/dat"])]),
    ):
        with pytest.raises(problem):
            split_session(actor=actor, session_id=session.pk, parts=parts)
        assert Session.objects.count() == 1
        assert not any((workspace_root / ".staging").glob("*"))
    assert Message.objects.count() == 10
