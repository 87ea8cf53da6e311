"""The API, fuzzed from its own OpenAPI file with every check of schemathesis: no failure, no 5xx.

Requests go through the WSGI application. Most are sent to a session that exists, so that they get beyond the 404.
`make test` sends some that are right and, on SQLite, some that are wrong: these are refused before a database is asked.
`make soak` sends to both all that the document's limits and examples suggest, and more from three seeds.
"""

import re
from copy import deepcopy
from functools import cache
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.db import connection
from hypothesis import HealthCheck, assume, given, seed, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.python._constants.orchestrator import make_constants_value_source

from sessions.models import Session
from sessions.operations.editing import edit_message
from tests.api.contract import document, operations
from tests.factories import make_session

# 400 is for what is well formed and impossible, such as removing a system prompt that isn't there.
_ACCEPTED = ["2xx", "3xx", "400", "401", "403", "404", "409", "429"]


@cache
def _schema(whole: bool) -> schemathesis.BaseSchema:
    """The document, with the application that serves it, and how requests are made from it."""
    phases = {
        "coverage": {"enabled": whole, "unexpected-methods": []},  # test_errors asks with all
        "examples": {"enabled": whole},
    }
    config = {
        "generation": {"allow-x00": False, "mode": "all" if whole or connection.vendor == "sqlite" else "positive"},
        "phases": phases,
        "checks": {"positive_data_acceptance": {"expected-statuses": _ACCEPTED}},
    }
    schema = schemathesis.openapi.from_dict(deepcopy(document()), config=SchemathesisConfig.from_dict(config))
    schema.app = get_wsgi_application()
    return schema


@cache
def _constants() -> FeedbackSources:
    """Values that the project's own code compares with."""
    return FeedbackSources(constants_value_source=make_constants_value_source(_schema(whole=True)))


# Real transactions: Django would close a connection inside one when a request starts.
pytestmark = pytest.mark.django_db(transaction=True)


class _AnyModel(tuple[str, ...]):
    """The models of a server that has every one."""

    def __contains__(self, name: object) -> bool:
        return True


@pytest.fixture
def target(alice, bob, model_server, indexer) -> Session:
    """A session with messages of both kinds, a revision, and a state of its own. The model server has any model."""
    model_server.models = _AnyModel()
    session = make_session(alice, messages=6, tags=["a"], metadata={"k": [1]})
    edit_message(actor=alice, session_id=session.pk, index=4, content="edited")
    return session


def _check(case: schemathesis.Case, target: Session, token: str) -> None:
    if "session_id" in case.path_parameters:
        case.path_parameters["session_id"] = str(target.pk)
    if case.meta is not None and case.meta.generation.mode.is_positive:
        assume(not _holds_too_much(case.body) and not _contradicts_itself(case))
        assume(_is_a_plan(case.body))
        _make_vectors_fit(case.body)
        _name_who_there_is(case.body)
        _shorten_paths(case.body)
        if case.path.endswith("/sessions/import"):  # few texts are files of some system
            case.body, case.media_type = {"session": {"name": "x"}, "messages": []}, "application/json"
            case.query.pop("format", None)
        if "path" in case.path_parameters:  # its pattern is lost on the way to the generator
            case.path_parameters["path"] = "content/a"
        for name in ("cursor", "after"):  # the server alone makes cursors and versions
            case.query.pop(name, None)
        case.headers.pop("If-Match", None)
    if re.fullmatch("[!-~]{1,255}", str(case.headers.get("Idempotency-Key", ""))):
        case.headers["Idempotency-Key"] = str(uuid4())  # a key is for one request
    case.call_and_validate(headers={"Authorization": f"Bearer {token}"})


def _holds_too_much(value: Any) -> bool:
    """Integers beyond 64 bits, which JSON Schema can't tell from large numbers."""
    if isinstance(value, dict):
        return any(map(_holds_too_much, value.values()))
    if isinstance(value, list):
        return any(map(_holds_too_much, value))
    return isinstance(value, int) and abs(value) > 2**63 - 1


def _is_a_plan(body: Any) -> bool:
    """Ids of their own and one active task at most, which JSON Schema can't tell."""
    tasks = body.get("tasks", []) if isinstance(body, dict) else []
    ids = [task["task_id"] for task in tasks]
    return len(ids) == len(set(ids)) and sum(task.get("status") == "active" for task in tasks) < 2


def _make_vectors_fit(body: Any) -> None:
    """Vectors of one size that have a direction, which JSON Schema can't tell."""
    for point in (body, *body.get("points", ())) if isinstance(body, dict) else ():
        if "vector" in point:
            point["vector"] = [1.0, *point["vector"][1:2], 2.0][:2]
    if isinstance(body, dict) and "points" in body:
        body.pop("distance", None)


def _name_who_there_is(body: Any) -> None:
    """Somebody to share with, and an expiry to come."""
    if not isinstance(body, dict):
        return
    if "permissions" in body:
        body.pop("user_ids", None)
        body["usernames"] = ["bob"]
    if body.get("expires_at"):
        body["expires_at"] = "2999-01-01T00:00:00Z"


def _shorten_paths(body: Any) -> None:
    """Paths of names that a disk takes, which are counted in bytes."""
    for part in body.get("parts", ()) if isinstance(body, dict) else ():
        if part.get("files"):
            part["files"] = ["content/a"]


def _contradicts_itself(case: schemathesis.Case) -> bool:
    """A turn for a session that exists with a name for a new one, or for a new one with an index in it."""
    if case.path not in ("/api/v1/turns", "/api/v1/chat") or not isinstance(case.body, dict):
        return False
    wrong = "expected_index" if case.body.get("session_id") is None else "name"
    return case.body.get(wrong) is not None


def _settings(**more: Any) -> settings:
    return settings(deadline=None, database=None, suppress_health_check=list(HealthCheck), **more)


# What `schema.parametrize()` makes, but not before it runs: it makes all cases at once, and each worker would.
@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.soak)], ids=["some", "whole"])
@pytest.mark.parametrize("label", [f"{method} {path}" for method, path, _ in operations()])
def test_every_operation(label: str, whole: bool, target: Session, alice_token: str) -> None:
    schema = _schema(whole)
    operation = schema.find_operation_by_label(label)
    assert operation is not None

    @_settings(max_examples=6, derandomize=True)
    def check(case: schemathesis.Case) -> None:
        _check(case, target, alice_token)

    feedback = _constants() if whole else FeedbackSources()
    build_operation_test(
        config=schema.config, operation=operation, test_func=check, given_kwargs={}, feedback=feedback
    )()


@pytest.mark.soak
@pytest.mark.parametrize("number", [1, 2, 3])
def test_every_operation_for_long(number: int, target: Session, alice_token: str) -> None:
    for operation in _schema(whole=True).get_all_operations():

        @seed(number)
        @_settings(max_examples=150)
        @given(case=operation.ok().as_strategy())
        def fuzz(case: Any) -> None:
            _check(case, target, alice_token)

        fuzz()
