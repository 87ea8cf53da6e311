"""Who calls: a bearer token, or the browser's login with its CSRF token."""

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from ninja.security import HttpBearer
from ninja.security.session import SessionAuth

from sessions.access import Actor
from sessions.api.errors import Problem, unauthenticated
from sessions.exceptions import TokenRefused
from sessions.operations.tokens import actor_of_token

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")


class ApiRequest(HttpRequest):
    """A request that has passed authentication."""

    auth: Actor


class Token(HttpBearer):
    """`Authorization: Bearer rm_…`. Made under Settings, API tokens, or with `manage.py create_token`."""

    def __call__(self, request: HttpRequest) -> Actor | None:
        """Return who the token speaks for; None without the header. Raises Problem for a token that is no good."""
        header = request.headers.get("Authorization")
        if header is None:
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise unauthenticated("Send `Authorization: Bearer rm_…`; no other scheme is known here.", "invalid_token")
        return self.authenticate(request, token.strip())

    def authenticate(self, request: HttpRequest, token: str) -> Actor:
        """Return who a plain token speaks for. Raises Problem if it is unknown, revoked or expired."""
        try:
            return actor_of_token(token)
        except TokenRefused as error:
            raise unauthenticated(error.detail, error.code) from None


class Login(SessionAuth):
    """The browser's login; anything that changes something needs the header X-CSRFToken with it."""

    def __call__(self, request: HttpRequest) -> Actor | None:
        """Return who is signed in, or None. Raises Problem where the CSRF token is missing or wrong."""
        if "Authorization" in request.headers or not request.user.is_authenticated:
            return None
        if request.method not in _SAFE_METHODS:
            _check_csrf(request)
        return Actor.of(request.user)


class _Csrf(CsrfViewMiddleware):
    """Django's check, answering with the reason alone instead of a page."""

    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


def _no_answer(request: HttpRequest) -> HttpResponseBase:
    raise AssertionError("the check doesn't go on to a view")


def _check_csrf(request: HttpRequest) -> None:
    check = _Csrf(_no_answer)
    request.csrf_processing_done = False  # type: ignore[attr-defined]  # routes of ninja are exempt until here
    check.process_request(request)
    reason = check.process_view(request, _no_answer, (), {})
    if reason:
        raise Problem(403, "csrf_failed", f"{reason} Send the cookie csrftoken's value as the header X-CSRFToken.")


AUTHENTICATION = (Token(), Login())
