"""The project's addresses, and a view that returns a constant: once as an API call, once as a page."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from researchmind.urls import handler403, handler404, handler500
from researchmind.urls import urlpatterns as addresses

__all__ = ["handler403", "handler404", "handler500", "urlpatterns"]


def constant(request: HttpRequest) -> HttpResponse:
    """Answer without doing anything."""
    return HttpResponse(b'{"answer": 42}', content_type="application/json")


urlpatterns = [path("api/v1/constant", constant), path("constant/", constant), *addresses]
