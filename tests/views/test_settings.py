"""/settings/: profile, theme and password."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import PASSWORD
from tests.views.pages import html, htmx, toasts

pytestmark = pytest.mark.django_db

PROFILE = {"username": "alice", "first_name": "Alice", "last_name": "Moreau", "email": "alice@example.org"}
NEW = "an even longer pass phrase"
PAGES = ("/settings/", "/settings/password/", "/settings/tokens/", "/tags/")


@pytest.mark.parametrize("address", PAGES)
def test_need_a_login(client, address):
    assert client.get(address)["Location"] == f"/sign-in/?next={address.replace('/', '%2F')}"
    assert client.get(address, headers=htmx(address)).status_code == 401


@pytest.mark.parametrize("address", PAGES)
def test_other_methods_are_refused(alice_client, address):
    assert alice_client.delete(address).status_code == 405


def test_profile(alice, alice_client):
    page = alice_client.post("/settings/", PROFILE, follow=True)
    assert page.redirect_chain == [("/settings/", 303)]
    assert toasts(page) == ["Saved"]
    assert "<span>Alice Moreau</span>" in html(page)
    alice.refresh_from_db()
    assert (alice.first_name, alice.last_name, alice.email) == ("Alice", "Moreau", "alice@example.org")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"username": ""}, "This field is required"),
        ({"username": "a b"}, "Enter a valid username"),
        ({"username": "mallory"}, "already exists"),
        ({"email": "nonsense"}, "Enter a valid email address"),
        ({"first_name": "x" * 151}, "at most 150 characters"),
    ],
)
def test_a_refusal_keeps_what_was_typed(alice, mallory, alice_client, changes, said):
    response = alice_client.post("/settings/", PROFILE | changes)
    assert response.status_code == 422
    assert said in html(response)
    assert all(f'value="{value}"' in html(response) for value in changes.values() if value)
    assert "<span>alice</span>" in html(response), "the sidebar says what is stored"
    alice.refresh_from_db()
    assert alice.username == "alice"


def test_a_username_taken_meanwhile(alice, mallory, alice_client, monkeypatch):
    monkeypatch.setattr(User, "validate_unique", lambda self, exclude=None: None)
    response = alice_client.post("/settings/", PROFILE | {"username": "mallory"})
    assert response.status_code == 422
    assert "Somebody else has this username" in html(response)


def test_nobody_becomes_an_administrator_by_asking(alice, alice_client):
    alice_client.post("/settings/", PROFILE | {"is_superuser": "on", "is_staff": "on", "id": "999"})
    alice.refresh_from_db()
    assert not alice.is_superuser
    assert not alice.is_staff


@pytest.mark.parametrize(
    ("chosen", "kept", "shown"), [("dark", "dark", "dark"), ("light", "light", "light"), ("x", "system", "")]
)
def test_theme(alice_client, chosen, kept, shown):
    response = alice_client.post("/settings/theme/", {"theme": chosen, "next": "/archived/"})
    assert response["Location"] == "/archived/"
    cookie = response.cookies["theme"]
    assert (cookie.value, cookie["samesite"], cookie["path"]) == (kept, "Lax", "/")
    page = html(alice_client.get("/settings/"))
    assert f'<html lang="en" class="{"" if kept == "system" else kept}">' in page
    assert f'value="{kept}" aria-pressed="true"' in page
    assert page.count('aria-pressed="true"') == 1


def test_a_theme_that_is_none_is_ignored(alice_client):
    alice_client.cookies["theme"] = '"><script>'
    assert '<html lang="en" class="">' in html(alice_client.get("/settings/"))
    assert alice_client.get("/settings/theme/").status_code == 405


def test_password(alice, alice_client):
    elsewhere = Client()
    elsewhere.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    page = alice_client.post("/settings/password/", form, follow=True)
    assert toasts(page) == ["Password changed. Other browsers are signed out."]
    alice.refresh_from_db()
    assert alice.check_password(NEW)
    assert alice_client.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 303


@pytest.mark.parametrize(
    "changes",
    [{"old_password": "wrong"}, {"new_password2": "other"}, {"new_password1": "short", "new_password2": "short"}],
)
def test_a_refused_password(alice, alice_client, changes):
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW} | changes
    response = alice_client.post("/settings/password/", form)
    assert response.status_code == 422
    assert 'class="errors"' in html(response)
    assert PASSWORD not in html(response)
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
