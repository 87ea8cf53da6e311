"""A client that holds every answer against the OpenAPI file: its status, its type, its form, its headers."""

import re
from functools import cache
from typing import Any

import jsonschema_rs
import orjson
from django.http import HttpResponse

from sessions.api.reference import reference
from sessions.models import Session
from tests.api.refresh_openapi import SNAPSHOT
from tests.clients import ApiClient

PROBLEM = "application/problem+json"
BASE = "/api/v1"
PROBLEM_FIELDS = {"type", "title", "status", "detail", "code"}


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document, as committed: making it takes seconds; `test_openapi` holds the served one against it."""
    found: dict[str, Any] = orjson.loads(SNAPSHOT.read_bytes())
    return found


@cache
def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of everything documented."""
    return [
        (method.upper(), path, operation)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    ]


@cache
def example_bodies() -> dict[tuple[str, str], str]:
    """(method, path): the body in the documentation's example, of every operation that takes one."""
    bodies = {
        (call.method, BASE + call.path): re.search(r"-d '(.*)'", call.example)
        for _, calls in reference(document()).groups
        for call in calls
    }
    return {operation: found[1] for operation, found in bodies.items() if found}


def filled(path: str, session: Session) -> str:
    """The address of an operation on this session."""
    return path.format(
        session_id=session.pk,
        index=0,
        number=1,
        kind="concept",
        task_id="1",
        import_id=session.pk,
        job_id=session.pk,
        path="content/a",
        user_id=1,
        link_id=1,
    )


def operation_at(method: str, path: str) -> dict[str, Any] | None:
    """The documented operation that an address stands for."""
    literal = any(template == path for _, template, _ in operations())  # such as /sessions/export
    for known_method, template, operation in operations():
        if known_method == method and (template == path if literal else _pattern(template).fullmatch(path)):
            return operation
    return None


def answer_documented(operation: dict[str, Any], status: int | str) -> dict[str, Any]:
    """What an operation says about one of its answers."""
    found: dict[str, Any] = operation["responses"][str(status)]
    if "$ref" in found:
        found = document()["components"]["responses"][found["$ref"].rsplit("/", 1)[1]]
    return found


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", template))


@cache
def _validator(reference: str) -> Any:
    schema = {"$ref": reference, "components": document()["components"]}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def assert_problem(response: HttpResponse, status: int, code: str | None = None) -> dict[str, Any]:
    """The answer is a problem of this status, in the one shape; return it."""
    assert response.status_code == status, (response.status_code, response.content[:600])
    assert response.headers["Content-Type"] == PROBLEM
    problem: dict[str, Any] = orjson.loads(response.content)
    assert problem.keys() >= PROBLEM_FIELDS
    assert problem["status"] == status
    assert problem["detail"]
    assert "Traceback" not in response.content.decode()
    assert re.fullmatch(r"[a-z][a-z_]+", problem["code"])
    _validator("#/components/schemas/ProblemAnswer").validate(problem)
    if code is not None:
        assert problem["code"] == code, problem
    if status == 401:
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    if status == 405:
        assert response.headers["Allow"]
    if status == 503:
        assert int(response.headers["Retry-After"]) > 0
    return problem


def assert_documented(response: HttpResponse) -> None:
    """The answer is one that the OpenAPI file tells of."""
    request = response.wsgi_request
    status = response.status_code
    if status >= 400:
        assert_problem(response, status)
    operation = operation_at(request.method, request.path_info)
    if operation is None:
        return
    assert str(status) in operation["responses"], f"{status} isn't documented: {request.method} {request.path_info}"
    documented = answer_documented(operation, status)
    for name in documented.get("headers", {}):
        assert name in response.headers, f"{name} is missing"
    if "Content-Disposition" in documented.get("headers", {}):
        assert response.headers["Content-Type"] in documented["content"]
        return
    if "content" not in documented:
        assert response.content == b""
        return
    (content_type, body) = next(iter(documented["content"].items()))
    assert response.headers["Content-Type"] == content_type
    if content_type == "text/event-stream":
        return  # the tests read the events
    if "$ref" in body["schema"]:
        _validator(body["schema"]["$ref"]).validate(response.json())
    else:
        raise AssertionError("an answer without a name in the document")


class ContractClient(ApiClient):
    """A client of the API that believes no answer."""

    def request(self, **request: Any) -> Any:
        response = super().request(**request)
        if request["PATH_INFO"].startswith("/api") and request["REQUEST_METHOD"] != "HEAD":
            assert_documented(response)
        return response
