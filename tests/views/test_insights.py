"""/insights/: counted at once for few, by the worker for many; one's own alone, and drawn without a script."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from sessions.models import Insights, Job
from sessions.operations import insights
from sessions.operations.files import put_file
from sessions.operations.jobs.doing import do_next_job
from sessions.operations.lifecycle import purge_session
from sessions.views.charts import HEIGHT, columns
from tests.factories import assistant_message, make_session, user_message
from tests.statements import assert_statements
from tests.views.pages import html

pytestmark = pytest.mark.django_db
PAGE = "/insights/"


@pytest.fixture
def busy(alice, mallory):
    """Sessions with messages of today and of long ago, and somebody else's."""
    said = [
        user_message(), assistant_message(model="<b>llama", prompt_eval_count=1000, eval_count=234),
        assistant_message(model="other", created_at=timezone.now() - timedelta(days=3)),
        user_message(created_at=timezone.now() - timedelta(days=300)),
    ]  # fmt: skip
    session = make_session(alice, "Mosses", messages=said)
    put_file(actor=alice, session_id=session.pk, path="content/a", blocks=[b"x" * 90_000], size=90_000)
    make_session(mallory, "Hers", messages=[assistant_message(model="hers", eval_count=9999)])
    return session


def test_counts_ones_own(alice_client, busy, alice, client):
    make_session(alice, "Small")
    page = html(alice_client.get(PAGE))
    assert "3 in 30 days" in page, "messages"
    assert "1,234 in 30 days" in page, "tokens"
    assert "&lt;b&gt;llama" in page
    assert "hers" not in page.lower()
    assert re.search(r"Mosses</a>.*[89]\d\.\d.KB", page)
    assert "Count again" not in page, "it was counted just now"
    assert 'style="' not in page
    assert not Insights.objects.exists(), "looking changes nothing"
    assert client.get(PAGE).status_code == 303


def test_as_many_statements_for_many_sessions(alice, alice_client):
    for _ in range(20):
        make_session(alice, messages=2)
    with assert_statements(at_most=13):
        alice_client.get(PAGE)


def test_nothing_yet(alice_client):
    page = html(alice_client.get(PAGE))
    assert "0 in 30 days" in page
    assert "No answer names its model." in page


@pytest.mark.django_db(transaction=True)
def test_many_are_counted_by_the_worker(alice, alice_client, busy, monkeypatch):
    monkeypatch.setattr(insights, "FEW_MESSAGES", 1)
    page = html(alice_client.get(PAGE))
    assert "Not counted yet" in page
    assert "Count now" in page
    assert "Count again" not in page
    asked = alice_client.post(PAGE)
    assert asked["Location"] == f"/jobs/{Job.objects.get().pk}/"
    assert "Being counted" in html(alice_client.get(PAGE))
    do_next_job()
    assert "Count insights of 1 session" in html(alice_client.get(asked["Location"]))
    page = html(alice_client.get(PAGE))
    assert "3 in 30 days" in page
    assert "Mosses</a>" in page
    assert "Count again" in page
    purge_session(actor=alice, session_id=busy.pk)
    assert "Mosses" not in html(alice_client.get(PAGE)), "what is gone is named no more"


def test_columns_fit_and_small_ones_stay_visible():
    chart = columns("Messages", "message", [("a", 1), ("b", 10_000), ("c", 0)])
    assert [column.height for column in chart.columns] == [2, HEIGHT, 0]
    assert all(column.y + column.height == HEIGHT for column in chart.columns)
    assert (chart.top, chart.total) == (10_000, 10_001)
