"""What every request passes: the API's unversioned name, what is left out for tokens, time zones, private pages."""

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone

from researchmind.middleware import NoBodyForHead, ReaderTimeZone, RequestLog, UnversionedApi, is_api
from tests.statements import assert_statements

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("/api/sessions", "/api/v1/sessions"),
        ("/api/v1/sessions", "/api/v1/sessions"),
        ("/api/v1/", "/api/v1/"),
        ("/api/v2/sessions", "/api/v1/v2/sessions"),
        ("/apis", "/apis"),
        ("/sessions/api/x", "/sessions/api/x"),
    ],
)
def test_the_unversioned_api_is_the_current_one(asked, served):
    request = RequestFactory().get(asked)
    UnversionedApi(lambda request: HttpResponse())(request)
    assert (request.path_info, request.path) == (served, served)


def test_under_a_prefix():
    request = RequestFactory().get("/api/me", SCRIPT_NAME="/tools")
    request.path_info, request.path = "/api/me", "/tools/api/me"
    UnversionedApi(lambda request: HttpResponse())(request)
    assert (request.path_info, request.path) == ("/api/v1/me", "/tools/api/v1/me")


def test_head_is_answered_without_a_body():
    answer = NoBodyForHead(lambda request: HttpResponse("hello", headers={"Content-Length": "5"}))
    assert answer(RequestFactory().get("/")).content == b"hello"
    head = answer(RequestFactory().head("/"))
    assert (head.content, head.headers["Content-Length"]) == (b"", "5")


def test_both_names_answer_the_same(api, alice_token):
    client = api(alice_token)
    assert client.get("/api/me").json() == client.get("/api/v1/me").json()


@pytest.mark.parametrize(("path", "expected"), [("/api", True), ("/api/x", True), ("/apix", False), ("/", False)])
def test_what_is_api(path, expected):
    assert is_api(RequestFactory().get(path)) is expected


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/sessions/x?token=rm_secret", "GET /sessions/x"),
        ("/welcome/a-secret/", "GET /welcome/…"),
        ("/welcome/", "GET /welcome/"),
        ("/shared/a-secret/files/", "GET /shared/…"),
        ("/welcomed/x", "GET /welcomed/x"),
    ],
)
def test_secrets_stay_out_of_the_log(path, logged):
    assert RequestLog.format_request(RequestFactory().get(path)) == logged


def test_an_api_call_with_a_token_reads_no_login(api, alice_token, alice):
    client = api(alice_token)
    client.get("/api/v1/me")
    with assert_statements(at_most=2) as statements:
        answer = client.get("/api/v1/me")
    assert answer.status_code == 200
    assert not any("django_session" in statement for statement in statements)
    assert answer.cookies == {}


@pytest.mark.parametrize("probe", ["/healthz", "/readyz"])
def test_probes_read_no_login(probe, alice_client):
    answer = alice_client.get(probe)
    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.parametrize("path", ["/", "/api/v1/me", "/api/v1/nothing"])
def test_what_a_person_sees_is_not_kept_by_anybody(alice_client, path):
    assert alice_client.get(path).headers["Cache-Control"] == "private, no-store"


def zone_of(cookie):
    seen = []

    def view(request):
        seen.append(timezone.get_current_timezone_name())
        return HttpResponse()

    request = RequestFactory().get("/")
    request.COOKIES["zone"] = cookie
    ReaderTimeZone(view)(request)
    return seen[0]


@pytest.mark.parametrize(
    ("cookie", "zone"),
    [
        ("Europe/Zurich", "Europe/Zurich"), ("", "UTC"), ("Mars/Olympus", "UTC"), ("../../etc/passwd", "UTC"),
        ("\x00", "UTC"), ("Europe", "UTC"), ("x" * 5000, "UTC"), ("/etc/localtime", "UTC"), ("é", "UTC"),
    ],
)  # fmt: skip
def test_the_reader_s_time_zone(cookie, zone):
    assert zone_of(cookie) == zone
    assert timezone.get_current_timezone_name() == "UTC", "for one request alone"


@pytest.mark.parametrize("path", ["/", "/sign-in/", "/nothing", "/api/v1/me", "/api/v1/docs", "/healthz", "/admin/"])
def test_every_answer_says_what_a_browser_may_do(path):
    headers = Client().get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_a_host_that_is_not_ours():
    assert Client().get("/", headers={"Host": "evil.example"}).status_code == 400
