"""Tags: one spelling, one row for each owner, whoever comes first."""

import pytest

from sessions.exceptions import Invalid
from sessions.models import Session, SessionTag, Tag
from sessions.operations.sessions import update_session
from sessions.operations.tags import checked_tags, tags_of
from tests.factories import make_session
from tests.together import raise_errors, together
from tests.whole import assert_counts_right


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Moss", "moss"),
        ("  field   work\t", "field work"),
        ("Cafe\u0301", "café"),  # e and a combining accent: NFC makes one letter of it
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
        ("🌱", "🌱"),
        ("-rf", "-rf"),
    ],
)
def test_one_spelling(written, kept):
    assert checked_tags([written]) == [kept]
    assert checked_tags([kept]) == [kept], "keeping it again changes nothing"


def test_each_once_and_sorted():
    assert checked_tags(["b", "A", "B ", "a"]) == ["a", "b"]


@pytest.mark.parametrize("wrong", ["", "   ", "a,b", "x" * 101, "a\x00", "\ud800"])
def test_what_no_tag_can_be(wrong):
    with pytest.raises(Invalid) as refused:
        checked_tags(["fine", wrong])
    assert refused.value.errors[0][0] == "tags"


def test_fifty_at_most():
    assert len(checked_tags(f"tag {number}" for number in range(50))) == 50
    with pytest.raises(Invalid, match="Too many"):
        checked_tags(f"tag {number}" for number in range(51))


def test_unused_tags_of_a_session_are_kept_for_the_owner(alice):
    session = make_session(alice, tags=["once"])
    update_session(actor=alice, session_id=session.pk, tags=[])
    assert Tag.objects.get().name == "once"
    assert not SessionTag.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_writers_that_make_the_same_tags_at_once(alice):
    sessions = [make_session(alice, f"Session {number}") for number in range(6)]
    words = ["delta", "alpha", "charlie", "bravo"]

    def tag(session, names):
        return lambda: update_session(actor=alice, session_id=session.pk, tags=names)

    raise_errors(
        together(*[tag(session, words[number % 4 :] + words[: number % 4]) for number, session in enumerate(sessions)])
    )
    assert sorted(Tag.objects.values_list("name", flat=True)) == sorted(words)
    assert [tags_of(session) for session in Session.objects.all()] == [sorted(words)] * 6
    assert_counts_right()


@pytest.mark.django_db(transaction=True)
def test_sessions_made_at_once_with_the_same_new_tag(alice):
    raise_errors(together(*[lambda: make_session(alice, tags=["new", "fresh"])] * 6))
    assert Tag.objects.count() == 2
    assert SessionTag.objects.count() == 12
    assert_counts_right()
