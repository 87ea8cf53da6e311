"""What every page of a signed-in person has in common: `@page("GET", "POST")`."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from sessions.exceptions import SessionError
from sessions.htmx import PageRequest, current_address, go_to, wants_fragment
from sessions.views.errors import problem
from sessions.views.shell import shell_context

P = ParamSpec("P")
_SAFE = ("GET", "HEAD")


def page(
    *methods: str,
) -> Callable[
    [Callable[Concatenate[PageRequest, P], HttpResponseBase]], Callable[Concatenate[HttpRequest, P], HttpResponseBase]
]:
    """Allow these methods to signed-in people, and turn the domain's errors into answers.

    Another method is 405. Somebody who isn't signed in goes to the sign-in page and comes back.
    """
    allowed = [*methods, "HEAD"] if "GET" in methods else list(methods)

    def decorate(
        view: Callable[Concatenate[PageRequest, P], HttpResponseBase],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
        @wraps(view)
        def wrapped(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if request.method not in allowed:
                return HttpResponseNotAllowed(allowed)
            if not request.user.is_authenticated:
                return sign_in_first(request)
            try:
                response = view(cast("PageRequest", request), *args, **kwargs)
            except SessionError as error:
                response = problem(request, error)
            patch_vary_headers(response, ["HX-Request"])
            return response

        return wrapped

    return decorate


def render_page(
    request: HttpRequest, template: str, context: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    """Render a template that extends `shell.html`: the sidebar's content is added."""
    return render(request, template, shell_context(request) | (context or {}), status=status)


def sign_in_first(request: HttpRequest) -> HttpResponse:
    """Send to the sign-in page. htmx never gets that page as a fragment, and what was typed stays where it is."""
    if not wants_fragment(request):
        back = request.get_full_path() if request.method in _SAFE else reverse("session_list")
        return go_to(request, f"{reverse('sign_in')}?{urlencode({'next': back})}")
    address = f"{reverse('sign_in')}?{urlencode({'next': current_address(request)})}"
    if request.method in _SAFE:
        response = go_to(request, address)
        response.status_code = 401
        return response
    return render(request, "sessions/_signed_out.html", {"address": address}, status=401)
