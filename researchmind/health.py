"""Probes for supervisors and load balancers: nothing but yes or no."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from sessions.storage import health

_TEXT = "text/plain; charset=utf-8"


@csrf_exempt  # so that a wrong method is 405, not a page about a missing form token
@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers; nothing else is asked."""
    return HttpResponse("ok\n", content_type=_TEXT)


@csrf_exempt
@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """200 if the database and the workspaces' directory can be used, else 503, within two seconds."""
    if health.examine().is_ok:
        return HttpResponse("ok\n", content_type=_TEXT)
    return HttpResponse("not ready\n", status=503, content_type=_TEXT, headers={"Retry-After": "2"})
