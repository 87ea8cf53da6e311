"""Who calls: tokens, the browser's login, and nobody."""

from datetime import timedelta

import pytest
from django.utils import timezone

from sessions.models import ApiToken
from sessions.operations.tokens import create_token, revoke_token
from tests.api.contract import ContractClient, assert_problem
from tests.statements import assert_statements

ME = "/api/v1/me"


@pytest.fixture
def browser(alice):
    """A browser in which Alice is signed in, and which is asked for CSRF tokens."""
    client = ContractClient(enforce_csrf_checks=True)
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_a_token(owner, alice, alice_token):
    assert owner.get(ME).json() == {
        "user_id": alice.pk,
        "username": "alice",
        "is_administrator": False,
        "token": {"name": "alice's token", "scope": "write", "session_id": None},
    }
    assert alice_token not in owner.get(ME).content.decode()


def test_an_administrator(api, ada_token):
    assert api(ada_token).get(ME).json()["is_administrator"] is True


def test_a_token_of_one_session(api, alice, session):
    limited = api(create_token(actor=alice, name="one", session_id=session.pk)[1])
    assert limited.get(ME).json()["token"]["session_id"] == str(session.pk)


def test_nobody(anybody):
    problem = assert_problem(anybody.get(ME), 401, "not_authenticated")
    assert "Bearer" in problem["detail"]


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer rm_", "Bearer rm_wrong", "Bearer x", "Basic YWxpY2U6eA==", "Token rm_x", "rm_x",
     "Bearer rm_ä", "Bearer rm_x rm_y"],
)  # fmt: skip
def test_bad_headers(api, header):
    answer = ContractClient(headers={"Authorization": header}).get(ME)
    assert_problem(answer, 401, "invalid_token")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_the_scheme_in_any_case(alice_token):
    assert ContractClient(headers={"Authorization": f"bEARER  {alice_token}"}).get(ME).status_code == 200


@pytest.mark.parametrize("parameter", ["token", "access_token", "api_key"])
def test_not_in_addresses(anybody, alice_token, parameter):
    assert_problem(anybody.get(f"{ME}?{parameter}={alice_token}"), 401)


def test_revoked_expired_and_of_a_disabled_user(api, alice, alice_token):
    client = api(alice_token)
    token = ApiToken.objects.get(user=alice)
    token.expires_at = timezone.now() + timedelta(minutes=1)
    token.save()
    assert client.get(ME).status_code == 200
    token.expires_at = timezone.now() - timedelta(seconds=1)
    token.save()
    assert_problem(client.get(ME), 401, "invalid_token")
    token.expires_at = None
    token.save()
    alice.is_active = False
    alice.save()
    assert_problem(client.get(ME), 401, "invalid_token")
    alice.is_active = True
    alice.save()
    assert client.get(ME).status_code == 200
    revoke_token(actor=alice, token_id=token.pk)
    assert_problem(client.get(ME), 401, "invalid_token")


def test_the_last_use_is_noted_once_a_minute(owner, alice):
    assert ApiToken.objects.get(user=alice).last_used_at is None
    owner.get(ME)
    first = ApiToken.objects.get(user=alice).last_used_at
    assert first is not None
    with assert_statements(exactly=1):
        owner.get(ME)
    assert ApiToken.objects.get(user=alice).last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(minutes=1))
    owner.get(ME)
    assert ApiToken.objects.get(user=alice).last_used_at > first - timedelta(seconds=30)


def test_a_login_reads(browser):
    assert browser.get(ME).json()["token"] is None


def test_a_login_writes_with_its_csrf_token_only(browser, session, url):
    assert_problem(browser.post(f"{url}/archive"), 403, "csrf_failed")
    assert_problem(browser.post(f"{url}/archive", headers={"X-CSRFToken": "x" * 32}), 403, "csrf_failed")
    token = "a" * 32
    browser.cookies["csrftoken"] = token
    assert_problem(browser.post(f"{url}/archive", headers={"X-CSRFToken": "b" * 32}), 403, "csrf_failed")
    assert browser.post(f"{url}/archive", headers={"X-CSRFToken": token}).status_code == 200
    assert_problem(
        browser.post(f"{url}/restore", headers={"X-CSRFToken": token, "Origin": "https://evil.example"}),
        403,
        "csrf_failed",
    )
    session.refresh_from_db()
    assert session.status == "archived"


def test_a_form_of_another_site_does_nothing(browser, session, url):
    """What a form on another page can send: no header of its own, and no JSON."""
    for content_type in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"):
        assert_problem(browser.post(f"{url}/archive", "a=b", content_type=content_type), 403, "csrf_failed")


def test_a_form_with_the_token_is_no_json(browser, url):
    """Django reads a form to find the token in it; the body is gone then."""
    token = "a" * 32
    browser.cookies["csrftoken"] = token
    body = f'--x\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n{token}\r\n--x--\r\n'
    answer = browser.post(f"{url}/messages", body, content_type="multipart/form-data; boundary=x")
    assert_problem(answer, 415, "unsupported_media_type")


def test_a_login_of_a_disabled_user(browser, alice):
    alice.is_active = False
    alice.save()
    assert_problem(browser.get(ME), 401, "not_authenticated")


def test_a_token_beside_a_login_counts(browser, mallory_token, alice):
    assert browser.get(ME, headers={"Authorization": f"Bearer {mallory_token}"}).json()["username"] == "mallory"
    assert_problem(browser.get(ME, headers={"Authorization": "Bearer rm_wrong"}), 401)


def test_a_token_is_one_read(owner):
    owner.get(ME)
    with assert_statements(exactly=1) as statements:
        owner.get(ME)
    assert "JOIN" in statements[0]
