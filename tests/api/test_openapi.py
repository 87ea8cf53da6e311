"""The OpenAPI file, its committed snapshot, and the readable documentation."""

import re
from pathlib import Path

import pytest

from sessions.api.schemas import messages, sessions
from sessions.api.schemas.system import TokenAnswer
from sessions.models import Phase, Reason, Role, Scope, Status
from tests.api.contract import BASE, answer_documented, assert_problem, document, operations
from tests.api.refresh_openapi import SNAPSHOT, as_text, served

DOCS = Path(__file__).resolve().parents[2] / "docs" / "api.md"


def test_the_snapshot_is_current():
    assert SNAPSHOT.read_text() == as_text(served()), (
        "The contract has changed. If it is meant: python -m tests.api.refresh_openapi, and commit docs/openapi.json."
    )


def test_served_to_everybody_as_it_is(anybody):
    answer = anybody.get(f"{BASE}/openapi.json")
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json()["openapi"].startswith("3.1")


def test_ids_of_operations_are_unique():
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("method", "path", "operation"), operations())
def test_every_operation_is_documented(method, path, operation):
    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"]
    assert {"400", "401", "422", "500", "503"} <= operation["responses"].keys()
    for status in operation["responses"]:
        if int(status) >= 400:
            assert list(answer_documented(operation, status)["content"]) == ["application/problem+json"]
    for parameter in operation["parameters"]:
        assert parameter["schema"]
    if "{session_id}" in path:
        assert "404" in operation["responses"]
    if method in ("PATCH", "PUT", "DELETE") and "retention-policy" not in path:  # which has no versions
        assert "If-Match" in [parameter["name"] for parameter in operation["parameters"]]
        assert "412" in operation["responses"]


@pytest.mark.parametrize(
    ("names", "values"),
    [
        (sessions.StatusName, Status.values),
        (sessions.PhaseName, Phase.values),
        (messages.RoleName, Role.values),
        (messages.ReasonName, Reason.values),
        (TokenAnswer.model_fields["scope"].annotation, Scope.values),
    ],
)
def test_names_are_those_of_the_models(names, values):
    assert set(names.__args__) == set(values)


def test_the_reference_names_every_call():
    text = DOCS.read_text()
    calls = [f"{method} {path.removeprefix(BASE)}" for method, path, _ in operations()]
    assert [call for call in calls if f"`{call}`" not in text] == []


def test_the_reference_names_every_field_and_parameter():
    text = DOCS.read_text()
    forms = (
        "SessionAnswer",
        "MessageAnswer",
        "RevisionAnswer",
        "SessionChangesForm",
        "NewSessionForm",
        "NewMessageForm",
        "TurnForm",
        "TurnAnswer",
        "ChatForm",
        "ModelAnswer",
    )
    names = {name for form in forms for name in document()["components"]["schemas"][form]["properties"]}
    names |= {parameter["name"] for _, _, operation in operations() for parameter in operation["parameters"]}
    assert sorted(name for name in names if f"`{name}`" not in text) == []


def test_the_reference_names_every_code():
    """Codes are what programs decide by."""
    source = Path(__file__).resolve().parents[2] / "sessions"
    code = (source / "exceptions.py").read_text() + "".join(file.read_text() for file in (source / "api").rglob("*.py"))
    codes = set(re.findall(r'code = "(\w+)"', code)) | set(re.findall(r'(?:Problem\(\s*\d+,\s*|\d+: \()"(\w+)"', code))
    assert len(codes) > 20
    text = DOCS.read_text()
    assert sorted(name for name in codes - {"session_error"} if f"`{name}`" not in text) == []


def test_wrong_method(anybody):
    assert_problem(anybody.post(f"{BASE}/openapi.json"), 405)
    assert_problem(anybody.post(f"{BASE}/docs"), 405)
