"""Times as people read them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from sessions.views.times import ago, day, exact, machine, period

NOW = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)  # a Thursday


@pytest.mark.parametrize(
    ("before", "said", "part"),
    [
        (timedelta(seconds=-30), "now", "Today"),
        (timedelta(seconds=59), "now", "Today"),
        (timedelta(seconds=60), "1 min", "Today"),
        (timedelta(minutes=59, seconds=59), "59 min", "Today"),
        (timedelta(hours=1), "1 h", "Today"),
        (timedelta(hours=12), "12 h", "Today"),
        (timedelta(hours=12, seconds=1), "yesterday", "Yesterday"),
        (timedelta(hours=36), "yesterday", "Yesterday"),
        (timedelta(hours=36, seconds=1), "Tue", "This week"),
        (timedelta(days=3), "Mon", "This week"),
        (timedelta(days=4), "Sun", "November"),
        (timedelta(days=6), "Fri", "November"),
        (timedelta(days=7), "12 Nov", "November"),
        (timedelta(days=20), "30 Oct", "October"),
        (timedelta(days=400), "15 Oct 2025", "October 2025"),
    ],
)
def test_how_long_ago(before, said, part):
    with timezone.override(UTC):
        assert ago(NOW - before, NOW) == said
        assert period(NOW - before, NOW) == part


def test_days_are_the_readers():
    late = datetime(2026, 11, 18, 23, 30, tzinfo=UTC)
    with timezone.override(ZoneInfo("Europe/Zurich")):
        assert ago(late, NOW) == "12 h"
        assert period(late, NOW) == "Today"
        assert exact(late) == "19 Nov 2026, 00:30"
        assert day(late) == "19 Nov"
        assert machine(late) == "2026-11-18T23:30:00Z"


def test_an_hour_across_midnight_is_an_hour():
    now = datetime(2026, 11, 19, 0, 20, tzinfo=UTC)
    with timezone.override(UTC):
        assert ago(now - timedelta(minutes=30), now) == "30 min"
        assert period(now - timedelta(minutes=30), now) == "Yesterday"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "zone", ["", "Nowhere/Land", "../../etc/passwd", "/etc/localtime", "x" * 3000, "\x00", "Europe"]
)
def test_a_zone_that_nobody_knows_is_utc(alice_client, zone):
    alice_client.cookies["zone"] = zone
    assert alice_client.get("/").status_code == 200
