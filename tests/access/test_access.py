"""Loading a session and authorising in one call: the object, or what a stranger would get."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser

from sessions import access
from sessions.access import (
    Actor,
    SessionRef,
    role_of,
    session_for_owning,
    session_for_reading,
    session_for_writing,
    visible_sessions,
)  # fmt: skip
from sessions.exceptions import AmbiguousId, NotAllowed, ReadOnlyToken, RoleTooLow, SessionNotFound
from sessions.models import Session
from sessions.operations.lifecycle import archive_session, trash_session
from sessions.operations.sharing import remove_member
from tests.factories import make_session, share

pytestmark = pytest.mark.django_db

LOADERS = [session_for_reading, session_for_writing, session_for_owning]


@pytest.mark.parametrize("load", LOADERS)
def test_the_owner_gets_it_by_any_id(alice, load):
    session = make_session(alice)
    hexadecimal = session.pk.hex
    for written in (session.pk, str(session.pk), str(session.pk).upper(), hexadecimal, session.short_id):
        assert load(Actor.of(alice), written) == session
    assert load(Actor.of(alice), session.short_id.upper(), lock=True) == session


@pytest.mark.parametrize("load", LOADERS)
def test_strangers_and_administrators_get_what_an_unknown_id_gets(alice, mallory, ada, load):
    session = make_session(alice)
    messages = set()
    for who, what in ((mallory, session.pk), (mallory, session.short_id), (ada, session.pk), (alice, uuid4())):
        with pytest.raises(SessionNotFound) as refused:
            load(Actor.of(who), what)
        messages.add(refused.value.detail)
    assert len(messages) == 1


@pytest.mark.parametrize(
    "written",
    ["", "x", "g" * 10, "0" * 9, "0" * 11, "0" * 31, "0" * 33, " " + "0" * 10, "0" * 10 + "\n", "０" * 10, "%", "\x00"],
)
def test_what_is_no_id(alice, written):
    with pytest.raises(SessionNotFound) as refused:
        session_for_reading(Actor.of(alice), written)
    assert refused.value.state == {"session_id": written}


def test_a_short_id_of_two(alice, mallory):
    first = make_session(alice)
    twin = Session.objects.create(pk=first.pk.hex[:31] + "01"[first.pk.hex[31] == "0"], owner=alice, name="Twin")
    Session.objects.create(pk=first.pk.hex[:30] + f"{first.pk.int % 256 ^ 128:02x}", owner=mallory, name="Hers")
    with pytest.raises(AmbiguousId) as refused:
        session_for_reading(Actor.of(alice), first.short_id)
    assert set(refused.value.state["session_ids"]) == {str(first.pk), str(Session.objects.get(name="Twin").pk)}
    twin.delete()
    assert session_for_reading(Actor.of(alice), first.short_id) == first, "other people's don't count"


@pytest.mark.parametrize("load", LOADERS)
def test_the_trash_must_be_asked_for(alice, load):
    session = make_session(alice)
    trash_session(actor=alice, session_id=session.pk)
    with pytest.raises(SessionNotFound):
        load(Actor.of(alice), session.pk)
    assert load(Actor.of(alice), session.pk, include_deleted=True).in_trash


def test_the_archive_need_not(alice):
    session = make_session(alice)
    archive_session(actor=alice, session_id=session.pk)
    assert session_for_writing(Actor.of(alice), session.pk).archived


def test_read_tokens_read(alice):
    session = make_session(alice)
    reader = Actor(alice.pk, "alice", scope="read")
    assert session_for_reading(reader, session.pk) == session
    for load in (session_for_writing, session_for_owning):
        with pytest.raises(ReadOnlyToken):
            load(reader, session.pk)
        with pytest.raises(ReadOnlyToken):
            load(reader, uuid4())


def test_a_token_for_one_session_opens_no_other(alice):
    one, other = make_session(alice), make_session(alice)
    actor = Actor(alice.pk, "alice", only_session=one.pk)
    assert session_for_owning(actor, one.pk) == one
    assert list(visible_sessions(actor)) == [one]
    for written in (other.pk, other.short_id):
        with pytest.raises(SessionNotFound):
            session_for_reading(actor, written)


def test_a_token_for_somebody_else_s_session_opens_nothing(alice, mallory):
    session = make_session(alice)
    actor = Actor(mallory.pk, "mallory", only_session=session.pk)
    assert list(visible_sessions(actor)) == []


def test_in_the_admin_every_session_is_theirs_to_act_on(alice, ada):
    session = make_session(alice)
    assert session_for_owning(Actor.for_administration(ada), session.pk) == session
    for who in (alice, AnonymousUser()):
        with pytest.raises(NotAllowed):
            Actor.for_administration(who)


def test_actors(alice, ada):
    actor = Actor.of(alice)
    assert (actor.user_id, actor.username, actor.is_administrator, actor.may_write) == (alice.pk, "alice", False, True)
    assert Actor.of(actor) is actor
    assert Actor.of(ada).is_administrator
    with pytest.raises(NotAllowed, match="Sign in"):
        Actor.of(AnonymousUser())


def test_roles(alice, bob, vera, mallory):
    session = share(make_session(alice), editor=bob, viewer=vera)
    assert role_of(Actor.of(alice), session) == access.SessionRole.OWNER
    for who, role in ((alice, "owner"), (bob, "editor"), (vera, "viewer")):
        actor = Actor.of(who)
        for found in (session_for_reading(actor, session.pk), session_for_reading(actor, session.pk, lock=True)):
            assert (role_of(actor, found), found.loaded_owner, found.loaded_is_shared) == (role, "alice", True)
        assert list(visible_sessions(actor)) == [session]
    for load, who in ((session_for_writing, vera), (session_for_owning, bob)):
        with pytest.raises(RoleTooLow) as refused:
            load(Actor.of(who), session.pk)
        assert refused.value.state["session_id"] == str(session.pk)
    assert list(visible_sessions(Actor.of(mallory))) == []


def test_what_a_long_request_began_with_may_end(alice, bob):
    session = share(make_session(alice), editor=bob)
    actor = Actor.of(bob)
    assert access.is_still_let_in(actor, session.pk)
    share(session, viewer=bob)
    assert not access.is_still_let_in(actor, session.pk), "who may only read now can't have an answer stored"
    assert access.is_still_let_in(actor)
    remove_member(actor=alice, session_id=session.pk, user_id=bob.pk)
    assert not access.is_still_let_in(actor, session.pk)


def test_references():
    whole = uuid4()
    assert SessionRef.parse(whole) == SessionRef(whole)
    assert SessionRef.parse("ABCDEF0123") == SessionRef(None, "abcdef0123")
