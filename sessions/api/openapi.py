"""The OpenAPI file: what ninja makes, and what it doesn't know about our answers and headers."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any

from ninja import NinjaAPI, Router
from ninja.operation import Operation
from ninja.types import TCallable

from sessions.api.errors import PROBLEM
from sessions.api.idempotency import HEADER
from sessions.api.parsing import JSON
from sessions.api.schemas.common import ProblemAnswer
from sessions.api.schemas.jobs import JobAnswer

EVENTS = "text/event-stream"
_ALWAYS = (400, 401, 422, 500, 503)
_OF_WRITES = (403, 411, 413, 415, 507)

_IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "required": False,
    "schema": {"type": "string", "pattern": r'^(\*|(W/)?"[!#-~]*")$'},
    "description": 'The ETag of the session as you know it, such as `"7"`: 412 if it has changed since.',
}
_IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "required": False,
    "schema": {"type": "string"},
    "description": "The ETag that you have: 304 without a body if it is still current.",
}
_IDEMPOTENCY_KEY = {
    "in": "header",
    "name": HEADER,
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "description": "Any text of your own, such as a UUID. Sent again within 24 hours, the request isn't done again, "
    "and its first answer is given with `Idempotency-Replayed: true`.",
}
_PROBLEM = {"$ref": "#/components/schemas/ProblemAnswer"}
_ETAG = {"ETag": {"description": "The session's version.", "schema": {"type": "string"}}}
_LOCATION = {"Location": {"description": "Where the new session is.", "schema": {"type": "string"}}}
_ACCEPTED = {202: {"headers": {"Location": {"description": "Where the job is.", "schema": {"type": "string"}}}}}
_OBJECT, _BYTES = {"type": "object"}, {"type": "string", "format": "binary"}
_FILE = {"Content-Disposition": {"description": "The file's name.", "schema": {"type": "string"}}}


def documented(
    answers: Mapping[int, Any],
    *problems: int,
    writes: bool = False,
    if_match: bool = False,
    if_none_match: bool = False,
    etag: bool = False,
    location: bool = False,
    events: str = "",
    file_types: Sequence[str] = (),
    body: Mapping[str, Any] | None = None,
    later: bool = False,
) -> dict[str, Any]:
    """Keyword arguments of a route: its answers, the problems it knows, its headers.

    `events` describes a stream of server-sent events that it may answer with 200 instead, `file_types`
    are those of an answer that is a file, `body` describes a body that ninja doesn't read; `later` is for work that
    becomes a job where it takes long.
    """
    known = {*_ALWAYS, *problems, *(_OF_WRITES if writes else ()), *((412,) if if_match else ())}
    parameters = [*([_IF_MATCH] if if_match else []), *([_IF_NONE_MATCH] if if_none_match else [])]
    headers = (_ETAG if etag else {}) | (_LOCATION if location else {})
    extra: dict[str, Any] = {"parameters": parameters}
    if headers:
        extra["responses"] = {status: {"headers": headers} for status in answers}
    if events:
        extra.setdefault("responses", {})[200] = {
            "description": events,
            "content": {EVENTS: {"schema": {"type": "string"}}},
        }
    if file_types:
        content = {kind: {"schema": _OBJECT if kind == JSON else _BYTES} for kind in file_types}
        extra["responses"] = {status: {"content": content, "headers": _FILE} for status in answers}
    if later:
        extra["responses"] = extra.get("responses", {}) | _ACCEPTED
        answers = {**answers, 202: JobAnswer}
    if body is not None:
        extra["requestBody"] = {"required": True, "content": body}
    response = dict(answers) | {status: ProblemAnswer for status in sorted(known)}
    return {"response": response | ({304: None} if if_none_match else {}), "openapi_extra": extra}


class ApiRouter(Router):
    """A router whose GET answers HEAD too."""

    def get(self, path: str, **options: Any) -> Callable[[TCallable], TCallable]:
        """Register a GET operation."""
        return self.api_operation(["GET", "HEAD"], path, **options)


class Api(NinjaAPI):
    """The API, with an OpenAPI file that says what really is answered."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """The function's name: short, and unique among our routes."""
        return operation.view_func.__name__

    def get_openapi_schema(self, **options: Any) -> Any:
        """Return the OpenAPI document, made once."""
        return self._document()

    @cache  # noqa: B019  (there is one API, which lives as long as the process)
    def _document(self) -> Any:
        document = super().get_openapi_schema(path_prefix="/api/v1/")
        problems: dict[str, Any] = {}
        for methods in document["paths"].values():
            methods.pop("head", None)
            for method, operation in methods.items():
                _complete(method, operation, problems)
        document["components"]["responses"] = dict(sorted(problems.items()))
        return document


def _complete(method: str, operation: dict[str, Any], problems: dict[str, Any]) -> None:
    """Put in what ninja doesn't know, and each kind of problem once, under its name."""
    responses = operation["responses"]
    if method == "post":
        operation["parameters"].append(_IDEMPOTENCY_KEY)
        responses.setdefault(409, {"description": HTTPStatus.CONFLICT.phrase})
    for status in [status for status in responses if status >= HTTPStatus.BAD_REQUEST]:
        name = HTTPStatus(status).phrase.replace(" ", "")
        problems[name] = {"description": HTTPStatus(status).phrase, "content": {PROBLEM: {"schema": _PROBLEM}}}
        responses[status] = {"$ref": f"#/components/responses/{name}"}
    operation["responses"] = {str(status): responses[status] for status in sorted(responses)}
