"""Stub, being written."""

from django.http import HttpRequest, HttpResponse

from sessions.views.page import page, render_page


@page("GET", "POST")
def welcome(request: HttpRequest, **kwargs: object) -> HttpResponse:
    """Stub."""
    return render_page(request, "shell.html")


@page("GET", "POST")
def sign_in(request: HttpRequest, **kwargs: object) -> HttpResponse:
    """Stub."""
    return render_page(request, "shell.html")


@page("GET", "POST")
def sign_out(request: HttpRequest, **kwargs: object) -> HttpResponse:
    """Stub."""
    return render_page(request, "shell.html")


def locked_out(request, response, credentials, *a, **k): ...
