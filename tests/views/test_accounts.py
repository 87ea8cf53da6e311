"""The first run, signing in and out, and what happens after too many failures."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from sessions.operations.accounts import first_run_token
from tests.factories import PASSWORD
from tests.views.pages import html, htmx, toasts

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data_dir(tmp_path, settings):
    settings.DATA_DIR = tmp_path


@pytest.fixture
def token(db) -> str:
    return first_run_token() or ""


ANSWERS = {"username": "root", "password1": PASSWORD, "password2": PASSWORD}


def test_without_an_account_everything_leads_to_the_servers_output(client):
    page = client.get("/", follow=True)
    assert page.redirect_chain == [("/sign-in/?next=%2F", 303)]
    assert "Nobody has an account here yet" in html(page)
    assert "The server printed an address" in html(page)
    assert "<form" not in html(page)


def test_the_first_run_makes_an_administrator_and_signs_in(client, token):
    assert "Make the account and sign in" in html(client.get(f"/welcome/{token}/"))
    page = client.post(f"/welcome/{token}/", ANSWERS, follow=True)
    assert page.redirect_chain == [("/", 303)]
    assert toasts(page) == ["Welcome, root. You administer this server."]
    user = User.objects.get()
    assert user.is_superuser
    assert page.wsgi_request.user == user


def test_the_address_works_once(client, token):
    client.post(f"/welcome/{token}/", ANSWERS)
    for response in (Client().get(f"/welcome/{token}/"), Client().post(f"/welcome/{token}/", ANSWERS)):
        assert response.status_code == 404
        assert "has been used, or is wrong" in html(response)
    assert User.objects.count() == 1


def test_a_wrong_address_makes_nothing(client, token):
    for wrong in (token[:-1], token + "x", "x", "é", "%00", token.upper()):
        assert client.get(f"/welcome/{wrong}/").status_code == 404
        assert client.post(f"/welcome/{wrong}/", ANSWERS).status_code == 404
    assert not User.objects.exists()


def test_a_second_administrator_at_the_same_moment_is_refused(client, token, monkeypatch):
    monkeypatch.setattr("sessions.views.accounts.is_first_run_token", lambda token: True)
    User.objects.create_user("quicker")
    response = client.post(f"/welcome/{token}/", ANSWERS)
    assert response.status_code == 404
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"username": ""}, "This field is required"),
        ({"username": "no spaces"}, "Enter a valid username"),
        ({"password1": "short", "password2": "short"}, "too short"),
        ({"password1": "password", "password2": "password"}, "too common"),
        ({"password2": "another one"}, "didn’t match"),
        ({"password1": "root-root-root", "username": "root-root-root"}, "too similar"),
    ],
)
def test_a_refusal_stays_on_the_page(client, token, changes, said):
    answers = ANSWERS | changes
    if "password1" in changes:
        answers["password2"] = answers["password1"]
    response = client.post(f"/welcome/{token}/", answers)
    assert response.status_code == 422
    assert said in html(response)
    assert f'value="{answers["username"]}"' in html(response) or not answers["username"]
    assert PASSWORD not in html(response)
    assert not User.objects.exists()


def test_sign_in_goes_where_one_wanted_to_go(client, alice):
    page = client.get("/archived/?sort=name", follow=True)
    assert 'name="next" value="/archived/?sort=name"' in html(page)
    response = client.post("/sign-in/", {"username": "alice", "password": PASSWORD, "next": "/archived/?sort=name"})
    assert (response.status_code, response["Location"]) == (302, "/archived/?sort=name")
    assert client.get("/sign-in/")["Location"] == "/", "who is signed in needs no form"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:x"])
def test_next_stays_on_the_site(client, alice, elsewhere):
    response = client.post("/sign-in/", {"username": "alice", "password": PASSWORD, "next": elsewhere})
    assert response["Location"] == "/"


@pytest.mark.parametrize(("username", "password"), [("alice", "wrong"), ("nobody", PASSWORD), ("alice", "")])
def test_a_failure_tells_not_what_was_wrong(client, alice, username, password):
    response = client.post("/sign-in/", {"username": username, "password": password})
    assert response.status_code == 422
    assert f'value="{username}"' in html(response)
    assert password == "" or "The username or the password is wrong" in html(response)
    assert "wrong" not in response.wsgi_request.session


def test_a_closed_account_stays_out(client, alice):
    alice.is_active = False
    alice.save()
    assert client.post("/sign-in/", {"username": "alice", "password": PASSWORD}).status_code == 422


def test_an_account_closed_meanwhile_is_refused_from_the_next_request_on(alice, alice_client):
    assert alice_client.get("/").status_code == 200
    alice.is_active = False
    alice.save()
    assert alice_client.get("/").status_code == 303


def test_ten_failures_lock_the_account_for_this_address(client, alice):
    for _ in range(9):
        assert client.post("/sign-in/", {"username": "alice", "password": "wrong"}).status_code == 422
    locked = client.post("/sign-in/", {"username": "alice", "password": "wrong"})
    assert locked.status_code == 429
    assert locked["Retry-After"] == "300"
    assert "Wait 5 minutes" in html(locked)
    assert client.post("/sign-in/", {"username": "alice", "password": PASSWORD}).status_code == 429
    elsewhere = Client(REMOTE_ADDR="10.1.2.3")
    assert elsewhere.post("/sign-in/", {"username": "alice", "password": PASSWORD}).status_code == 302


def test_a_success_forgets_the_failures(client, alice):
    for _ in range(9):
        client.post("/sign-in/", {"username": "alice", "password": "wrong"})
    assert client.post("/sign-in/", {"username": "alice", "password": PASSWORD}).status_code == 302
    client.post("/sign-out/")
    assert client.post("/sign-in/", {"username": "alice", "password": "wrong"}).status_code == 422


def test_htmx_never_gets_the_form_as_a_fragment(client, alice):
    response = client.get("/sign-in/", headers=htmx())
    assert response["HX-Redirect"] == "/sign-in/"
    assert response.content == b""


def test_sign_out_is_a_post(alice_client):
    assert alice_client.get("/sign-out/").status_code == 405
    assert alice_client.post("/sign-out/")["Location"] == "/sign-in/"
    assert alice_client.get("/").status_code == 303
