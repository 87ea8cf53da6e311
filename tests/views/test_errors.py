"""Pages for what goes wrong."""

import re

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.test import Client, RequestFactory

from sessions import exceptions
from sessions.api.errors import STATUS
from sessions.views import errors
from tests.views.pages import html, htmx, toasts

pytestmark = pytest.mark.django_db


@pytest.fixture
def failing(alice, monkeypatch):
    """A browser for which the sessions page raises what it is told to."""

    def raise_at_home(error: Exception) -> Client:
        def fail(*args, **kwargs):
            raise error

        monkeypatch.setattr("sessions.views.lists.page_of", fail)
        client = Client(raise_request_exception=False)
        client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return raise_at_home


def test_not_found(client, alice_client):
    for response in (client.get("/nowhere/"), alice_client.get("/nowhere/")):
        assert response.status_code == 404
        assert "Nothing here" in html(response)
        assert "script-src 'self'" in response["Content-Security-Policy"]


def test_an_address_for_forms_alone(alice_client):
    """Reloading what a form has answered shows a page too."""
    response = alice_client.get("/sessions/actions/")
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert "There is no page here" in html(response)


def test_a_slash_is_added(alice_client):
    assert alice_client.get("/archived")["Location"] == "/archived/"


def test_forbidden(failing):
    response = failing(PermissionDenied()).get("/")
    assert response.status_code == 403
    assert "That isn&#x27;t yours to do" in html(response)


def test_a_failure_says_how_the_log_calls_it_and_nothing_else(failing):
    response = failing(RuntimeError("a secret detail")).get("/")
    assert response.status_code == 500
    assert "Something broke on our side" in html(response)
    assert re.search(r"The log calls this request <code>[0-9a-f-]{36}</code>", html(response))
    assert "secret" not in html(response)
    assert "Traceback" not in html(response)


def test_a_database_that_is_away_is_503(failing):
    response = failing(OperationalError("could not connect to db.internal")).get("/")
    assert response.status_code == 503
    assert response["Retry-After"] == "2"
    assert "The database can’t be reached" in html(response)
    assert "internal" not in html(response)


def test_the_failure_page_needs_neither_database_nor_login():
    request = RequestFactory().get("/")
    assert errors.server_error(request).status_code == 500


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (exceptions.SessionNotFound("x"), 404),
        (exceptions.NotAllowed("no"), 403),
        (exceptions.Invalid("no", errors=[("name", "Shorter, please.")]), 422),
        (exceptions.TooLarge("no"), 413),
        (exceptions.AmbiguousId("no"), 409),
        (exceptions.StaleVersion("no"), 409),
        (exceptions.NotAUserMessage("no"), 400),
        (exceptions.StorageFull("no"), 507),
        (exceptions.StorageError("no"), 503),
        (exceptions.SessionError("no"), 400),
    ],
)
def test_domain_errors_are_pages_and_toasts(failing, error, status):
    client = failing(error)
    page = client.get("/")
    assert page.status_code == status
    assert error.detail in html(page).replace("&#x27;", "'")
    fragment = client.get("/", headers=htmx())
    assert fragment.status_code == status
    assert "<html" not in html(fragment)
    assert toasts(fragment)[0].startswith(error.detail)


def test_a_refused_value_says_what_would_do(failing):
    error = exceptions.Invalid("The name is too long.", errors=[("name", "At most 255 characters.")])
    assert "The name is too long. At most 255 characters." in html(failing(error).get("/"))


def test_an_old_form(alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    response = client.post("/sessions/new/", {"name": "x"})
    assert response.status_code == 403
    assert "Nothing was changed. Go back, reload the page" in html(response)


def test_head_is_get_without_a_body(alice_client):
    response = alice_client.head("/")
    assert response.status_code == 200
    assert response.content == b""


def test_pages_answer_each_error_with_the_status_that_the_api_answers():
    """But for a version that is stale, which a page tells as a conflict."""
    for kind, status in STATUS.items():
        error = kind.__new__(kind)
        assert errors.status_of(error) == (409 if kind is exceptions.StaleVersion else status), kind
