"""Stub, being written."""

from django.http import HttpRequest, HttpResponse

from sessions.views.page import page, render_page


@page("GET", "POST")
def session_list(request: HttpRequest, **kwargs: object) -> HttpResponse:
    """Stub."""
    return render_page(request, "shell.html")


@page("GET", "POST")
def pinned(request: HttpRequest, **kwargs: object) -> HttpResponse:
    """Stub."""
    return render_page(request, "shell.html")


@page("GET", "POST")
def archived(request: HttpRequest, **kwargs: object) -> HttpResponse:
    """Stub."""
    return render_page(request, "shell.html")


@page("GET", "POST")
def trashed(request: HttpRequest, **kwargs: object) -> HttpResponse:
    """Stub."""
    return render_page(request, "shell.html")
