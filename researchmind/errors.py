"""What no view answers: a page for people, a bare status for the API, which ApiProblems gives its form.

So an error of the API never depends on templates and static files.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from researchmind.middleware import is_api
from sessions.views import errors as pages

Handler = Callable[..., HttpResponseBase]


def _for_people(page: Handler, status: int) -> Handler:
    @wraps(page)
    def handler(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return HttpResponse(status=status) if is_api(request) else page(request, *args, **kwargs)

    return handler


forbidden = _for_people(pages.forbidden, 403)
not_found = _for_people(pages.not_found, 404)
server_error = _for_people(pages.server_error, 500)


@csrf_exempt  # so that a POST to nowhere hears that, and nothing about a form's token
def unknown_address(request: HttpRequest, **kwargs: str) -> HttpResponse:
    """There is nothing here, under `/api`."""
    return HttpResponse(status=404)
