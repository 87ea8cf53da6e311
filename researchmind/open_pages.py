"""Open pages ask each second or two whether anything has changed. That nothing has is said here, in front of Django.

So a page that is left open costs next to nothing, and the log holds what happened alone.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse
from django.http.cookie import parse_cookie
from django.middleware.security import SecurityMiddleware

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
_ADDRESS = "/live/"
_HOST = ("HTTP_HOST", "HTTP_X_FORWARDED_HOST", "SERVER_NAME", "SERVER_PORT")


class OpenPages:
    """Answers 204, or hands on what isn't such a question or has another answer."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Look, unless it is something else; a database that is away is told by Django, as to everybody."""
        if environ["PATH_INFO"].endswith(_ADDRESS) and environ["REQUEST_METHOD"] == "GET" and _nothing_new(environ):
            start_response("204 No Content", _headers())
            return []
        return self._application(environ, start_response)


def _nothing_new(environ: Environ) -> bool:
    from sessions.views.live import nothing_new  # models are there once Django is set up

    login_key = parse_cookie(environ.get("HTTP_COOKIE", "")).get(settings.SESSION_COOKIE_NAME, "")
    if not login_key or not _is_our_host(*(environ.get(name, "") for name in _HOST)):
        return False
    try:
        return nothing_new(environ["PATH_INFO"], environ.get("QUERY_STRING", ""), login_key)
    except (DatabaseError, InterfaceError):
        return False
    finally:
        connection.close_if_unusable_or_obsolete()


@lru_cache(maxsize=100)
def _is_our_host(*values: str) -> bool:
    request = HttpRequest()
    request.META = dict(zip(_HOST, values, strict=True))
    try:
        return bool(request.get_host())
    except DisallowedHost:
        return False


@lru_cache(maxsize=1)
def _headers() -> list[tuple[str, str]]:
    """What every page's answer carries: made once, because it is the same for all of them."""
    request, response = HttpRequest(), HttpResponse(status=204)
    SecurityMiddleware(lambda request: response).process_response(request, response)
    CSPMiddleware(lambda request: response).process_response(request, response)
    response.headers["Cache-Control"] = "private, no-store"
    del response.headers["Content-Type"]
    return list(response.headers.items())
