"""Every error of the API has one shape: `application/problem+json` (RFC 9457) with a stable code."""

import sqlite3
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import RawPostDataException, UnreadablePostError
from django.http.response import HttpResponseBase
from ninja.errors import AuthenticationError, HttpError, ValidationError

from sessions import exceptions
from sessions.api.validation import located

PROBLEM = "application/problem+json"
RETRY_SECONDS = "2"
_OF_BODIES = (
    RequestDataTooBig,
    RawPostDataException,
    UnreadablePostError,
    MultiPartParserError,
    TooManyFilesSent,
    TooManyFieldsSent,
)
_POSTGRESQL_DISK_FULL = "53100"

# What an error of the domain is in HTTP; the closest class counts.
STATUS: Mapping[type[exceptions.SessionError], int] = {
    exceptions.Impossible: 400,
    exceptions.NotAllowed: 403,
    exceptions.NotFound: 404,
    exceptions.Conflict: 409,
    exceptions.StaleVersion: 412,
    exceptions.TooLarge: 413,
    exceptions.Invalid: 422,
    exceptions.StorageError: 503,
    exceptions.StorageFull: 507,
    exceptions.VectorStoreError: 503,
    exceptions.IndexerNotInstalled: 503,
    exceptions.ModelServerError: 502,
    exceptions.ModelServerNotConfigured: 503,
    exceptions.ModelServerBusy: 503,
}
_WITH_STATE = (409, 412, 413)  # these say what the state is that the request didn't fit

# What Django or the server refuses before a route is reached: code, and what to do.
_OUTSIDE: Mapping[int, tuple[str, str]] = {
    400: ("bad_request", "The request can't be read. Check its address, its Host header and its parameters."),
    403: ("forbidden", "You may not do this."),
    404: ("unknown_address", "There is nothing at this address. The addresses are listed at /api/v1/docs."),
    405: ("method_not_allowed", "This address doesn't know the method. The header Allow names those that it knows."),
    413: ("too_large", "The request is larger than the server takes."),
    429: ("too_many_requests", "Too many requests. Wait for the seconds in the header Retry-After."),
    500: ("server_error", "Something went wrong here, and it has been logged. Tell your administrator the request_id."),
    503: ("unavailable", "The service can't answer now. Try again in a moment."),
}
_NO_SLASH = "There is nothing at this address: addresses of the API have no slash at their end."


class Problem(Exception):
    """An error of the API itself, which the domain knows nothing of."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Iterable[tuple[str, str]] = (),
        state: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = list(errors)
        self.state = dict(state or {})
        self.headers = dict(headers or {})

    def body(self) -> bytes:
        """The problem as JSON. `errors`, `state` and `request_id` are there where they say something."""
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        if self.errors:
            document["errors"] = [{"loc": loc, "message": message} for loc, message in self.errors]
        if self.state:
            document["state"] = self.state
        if self.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            document["request_id"] = structlog.contextvars.get_contextvars().get("request_id")
        return orjson.dumps(document, option=orjson.OPT_UTC_Z)

    def response(self) -> HttpResponse:
        """The problem as an answer."""
        return HttpResponse(self.body(), status=self.status, content_type=PROBLEM, headers=self.headers)


def invalid(loc: str, message: str) -> exceptions.Invalid:
    """One value that breaks a rule of the API."""
    return exceptions.Invalid("The request holds a value that can't be used.", errors=[(loc, message)])


def relocated(
    error: exceptions.Invalid | exceptions.TooLarge, places: Mapping[str, str]
) -> exceptions.Invalid | exceptions.TooLarge:
    """The error with an operation's names replaced by those that the caller sent; the first that fits counts."""

    def told(text: str) -> str:
        for place, sent in places.items():
            if text.startswith(place):
                return sent + text.removeprefix(place)
        return text

    error.detail = told(error.detail)
    if isinstance(error, exceptions.Invalid):
        error.errors = [(told(loc), message) for loc, message in error.errors]
    return error


def unauthenticated(detail: str, code: str = "not_authenticated") -> Problem:
    """401, with the scheme to use."""
    challenge = 'Bearer realm="ResearchMind"' + (', error="invalid_token"' if code == "invalid_token" else "")
    return Problem(401, code, detail, headers={"WWW-Authenticate": challenge})


def problem_of(error: Exception) -> Problem | None:
    """What an exception means to the caller; None for one that is our own mistake (500)."""
    match error:
        case Problem():
            return error
        case exceptions.SessionError():
            return _of_domain(error)
        case ValidationError():
            return Problem(422, "invalid", "The request doesn't have the right form.", errors=located(error.errors))
        case AuthenticationError():
            return unauthenticated("Send a token: `Authorization: Bearer rm_…`. Settings, API tokens, makes one.")
        case HttpError() if isinstance(error.__cause__, Exception):  # what the body's parser raised
            return problem_of(error.__cause__)
        case _ if isinstance(error, _OF_BODIES):
            return _of_body(error)
        case OperationalError() | InterfaceError():
            return _of_database(error)
    return None


def _of_body(error: Exception) -> Problem:
    """What is wrong with a body that Django couldn't read."""
    match error:
        case RequestDataTooBig():
            return Problem(413, "too_large", _OUTSIDE[413][1])
        case RawPostDataException():  # a form was read in its place
            return Problem(415, "unsupported_media_type", "Send the body as JSON, with Content-Type: application/json.")
        case UnreadablePostError():
            return Problem(400, "incomplete_request", "The request's body ended too early. Send it again.")
    return Problem(400, "bad_request", "The form can't be read. Send it as multipart/form-data, with its files.")


def _of_domain(error: exceptions.SessionError) -> Problem:
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    return Problem(
        status,
        error.code,
        error.detail,
        errors=error.errors if isinstance(error, exceptions.Invalid) else (),
        state=error.state if status in _WITH_STATE else None,
        headers={"Retry-After": RETRY_SECONDS} if status == HTTPStatus.SERVICE_UNAVAILABLE else None,
    )


def _of_database(error: Exception) -> Problem:
    cause = error.__cause__
    is_full = (
        getattr(cause, "sqlstate", None) == _POSTGRESQL_DISK_FULL
        or getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    )
    if is_full:
        return Problem(507, "storage_full", "The database's disk is full. Nothing was changed.")
    return Problem(
        503,
        "database_unavailable",
        "The database can't be reached or is busy. Nothing was changed; try again in a moment.",
        headers={"Retry-After": RETRY_SECONDS},
    )


def handle(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    """Answer an exception of a route; what isn't expected goes on to Django, which logs it."""
    problem = problem_of(error) if isinstance(error, Exception) else None
    if problem is None:
        raise error
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        structlog.get_logger(__name__).warning("api_unavailable", code=problem.code, error=str(error))
    return problem.response()


def problem_for_response(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Turn an answer of 400 and more that no route made into a problem, keeping its headers."""
    if not isinstance(response, HttpResponse) or response.headers.get("Content-Type") == PROBLEM:
        return response
    code, detail = _OUTSIDE.get(response.status_code, ("error", HTTPStatus(response.status_code).phrase))
    if code == "unknown_address" and request.path_info.endswith("/"):
        detail = _NO_SLASH
    response.content = Problem(response.status_code, code, detail).body()
    response.headers["Content-Type"] = PROBLEM
    if "Content-Length" in response.headers:
        response.headers["Content-Length"] = str(len(response.content))
    if "Allow" in response.headers:
        response.headers["Allow"] = ", ".join(sorted(response.headers["Allow"].replace(" ", "").split(",")))
    return response
