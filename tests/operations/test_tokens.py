"""API tokens: shown once, kept as a digest, revoked for good."""

import hashlib
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from sessions.access import Actor
from sessions.exceptions import Invalid, NotAllowed, NotFound, ReadOnlyToken, SessionNotFound
from sessions.models import ApiToken, Event, Scope, Verb
from sessions.operations.tokens import create_token, mark_token_used, revoke_token
from tests.factories import make_session
from tests.statements import assert_statements

pytestmark = pytest.mark.django_db


def test_only_the_digest_is_stored(alice):
    token, plain = create_token(actor=alice, name=" Laptop ")
    assert plain.startswith("rm_")
    assert len(plain) == 3 + 43, "32 random bytes in base64"
    stored = ApiToken.objects.values().get()
    assert plain not in str(stored)
    assert stored["digest"] == hashlib.sha256(plain.encode()).hexdigest()
    assert plain.startswith(stored["prefix"])
    assert len(stored["prefix"]) == 8
    assert (token.name, token.scope, token.user, token.is_usable) == ("Laptop", Scope.WRITE, alice, True)
    assert str(token) == f"Laptop ({token.prefix}…)"


def test_no_two_are_alike(alice):
    assert len({create_token(actor=alice, name="x")[1] for _ in range(50)}) == 50


def test_events_tell_the_name_and_never_the_token(alice):
    token, plain = create_token(actor=alice, name="Laptop", scope="read")
    revoke_token(actor=alice, token_id=token.pk)
    created, revoked = Event.objects.order_by("id")
    assert (created.verb, revoked.verb) == (Verb.TOKEN_CREATED, Verb.TOKEN_REVOKED)
    assert created.detail == {"name": "Laptop", "prefix": token.prefix, "scope": "read"}
    assert plain not in str(created.detail) + str(revoked.detail)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "  "},
        {"name": "x" * 101},
        {"name": "\x00"},
        {"scope": "admin"},
        {"expires_at": datetime(2020, 1, 1, tzinfo=timezone.get_default_timezone())},
        {"expires_at": datetime(2099, 1, 1)},
    ],
)
def test_what_breaks_a_rule(alice, wrong):
    with pytest.raises(Invalid):
        create_token(actor=alice, **({"name": "x"} | wrong))
    assert not ApiToken.objects.exists()


def test_tokens_make_no_tokens(alice):
    with pytest.raises(NotAllowed, match="browser's settings"):
        create_token(actor=Actor(alice.pk, "alice", token_id=1), name="x")
    with pytest.raises(ReadOnlyToken):
        create_token(actor=Actor(alice.pk, "alice", token_id=1, scope="read"), name="x")


def test_for_one_session(alice, mallory):
    session = make_session(alice)
    token, _ = create_token(actor=alice, name="x", session_id=session.short_id)
    assert token.session == session
    with pytest.raises(SessionNotFound):
        create_token(actor=mallory, name="x", session_id=session.pk)


def test_expiry(alice):
    token, _ = create_token(actor=alice, name="x", expires_at=timezone.now() + timedelta(hours=1))
    assert token.is_usable
    token.expires_at = timezone.now() - timedelta(seconds=1)
    assert not token.is_usable


def test_revoke_is_for_good_and_told_once(alice):
    token, _ = create_token(actor=alice, name="x")
    first = revoke_token(actor=alice, token_id=token.pk)
    assert not first.is_usable
    assert revoke_token(actor=alice, token_id=token.pk).revoked_at == first.revoked_at
    assert Event.objects.filter(verb=Verb.TOKEN_REVOKED).count() == 1


def test_who_may_revoke(alice, mallory, ada):
    token, _ = create_token(actor=alice, name="x")
    for stranger in (mallory, ada):
        with pytest.raises(NotFound):
            revoke_token(actor=stranger, token_id=token.pk)
    with pytest.raises(NotFound):
        revoke_token(actor=alice, token_id=token.pk + 1)
    with pytest.raises(ReadOnlyToken):
        revoke_token(actor=Actor(alice.pk, "alice", scope="read"), token_id=token.pk)
    assert ApiToken.objects.get().is_usable
    with pytest.raises(NotFound):
        revoke_token(actor=ada, token_id=token.pk)  # on pages and in the API an administrator has no more rights
    assert ApiToken.objects.get().is_usable
    assert not revoke_token(actor=Actor.for_administration(ada), token_id=token.pk).is_usable


def test_last_use_moves_once_a_minute(alice):
    token, _ = create_token(actor=alice, name="x")
    mark_token_used(token.pk, None)
    first = ApiToken.objects.get().last_used_at
    with assert_statements(exactly=0):
        mark_token_used(token.pk, first)
    mark_token_used(token.pk, None)
    assert ApiToken.objects.get().last_used_at == first, "somebody else has moved it this minute"
    ApiToken.objects.update(last_used_at=first - timedelta(seconds=61))
    mark_token_used(token.pk, first - timedelta(seconds=61))
    assert ApiToken.objects.get().last_used_at >= first


def test_tokens_go_with_their_user(alice):
    create_token(actor=alice, name="x")
    alice.delete()
    assert not ApiToken.objects.exists()
