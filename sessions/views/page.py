"""What every page of a signed-in person has in common: `@page("GET", "POST")`."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from sessions.exceptions import SessionError
from sessions.htmx import PageRequest, current_address, go_to, wants_fragment
from sessions.views.errors import problem, wrong_method
from sessions.views.shell import shell_context

View = Callable[..., HttpResponseBase]
_SAFE = ("GET", "HEAD")


def page(*methods: str) -> Callable[[View], View]:
    """Allow these methods to signed-in people, and turn the domain's errors into answers.

    Another method is 405. Somebody who isn't signed in goes to the sign-in page and comes back.
    """
    allowed = [*methods, "HEAD"] if "GET" in methods else list(methods)

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            if request.method not in allowed:
                return wrong_method(request, allowed)
            if not request.user.is_authenticated:
                return sign_in_first(request)
            try:
                response = view(request, **kwargs)
            except SessionError as error:
                response = problem(request, error)
            patch_vary_headers(response, ["HX-Request"])
            return response

        return wrapped

    return decorate


def render_page(
    request: PageRequest,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    status: int = 200,
    here: str = "",
    tag: str = "",
) -> HttpResponse:
    """Render a template that extends `shell.html`. `here` is the sidebar's current place by its URL name, or `tag`."""
    return render(request, template, shell_context(request, here=here, tag=tag) | (context or {}), status=status)


def is_live(request: HttpRequest) -> bool:
    """Whether an open page asks what is new, and not its reader."""
    return wants_fragment(request) and request.htmx.trigger == "live"  # type: ignore[attr-defined]  # PageHtmx set it


def over(request: HttpRequest, status: int, *, sign_in: str = "") -> HttpResponse:
    """Tell an open page that it needn't ask any more: its reader is signed out, or what it shows has gone."""
    return render(request, "sessions/_live_over.html", {"sign_in": sign_in}, status=status)


def sign_in_first(request: HttpRequest) -> HttpResponse:
    """Send to the sign-in page. htmx never gets that page as a fragment, and what was typed stays where it is."""
    if not wants_fragment(request):
        back = request.get_full_path() if request.method in _SAFE else reverse("session_list")
        return go_to(request, f"{reverse('sign_in')}?{urlencode({'next': back})}")
    address = f"{reverse('sign_in')}?{urlencode({'next': current_address(request)})}"
    if is_live(request):
        return over(request, 401, sign_in=address)
    if request.method in _SAFE:
        response = go_to(request, address)
        response.status_code = 401
        return response
    return render(request, "sessions/_signed_out.html", {"address": address}, status=401)
