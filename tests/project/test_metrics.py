"""/metrics: for administrators' tokens and named addresses alone; routes without ids; numbers that cost no count."""

import re
from datetime import timedelta

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from researchmind.serving import METRICS_DIRECTORY
from sessions.checks import metrics_addresses_are_addresses
from sessions.models import Job, JobKind, RetentionPolicy, WorkspaceRemoval, site_numbers
from sessions.models.site_numbers import read_site_numbers
from sessions.operations.jobs.queue import start_job
from sessions.operations.lifecycle import trash_session
from sessions.operations.retention.applying import apply_policy
from sessions.operations.tokens import create_token
from tests.factories import make_session
from tests.statements import assert_statements

pytestmark = pytest.mark.django_db


def read(client: Client) -> dict[str, float]:
    """Each line of the metrics by its name with its labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.content
    lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


@pytest.fixture
def scraper(api, ada_token) -> Client:
    """Ada's, with a token."""
    return api(ada_token)


def test_who_reads_them(api, alice, ada, alice_token, ada_client, session_of_ada):
    assert api().get("/metrics").status_code == 401
    assert api("rm_nonsense").get("/metrics").headers["WWW-Authenticate"].startswith("Bearer")
    assert api(alice_token).get("/metrics").status_code == 403
    limited = create_token(actor=ada, name="t", session_id=session_of_ada.pk)[1]
    assert api(limited).get("/metrics").status_code == 403
    assert ada_client.get("/metrics").status_code == 401, "logins aren't looked at"
    read_token = create_token(actor=ada, name="t", scope="read")[1]
    answer = api(read_token).get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert api(read_token).post("/metrics").status_code == 405


@pytest.fixture
def session_of_ada(ada):
    return make_session(ada)


@pytest.mark.parametrize(
    ("address", "forwarded", "trusts", "status"),
    [
        ("10.1.2.3", "", False, 200),
        ("::ffff:10.1.2.3", "", False, 200),
        ("11.1.2.3", "", False, 401),
        ("11.1.2.3", "10.1.2.3", False, 401),
        ("127.0.0.1", "10.1.2.3", True, 200),
        ("10.1.2.3", "10.1.2.3, 11.1.2.3", True, 401),
        ("", "nonsense", True, 401),
    ],
)
def test_addresses(client, address, forwarded, trusts, status):
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    with override_settings(METRICS_ADDRESSES=["10.0.0.0/8", "::1"], TRUSTED_PROXY=trusts):
        assert client.get("/metrics", REMOTE_ADDR=address, headers=headers).status_code == status


def test_an_address_that_is_none_stops_the_start():
    with override_settings(METRICS_ADDRESSES=["localhost"]):
        assert metrics_addresses_are_addresses()[0].id == "research.E011"


def test_requests_are_counted_by_route_and_status(scraper, alice, alice_client):
    session = make_session(alice)
    before = read(scraper)
    for _ in range(3):
        alice_client.get(f"/sessions/{session.pk}/activity/")
        scraper.get(f"/api/v1/sessions/{session.pk}")
    scraper.get("/nowhere/at/all")
    scraper.generic("BREW", "/nowhere")
    after = read(scraper)

    def more(name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    page = 'method="GET",route="/sessions/<str:session_id>/activity/"'
    assert more(f'researchmind_http_requests_total{{{page},status="200"}}') == 3
    assert more(f"researchmind_http_request_duration_seconds_count{{{page}}}") == 3
    call = 'method="GET",route="/api/v1/sessions/<session_id>"'
    assert more(f'researchmind_http_requests_total{{{call},status="404"}}') == 3
    assert more('researchmind_http_requests_total{method="GET",route="(none)",status="404"}') == 1
    assert more('researchmind_http_requests_total{method="other",route="(none)",status="404"}') == 1
    assert not any(str(session.pk) in name for name in after)


def test_the_site_in_numbers(scraper, alice):
    make_session(alice, messages=3)
    trash_session(actor=alice, session_id=make_session(alice).pk)
    start_job(actor=alice, kind=JobKind.EMPTY_TRASH, subject="")
    Job.objects.update(created_at=timezone.now() - timedelta(minutes=5))
    WorkspaceRemoval.objects.create(session_id=make_session(alice).pk)
    assert read(scraper)["researchmind_retention_last_run_timestamp_seconds"] == 0
    apply_policy(actor=None, policy=RetentionPolicy.objects.current())
    found = read(scraper)
    assert found['researchmind_sessions{status="active"}'] == 2
    assert found['researchmind_sessions{status="deleted"}'] == 1
    assert found["researchmind_messages_estimate"] == 3
    assert found['researchmind_jobs{state="queued"}'] == 1
    assert 300 <= found["researchmind_job_oldest_waiting_seconds"] < 400
    assert found['researchmind_removals_waiting{kind="workspace"}'] == 1
    assert found["researchmind_retention_last_run_timestamp_seconds"] > 1.7e9
    assert found["researchmind_database_up"] == 1
    assert not RetentionPolicy.objects.get().enabled, "that it ran by hand turns nothing on"


def test_many_rows_are_reckoned_and_not_counted(alice, monkeypatch):
    monkeypatch.setattr(site_numbers, "EXACT", 5)
    make_session(alice, messages=40)
    with assert_statements(at_most=14) as statements:
        assert read_site_numbers().messages > 5
    whole = [sql for sql in statements if re.search(r"count\(\*\) FROM research_message\b", sql, re.IGNORECASE)]
    assert not whole


def test_a_worker_that_begins_to_count_just_now_is_left_out(client, monkeypatch, tmp_path):
    """Its file is made, and empty still; the next scrape has it."""
    monkeypatch.setenv(METRICS_DIRECTORY, str(tmp_path))
    (tmp_path / "counter_1.db").touch()
    with override_settings(METRICS_ADDRESSES=["127.0.0.1"]):
        assert read(client)["researchmind_database_up"] == 1


def test_a_database_that_is_away(client, monkeypatch):
    from django.db import OperationalError

    from researchmind import measuring

    def away():
        raise OperationalError("gone")

    monkeypatch.setattr(measuring, "read_site_numbers", away)
    with override_settings(METRICS_ADDRESSES=["127.0.0.1"]):
        found = read(client)
    assert found["researchmind_database_up"] == 0
    assert "researchmind_messages_estimate" not in found
