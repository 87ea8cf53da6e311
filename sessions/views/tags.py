"""Stub, being written."""

from django.http import HttpRequest, HttpResponse

from sessions.views.page import page, render_page


@page("GET", "POST")
def all_tags(request: HttpRequest, **kwargs: object) -> HttpResponse:
    """Stub."""
    return render_page(request, "shell.html")
