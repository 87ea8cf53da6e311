"""What every request passes. API calls with a token skip what belongs to pages: logins, forms, toasts."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.middleware.common import CommonMiddleware
from django.utils import timezone
from django_htmx.middleware import HtmxMiddleware
from django_structlog.middlewares import RequestMiddleware

from sessions.api.errors import problem_for_response

API = "/api/"
CURRENT_API = "/api/v1/"
SECRETS = ("welcome", "shared")  # what follows these in an address is as good as a password
_TAKE_IMPORTS = ("/import/", CURRENT_API + "sessions/import")
_TAKES_FILES = re.compile(r"/sessions/[^/]+/files/")
_FORM_BYTES = 2**20  # what a form has around its files
_OPEN_PROBES = ("/healthz", "/readyz")
_PROBES = (*_OPEN_PROBES, "/metrics")

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def is_api(request: HttpRequest) -> bool:
    """Whether the request is for the JSON API."""
    return request.path_info.startswith(API) or request.path_info == API.rstrip("/")


class NoBodyForHead:
    """HEAD is answered with the headers of GET alone; gunicorn would drop the body with a warning each time."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Drop the body; its length stays told."""
        response = self.get_response(request)
        if request.method == "HEAD" and isinstance(response, HttpResponse):
            response.content = b""
        return response


class UnversionedApi:
    """`/api/x` is `/api/v1/x`: the unversioned name of the current version."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Rewrite the path before anybody reads it."""
        path = request.path_info
        if path.startswith(API) and not path.startswith(CURRENT_API):
            request.path_info = CURRENT_API + path[len(API) :]
            request.path = request.path.removesuffix(path) + request.path_info
        return self.get_response(request)


class RequestLog(RequestMiddleware):
    """One line a request, with its id. What may be secret stays out: parameters and one-time addresses."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """The method and the path alone."""
        path = request.path
        first, _, rest = path.removeprefix("/").partition("/")
        return f"{request.method} /{first}/…" if first in SECRETS and rest else f"{request.method} {path}"


class UploadLimit:
    """A form that may hold files is measured before anybody reads it into temporary files."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Refuse with 413 what is longer than its address takes."""
        if request.content_type == "multipart/form-data":
            limit = _longest_form(request.path_info)
            length = request.META.get("CONTENT_LENGTH") or "0"
            if length.isdecimal() and int(length) > limit:
                return HttpResponse("The upload is larger than this server takes.", "text/plain", 413)
        return self.get_response(request)


def _longest_form(path: str) -> int:
    if path in _TAKE_IMPORTS:
        return settings.MAX_IMPORT_BYTES + _FORM_BYTES
    if _TAKES_FILES.fullmatch(path):
        return settings.WORKSPACE_QUOTA_BYTES + _FORM_BYTES  # each of them has MAX_UPLOAD_BYTES at most
    return settings.DATA_UPLOAD_MAX_MEMORY_SIZE


class ApiProblems:
    """Everything under `/api` that goes wrong outside a route is a problem+json too."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Replace an error page by a problem of the same status."""
        response = self.get_response(request)
        if response.status_code >= 400 and is_api(request):
            return problem_for_response(request, response)
        return response


class _PagesOnly:
    """Mixin: the middleware is passed by for API calls with a token, and for probes."""

    get_response: Callable[..., Any]

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Run the middleware for pages and for the API's browser login alone."""
        if request.path_info in _PROBES or (is_api(request) and "Authorization" in request.headers):
            passed_by: HttpResponseBase = self.get_response(request)
            return passed_by
        return super().__call__(request)  # type: ignore[misc, no-any-return]  # the middleware mixed in


class CheckedHost(CommonMiddleware):
    """Django's common middleware. Whether the process lives is told under any name: who asks knows but its address."""

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        """Refuse names that aren't ours."""
        return None if request.path_info in _OPEN_PROBES else super().process_request(request)


class PageSessions(_PagesOnly, SessionMiddleware):
    """Django's logins, for pages."""


class PageAuthentication(_PagesOnly, AuthenticationMiddleware):
    """The signed-in user, for pages."""


class PageMessages(_PagesOnly, MessageMiddleware):
    """Toasts, for pages."""


class PageHtmx(_PagesOnly, HtmxMiddleware):
    """`request.htmx`, for pages."""


class PrivatePages:
    """What a signed-in person sees stays out of every cache."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Mark answers to signed-in people, and answers of the API, as private and not to be stored."""
        response = self.get_response(request)
        user = getattr(request, "user", None)
        if is_api(request) or (user is not None and user.is_authenticated):
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class ReaderTimeZone:
    """Pages show times in the reader's own zone, which js/page.js writes into the cookie `zone`; UTC without it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Speak the reader's time for one request; the API speaks UTC."""
        if is_api(request):
            return self.get_response(request)
        with timezone.override(_zone(request.COOKIES.get("zone", ""))):
            return self.get_response(request)


@lru_cache(maxsize=600)
def _zone(name: str) -> ZoneInfo | None:
    """The zone of this name; None, which is the site's own, for one that nobody knows."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
