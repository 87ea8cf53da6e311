"""`/metrics` for Prometheus: for tokens of administrators, and for addresses that the operator names."""

import time
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from sessions.api.auth import Token
from sessions.api.errors import Problem, unauthenticated

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_OUTSIDE = "(none)"  # nothing is served at the address, or it is refused before anybody looks


class RequestMetrics:
    """Counts every request by its route and status, and how long it took."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        from researchmind import measuring

        self.get_response = get_response
        self._note = measuring.note

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, then count. A route is as it is written in the URL configuration: ids make no new one."""
        started = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        route = f"/{match.route}" if match else _static_or(_OUTSIDE, request.path_info)
        method = request.method if request.method in _METHODS else "other"
        self._note(str(method), route, response.status_code, time.perf_counter() - started)
        return response


def _static_or(other: str, path: str) -> str:
    return settings.STATIC_URL if path.startswith(settings.STATIC_URL) else other


@csrf_exempt  # so that a wrong method is 405, not a page about a missing form token
@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Everything that is measured, as Prometheus reads it; 401 and 403 for everybody else."""
    from researchmind import measuring

    try:
        if not _is_known_address(request):
            _require_administrator(request)
    except Problem as problem:
        return problem.response()
    text, content_type = measuring.as_text(request.headers.get("Accept", ""))
    return HttpResponse(text, content_type=content_type)


def _require_administrator(request: HttpRequest) -> None:
    actor = Token()(request)
    if actor is None:
        raise unauthenticated("Send an administrator's token: `Authorization: Bearer rm_…`.", "not_authenticated")
    if not actor.is_administrator or actor.only_session is not None:
        raise Problem(403, "not_allowed", "Metrics are for tokens of administrators that aren't limited to a session.")


def _is_known_address(request: HttpRequest) -> bool:
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.TRUSTED_PROXY else ""
    text = forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")
    return _is_among(text, tuple(settings.METRICS_ADDRESSES))


@lru_cache(maxsize=100)
def _is_among(text: str, networks: tuple[str, ...]) -> bool:
    try:
        address: IPv4Address | IPv6Address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in ip_network(network, strict=False) for network in networks)
