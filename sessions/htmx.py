"""HTMX mechanics: one URL gives a page or a fragment, and no answer paints a page into a fragment."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

if TYPE_CHECKING:
    from django.contrib.auth.models import User


_LONGEST_ADDRESS = 2000  # Django redirects to nothing longer than 2,048


class PageRequest(HttpRequest):
    """A signed-in person's request, as views get it."""

    htmx: HtmxDetails
    user: "User"


def wants_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page; going back in the history asks for the whole again."""
    htmx: HtmxDetails | None = getattr(request, "htmx", None)
    return bool(htmx) and htmx is not None and not htmx.history_restore_request


def fragment(
    request: HttpRequest, template: str, context: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    """Render a part of a page, with the toasts that wait."""
    extras = {"fragment": template, "here_address": current_address(request)}
    response = render(request, "fragment.html", extras | (context or {}), status=status)
    response.headers["HX-Push-Url"] = "false"  # a boosted link that fetches a fragment leaves the page's address alone
    return response


def go_to(request: HttpRequest, address: str) -> HttpResponse:
    """Send the reader to another page: a redirect, or htmx's way of one."""
    if wants_fragment(request):
        return HttpResponseClientRedirect(address)
    return HttpResponseRedirect(address, status=303)


def current_address(request: HttpRequest) -> str:
    """Path and query of the page that the reader looks at; for a fragment, of the page around it."""
    if wants_fragment(request):
        shown = urlsplit(request.htmx.current_url_abs_path or "")  # type: ignore[attr-defined]  # PageHtmx set it
        return f"{shown.path}?{shown.query}" if shown.query else shown.path or "/"
    return request.get_full_path()


def next_address(request: HttpRequest, default: str = "session_list") -> str:
    """Where the form wants to go afterwards (`next`), if that is on this site; else the page called `default`."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    fits = wanted.startswith("/") and len(wanted) <= _LONGEST_ADDRESS
    if fits and url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()):
        return wanted
    return reverse(default)
