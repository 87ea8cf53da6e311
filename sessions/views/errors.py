"""Pages for what goes wrong: not yours, not there, not now. Under /api the API's middleware makes problems of them."""

import sys
from http import HTTPStatus

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from sessions import exceptions
from sessions.htmx import wants_fragment
from sessions.views.toasts import toast

_RETRY_SECONDS = 2

_STATUS: tuple[tuple[type[exceptions.SessionError], int], ...] = (
    (exceptions.NotFound, HTTPStatus.NOT_FOUND),
    (exceptions.NotAllowed, HTTPStatus.FORBIDDEN),
    (exceptions.Invalid, HTTPStatus.UNPROCESSABLE_ENTITY),
    (exceptions.TooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (exceptions.Conflict, HTTPStatus.CONFLICT),
    (exceptions.StaleVersion, HTTPStatus.CONFLICT),
    (exceptions.Impossible, HTTPStatus.BAD_REQUEST),
    (exceptions.StorageFull, HTTPStatus.INSUFFICIENT_STORAGE),
    (exceptions.StorageError, HTTPStatus.SERVICE_UNAVAILABLE),
    (exceptions.VectorStoreError, HTTPStatus.SERVICE_UNAVAILABLE),
    (exceptions.IndexerNotInstalled, HTTPStatus.SERVICE_UNAVAILABLE),
    (exceptions.ModelServerNotConfigured, HTTPStatus.SERVICE_UNAVAILABLE),
    (exceptions.ModelServerBusy, HTTPStatus.SERVICE_UNAVAILABLE),
    (exceptions.ModelServerError, HTTPStatus.BAD_GATEWAY),
)

_TITLES = {
    400: "That can't be done",
    403: "That isn't yours to do",
    404: "Nothing here",
    409: "It has changed meanwhile",
    413: "That is too large",
    422: "That doesn't fit",
    502: "The model server doesn't answer",
    503: "Not right now",
    507: "The disk is full",
}


def status_of(error: exceptions.SessionError) -> int:
    """The HTTP status that says what this error says."""
    return int(next((status for kind, status in _STATUS if isinstance(error, kind)), HTTPStatus.BAD_REQUEST))


def sentence_of(error: exceptions.SessionError) -> str:
    """The error for people: what happened, and what each value should be."""
    if isinstance(error, exceptions.Invalid) and error.errors:
        return f"{error.detail} {' '.join(advice for _, advice in error.errors)}"
    return error.detail


def problem(request: HttpRequest, error: exceptions.SessionError) -> HttpResponse:
    """Answer with a domain error: a toast where htmx asked, else a page."""
    status = status_of(error)
    if wants_fragment(request):
        toast(request, sentence_of(error), problem=True)
        return render(request, "fragment.html", status=status)
    return _page(request, status, sentence_of(error))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403 (handler403)."""
    return _page(request, 403, "You are signed in, but this needs rights that your account doesn't have.")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404 (handler404)."""
    return _page(request, 404, "There is no page at this address. Perhaps it was moved, or deleted for ever.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose proof of origin is missing or too old (CSRF_FAILURE_VIEW)."""
    sentence = (
        "The form came from a page that was opened before you last signed in, or cookies are blocked. "
        "Nothing was changed. Go back, reload the page and send it again."
    )
    return _page(request, 403, sentence, title="The form is out of date")


def wrong_method(request: HttpRequest, allowed: list[str]) -> HttpResponse:
    """405 with a page: somebody opened an address that only takes forms, by reloading what a form had answered."""
    sentence = (
        "This address takes what a form sends, and shows nothing by itself. Go back, or start from your sessions."
    )
    response = _page(request, 405, sentence, title="There is no page here")
    response.headers["Allow"] = ", ".join(allowed)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """500 (handler500), or 503 while the database is away. Uses neither the database nor the login."""
    away = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    status = 503 if away else 500
    context = {"away": away, "request_id": structlog.contextvars.get_contextvars().get("request_id", "")}
    response = HttpResponse(render_to_string("500.html", context), status=status)
    if away:
        response.headers["Retry-After"] = str(_RETRY_SECONDS)
    return response


def _page(request: HttpRequest, status: int, sentence: str, *, title: str = "") -> HttpResponse:
    context = {"status": status, "title": title or _TITLES.get(status, "Something went wrong"), "sentence": sentence}
    return render(request, "problem.html", context, status=status)
