"""archive_session and restore_session from the archive."""

import pytest
from django.utils import timezone

from sessions.access import Actor
from sessions.exceptions import ReadOnlyToken, SessionNotFound, StaleVersion
from sessions.models import Event, Session, Status, Verb
from sessions.operations.lifecycle import archive_session, restore_session, trash_session
from tests.factories import make_session
from tests.whole import assert_in_place, assert_whole

pytestmark = pytest.mark.django_db(transaction=True)


def test_there_and_back(alice):
    session = make_session(alice, messages=2)
    before = timezone.now()
    archived = archive_session(actor=alice, session_id=session.short_id)
    assert (archived.status, archived.archived, archived.version) == (Status.ARCHIVED, True, 2)
    assert archived.archived_at >= before
    assert_in_place(session)
    restored = restore_session(actor=alice, session_id=session.pk)
    assert (restored.status, restored.archived_at, restored.version) == (Status.ACTIVE, None, 3)
    assert_in_place(session)
    assert_whole(session)
    verbs = Event.objects.order_by("id").values_list("verb", flat=True)
    assert list(verbs) == [Verb.CREATED, Verb.ARCHIVED, Verb.RESTORED]


def test_twice_is_once(alice):
    session = make_session(alice)
    first = archive_session(actor=alice, session_id=session.pk)
    again = archive_session(actor=alice, session_id=session.pk)
    assert (again.version, again.archived_at) == (first.version, first.archived_at)
    restore_session(actor=alice, session_id=session.pk)
    assert restore_session(actor=alice, session_id=session.pk).version == 3
    assert Event.objects.count() == 3


@pytest.mark.parametrize("change", [archive_session, restore_session, trash_session])
def test_who_and_when_not(alice, mallory, change):
    session = make_session(alice)
    with pytest.raises(SessionNotFound):
        change(actor=mallory, session_id=session.pk)
    with pytest.raises(ReadOnlyToken):
        change(actor=Actor(alice.pk, "alice", scope="read"), session_id=session.pk)
    with pytest.raises(StaleVersion):
        change(actor=alice, session_id=session.pk, expected_version=7)
    assert Session.objects.get().status == Status.ACTIVE


def test_the_trash_is_not_archived(alice):
    session = make_session(alice)
    trash_session(actor=alice, session_id=session.pk)
    with pytest.raises(SessionNotFound):
        archive_session(actor=alice, session_id=session.pk)
