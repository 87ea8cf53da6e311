"""/settings/tokens/: made, shown once, revoked."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from sessions.models import ApiToken
from sessions.models.token import token_digest
from sessions.operations.tokens import create_token
from tests.factories import make_session
from tests.statements import assert_statements
from tests.views.pages import html, htmx, toasts

pytestmark = pytest.mark.django_db

ADDRESS = "/settings/tokens/"
FORM = {"name": "nightly import", "scope": "read", "expires": "30"}


@pytest.mark.parametrize("headers", [{}, htmx(ADDRESS)])
def test_a_token_is_shown_once(alice, alice_client, headers):
    response = alice_client.post(ADDRESS, FORM, headers=headers)
    assert response.status_code == 200
    assert ("<html" in html(response)) == (not headers)
    plain = re.search(r'value="(rm_[^"]+)"', html(response)).group(1)
    token = ApiToken.objects.get()
    assert token.digest == token_digest(plain)
    assert (token.user, token.name, token.scope) == (alice, "nightly import", "read")
    assert timedelta(days=29) < token.expires_at - timezone.now() < timedelta(days=31)
    page = html(alice_client.get(ADDRESS))
    assert plain not in page
    assert f"{token.prefix}…" in page
    assert "Read · made" in page
    assert "never used" in page
    assert response["Cache-Control"] == "private, no-store"


def test_a_token_for_one_session(alice, bob, alice_client):
    mine = make_session(alice, "Mosses")
    for wrong in ("ffffffffff", "no id", str(make_session(bob).pk)):
        response = alice_client.post(ADDRESS, FORM | {"session_id": wrong}, headers=htmx(ADDRESS))
        assert response.status_code == 422
        assert 'id="id_session_id_error"' in html(response)
    alice_client.post(ADDRESS, FORM | {"session_id": mine.short_id})
    assert [token.session for token in ApiToken.objects.all()] == [mine]
    assert "only <a" in html(alice_client.get(ADDRESS))


def test_a_token_may_last(alice_client):
    alice_client.post(ADDRESS, FORM | {"expires": ""})
    assert ApiToken.objects.get().expires_at is None
    assert "never expires" in html(alice_client.get(ADDRESS))


@pytest.mark.parametrize(
    "changes",
    [{"name": ""}, {"name": "x" * 101}, {"name": " "}, {"scope": "root"}, {"expires": "9999"}, {"name": "a\0"}],
)
@pytest.mark.parametrize("headers", [{}, htmx(ADDRESS)])
def test_a_refusal_keeps_what_was_typed(alice_client, changes, headers):
    response = alice_client.post(ADDRESS, FORM | changes, headers=headers)
    assert response.status_code == 422
    assert 'class="errors"' in html(response)
    assert not ApiToken.objects.exists()
    if "name" not in changes:
        assert 'value="nightly import"' in html(response)


def test_an_operations_refusal_is_shown_too(alice_client, monkeypatch):
    monkeypatch.setattr("sessions.forms.TokenForm.expires_at", datetime(2020, 1, 1, tzinfo=UTC))
    response = alice_client.post(ADDRESS, FORM)
    assert response.status_code == 422
    assert "Choose a time to come" in html(response)


@pytest.mark.parametrize("headers", [{}, htmx(ADDRESS)])
def test_revoke(alice, alice_client, headers):
    token, _ = create_token(actor=alice, name="old")
    response = alice_client.post(f"{ADDRESS}{token.pk}/revoke/", headers=headers, follow=True)
    assert toasts(response) == ["Revoked “old”. It opens nothing any more."]
    assert "Revoked and expired" in html(response)
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_nobody_revokes_or_sees_anothers(alice, mallory_client, client):
    token, _ = create_token(actor=alice, name="secret name")
    assert mallory_client.post(f"{ADDRESS}{token.pk}/revoke/").status_code == 404
    assert client.post(f"{ADDRESS}{token.pk}/revoke/").status_code == 303
    assert mallory_client.post(f"{ADDRESS}999/revoke/").status_code == 404
    assert mallory_client.get(f"{ADDRESS}{token.pk}/revoke/").status_code == 405
    assert "secret name" not in html(mallory_client.get(ADDRESS))
    token.refresh_from_db()
    assert token.revoked_at is None


def test_as_many_queries_for_many_tokens(alice, alice_client):
    create_token(actor=alice, name="one")
    alice_client.get(ADDRESS)
    with assert_statements(at_most=6) as few:
        alice_client.get(ADDRESS)
    for number in range(30):
        create_token(actor=alice, name=f"{number}")
    with assert_statements(exactly=len(few)):
        alice_client.get(ADDRESS)
