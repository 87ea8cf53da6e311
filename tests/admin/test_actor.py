"""The actor of the admin: everybody's sessions, and only there."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser

from sessions.access import Actor
from sessions.exceptions import NotAllowed, SessionNotFound
from sessions.models import Event, Session
from sessions.operations.lifecycle import archive_session, empty_trash, trash_session
from sessions.operations.sessions import create_session, update_session
from sessions.operations.transcript import append_messages
from tests.factories import make_session, user_message

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]


def test_it_acts_on_everybodys_sessions_under_the_administrators_name(alice, ada):
    session = make_session(alice)
    archive_session(actor=Actor.for_administration(ada), session_id=session.pk)
    event = Event.objects.get(session_id=session.pk, verb="archived")
    assert (event.actor, event.actor_name) == (ada, "ada")


def test_an_administrator_elsewhere_sees_what_is_their_own(alice, ada):
    session = make_session(alice)
    for operation in (archive_session, trash_session):
        with pytest.raises(SessionNotFound):
            operation(actor=ada, session_id=session.pk)
    assert Actor.of(ada).acts_for_all is False


@pytest.mark.parametrize("who", ["alice", "disabled", "anonymous"])
def test_nobody_else_gets_one(alice, ada, who):
    ada.is_active = False
    user = {"alice": alice, "disabled": ada, "anonymous": AnonymousUser()}[who]
    with pytest.raises(NotAllowed):
        Actor.for_administration(user)


def test_transcripts_stay_their_owners(alice, ada):
    session = make_session(alice, messages=2)
    with pytest.raises(SessionNotFound):
        append_messages(
            actor=Actor.for_administration(ada), session_id=session.pk, messages=[user_message("I was here")]
        )
    assert session.messages.count() == 2


def test_emptying_the_trash_empties_ones_own(alice, ada):
    theirs, own = make_session(alice), make_session(ada)
    trash_session(actor=alice, session_id=theirs.pk)
    trash_session(actor=ada, session_id=own.pk)
    assert empty_trash(actor=Actor.for_administration(ada)) == 1
    assert list(Session.objects.all()) == [theirs]


def test_making_a_session_for_somebody_else(alice, ada):
    with pytest.raises(NotAllowed):
        create_session(actor=ada, owner_id=alice.pk, name="Not like this")
    made = create_session(actor=Actor.for_administration(ada), owner_id=alice.pk, name="For Alice", tags=["gift"])
    assert made.owner == alice
    assert made.tags.get().owner == alice
    assert update_session(actor=alice, session_id=made.pk, name="Mine").name == "Mine"


def test_only_the_admin_asks_for_it():
    asking = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "sessions").rglob("*.py")
        if re.search(r"for_administration\(|acts_for_all=", path.read_text())
    }
    assert {name for name in asking if not name.startswith("sessions/admin/")} == {"sessions/access.py"}
