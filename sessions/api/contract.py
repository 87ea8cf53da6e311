"""What all operations have in common, put around each of them so that none can forget it."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.http import HttpRequest, HttpResponse
from ninja.operation import Operation
from ninja.types import TCallable

from sessions.api.auth import ApiRequest
from sessions.api.errors import Problem, invalid
from sessions.api.idempotency import once
from sessions.exceptions import Invalid

P = ParamSpec("P")
View = Callable[Concatenate[ApiRequest, P], HttpResponse]

_EMPTY_BODIES = (b"", b"{}")


def takes_files(view: TCallable) -> TCallable:
    """Mark an operation that reads its body itself, files or JSON, and whose work is transactions of its own."""
    view.takes_files = True  # type: ignore[attr-defined]  # a mark on the function, for `keep_contract`
    return view


def keep_contract(view: View[P]) -> View[P]:
    """Refuse parameters and bodies that nobody asked for, and do a POST with an Idempotency-Key once.

    Runs when the caller is known and what the operation names has been validated.
    """
    operation: Operation = view._ninja_operation  # type: ignore[attr-defined]  # ninja notes it on each view
    known = _query_parameters(operation)
    has_files = getattr(view, "takes_files", False)
    has_body = has_files or any(model.__ninja_param_source__ == "body" for model in operation.models)

    has_own_key = getattr(view, "sees_to_its_key", False)

    @wraps(view)
    def guarded(request: ApiRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        _check_query(request, known)
        if request.method in ("GET", "HEAD"):
            return view(request, *args, **kwargs)
        if not has_body and request.body not in _EMPTY_BODIES:
            raise invalid("body", "This call takes no body.")
        if request.method == "POST" and not has_own_key:
            return once(request, lambda: view(request, *args, **kwargs), is_one_transaction=not has_files)
        return view(request, *args, **kwargs)

    return cast("View[P]", guarded)


def _query_parameters(operation: Operation) -> frozenset[str]:
    models: list[Any] = [model for model in operation.models if model.__ninja_param_source__ == "query"]
    return frozenset(name for model in models for name in model.__ninja_flatten_map__)


def _check_query(request: HttpRequest, known: frozenset[str]) -> None:
    errors = []
    for name, values in request.GET.lists():
        if name not in known:
            errors.append((name, "There is no such parameter here. Remove it or correct its name."))
        elif len(values) > 1:
            errors.append((name, "Give it once."))
        elif "\x00" in values[0]:
            errors.append((name, "Remove the NUL character."))
    if errors:
        raise Invalid("The address holds parameters that can't be used.", errors=errors)


def refuse_unknown_length(run: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse a chunked body, whose length the server isn't told: it would be read as empty."""

    @wraps(run)
    def measured(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
            return Problem(411, "length_required", "Send the body with Content-Length, not in chunks.").response()
        return run(request, *args, **kwargs)

    return measured
