"""One shape on every error under /api, wherever it comes from."""

from math import prod

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.http.request import UnreadablePostError
from psycopg.errors import DiskFull

from sessions.api.errors import handle
from sessions.models import Session
from tests.api.contract import BASE, assert_problem, example_bodies, filled, operations
from tests.clients import ApiClient

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
PATHS = sorted({path for _, path, _ in operations()} | {f"{BASE}/docs", f"{BASE}/openapi.json"})
KNOWN = {(method, path) for method, path, _ in operations()} | {
    ("GET", f"{BASE}/docs"),
    ("GET", f"{BASE}/openapi.json"),
}


@pytest.mark.parametrize("path", PATHS)
def test_wrong_methods(owner, anybody, session, path):
    known = {method for method, other in KNOWN if other == path}
    for method in set(METHODS) - known:
        for client in (owner, anybody):
            answer = client.generic(method, filled(path, session))
            assert_problem(answer, 405, "method_not_allowed")
            allowed = answer.headers["Allow"].split(", ")
            assert allowed == sorted(allowed)
            assert set(allowed) - {"HEAD"} == known


@pytest.mark.parametrize(
    "path",
    ["/api", "/api/", "/api/v1", "/api/v1/", "/api/v2/sessions", "/api/v1/nothing", "/api/v1/sessions/x/y/z", "/api//"],
)
def test_nowhere(anybody, owner, path):
    for client in (anybody, owner):
        for method in ("GET", "POST", "DELETE"):
            assert_problem(client.generic(method, path), 404, "unknown_address")


def test_a_slash_at_the_end(owner):
    assert "no slash" in assert_problem(owner.get("/api/v1/sessions/"), 404)["detail"]


WITH_BODIES = sorted(pair for pair in KNOWN if pair[0] in ("POST", "PUT", "PATCH") and "{path}" not in pair[1])


@pytest.mark.parametrize(("method", "path"), WITH_BODIES)  # a file is whatever bytes it is
def test_bodies_that_are_none(owner, session, method, path):
    url = filled(path, session)
    takes_body = "requestBody" in next(found for m, p, found in operations() if (m, p) == (method, path))
    assert_problem(owner.generic(method, url, "{", "application/json"), 422)
    assert_problem(owner.generic(method, url, "[]", "application/json"), 422)
    assert_problem(owner.generic(method, url, '{"nonsense": 1}', "application/json"), 422)
    if takes_body:
        assert_problem(owner.generic(method, url, "", "application/json"), 422)
        assert_problem(owner.generic(method, url, "a=b", "text/plain"), 415)
    session.refresh_from_db()
    assert session.version == 1


@pytest.mark.parametrize(
    ("method", "path"), sorted(pair for pair in KNOWN if pair[1] not in (f"{BASE}/docs", f"{BASE}/openapi.json"))
)
def test_unknown_parameters(owner, session, method, path):
    operation = next(found for m, p, found in operations() if (m, p) == (method, path))
    body = example_bodies().get((method, path), "")
    answer = owner.generic(method, f"{filled(path, session)}?nonsense=1", body, "application/json" if body else "")
    problem = assert_problem(answer, 422, "invalid")
    assert problem["errors"] == [
        {"loc": "nonsense", "message": "There is no such parameter here. Remove it or correct its name."}
    ]
    assert "422" in operation["responses"]


def test_another_host(owner):
    assert_problem(owner.get("/api/v1/me", headers={"Host": "evil.example"}), 400, "bad_request")


def test_another_host_where_https_is_asked_for(owner, settings):
    settings.SECURE_SSL_REDIRECT = True
    client = ApiClient()
    assert_problem(client.get("/api/v1/me", headers={"Host": "evil.example"}), 400, "bad_request")


def test_too_many_parameters(owner):
    query = "&".join(f"a{number}=1" for number in range(1001))
    assert_problem(owner.get(f"/api/v1/sessions?{query}"), 400, "bad_request")


def test_our_own_mistake(alice_token, session, url):
    """A row that can't be read: 500 with the id under which it was logged, and nothing about the inside."""
    if connection.vendor == "sqlite":
        Session.objects.filter(pk=session.pk).update(name="x")
        with connection.cursor() as cursor:
            cursor.execute("UPDATE research_session SET created_at = 'once upon a time'")
    else:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE research_session RENAME COLUMN preview TO elsewhere")
    client = ApiClient(alice_token, raise_request_exception=False)
    problem = assert_problem(client.get(url), 500, "server_error")
    assert problem["request_id"]
    assert "upon" not in str(problem)
    assert "elsewhere" not in str(problem)


def test_a_full_disk(owner, session, url):
    """SQLite is told that its file may not grow; PostgreSQL's own words for it are enough."""
    if connection.vendor == "postgresql":
        full = OperationalError("could not extend file")
        full.__cause__ = DiskFull()
        assert_problem(handle(None, full), 507, "storage_full")
        return
    sizes: list[int] = []
    with connection.cursor() as cursor:
        for pragma in ("freelist_count", "page_size"):
            cursor.execute(f"PRAGMA {pragma}")
            sizes.append(cursor.fetchone()[0])
        if prod(sizes):  # what other tests left free would be room enough
            cursor.execute("CREATE TABLE filler AS SELECT zeroblob(%s)", [prod(sizes)])
        cursor.execute("PRAGMA page_count")
        cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0]}")
        try:
            answer = owner.post(f"{url}/messages", {"role": "user", "content": "x" * 1_000_000})
        finally:
            cursor.execute("PRAGMA max_page_count = 1073741823")
    assert_problem(answer, 507, "storage_full")
    session.refresh_from_db()
    assert session.message_count == 4


def test_a_body_that_breaks_off():
    assert_problem(handle(None, UnreadablePostError("reset by peer")), 400, "incomplete_request")


@pytest.mark.parametrize("error", [OperationalError("server closed the connection"), InterfaceError("closed")])
def test_a_database_that_is_away(error):
    """tests/reliability asks a real one; these are all the ways in which Django tells of it."""
    assert_problem(handle(None, error), 503, "database_unavailable")
