"""The readable documentation: one page made on the server from the OpenAPI document, no script needed."""

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase

from sessions.api.reference import PREFIX, Reference, reference


class Docs(DocsBase):
    """The page at /api/v1/docs."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        """Render the page."""
        context = {
            "reference": _reference(api),
            "openapi_url": self.get_openapi_url(api, kwargs),
            "base_url": request.build_absolute_uri(PREFIX),
        }
        return render(request, "api/docs.html", context)


@cache
def _reference(api: NinjaAPI) -> Reference:
    return reference(api.get_openapi_schema())
