"""Retention: what a policy takes, what it leaves alone, and two workers at once."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from sessions.models import Event, RetentionPolicy, Session, Status
from sessions.models.session_bytes import vector_bytes
from sessions.operations.files import put_file
from sessions.operations.lifecycle import archive_session, restore_session, trash_session
from sessions.operations.retention import applying
from sessions.operations.retention.applying import apply_policy, apply_when_enabled, preview
from sessions.operations.retention.policy import set_policy
from sessions.operations.retention.rules import Act, rules_of
from sessions.operations.sessions import update_session
from sessions.operations.transcript import append_messages
from sessions.operations.vectors.points import put_points
from sessions.operations.vectors.values import NewPoint
from sessions.storage import workspaces
from tests.factories import make_rows, make_session, user_message
from tests.together import raise_errors, together
from tests.whole import assert_counts_right

DAY = timedelta(days=1)
OFF = dict.fromkeys(
    ("auto_archive_inactive_days", "auto_delete_archived_days", "trash_days", "max_age_days", "max_sessions_per_user")
)


def policy(**rules) -> RetentionPolicy:
    """A policy with these rules alone."""
    return RetentionPolicy(**OFF | rules)


def aged(session: Session, **ages: timedelta) -> Session:
    """The session, with times so long ago."""
    now = timezone.now()
    Session.objects.filter(pk=session.pk).update(**{name: now - age for name, age in ages.items()})
    session.refresh_from_db()
    return session


def taken(ada, chosen: RetentionPolicy) -> dict[str, set[tuple[str, str]]]:
    """What is done by the policy; the preview said the same before."""
    said = names(preview(actor=ada, policy=chosen))
    done = names(apply_policy(actor=ada, policy=chosen))
    assert said == done
    assert apply_policy(actor=ada, policy=chosen).count == 0, "a second run finds nothing"
    return done


def names(report) -> dict[str, set[tuple[str, str]]]:
    assert all(part.count == len(part.sessions) for part in report.parts.values())
    return {
        act.value: {(line.name, line.reason.value) for line in part.sessions}
        for act, part in report.parts.items()
        if part.count
    }


@pytest.mark.django_db(transaction=True)
def test_each_rule_takes_its_own(alice, ada):
    aged(make_session(alice, "quiet"), last_accessed=31 * DAY)
    aged(make_session(alice, "in use"), created_at=60 * DAY)
    aged(make_session(alice, "expired", ttl_seconds=3600), last_accessed=DAY, created_at=500 * DAY)
    aged(make_session(alice, "not yet", ttl_seconds=3600), last_accessed=timedelta(minutes=50))
    aged(make_session(alice, "old"), created_at=400 * DAY, last_accessed=40 * DAY)
    for name, days in (("archived long ago", 91), ("archived lately", 89)):
        archived = make_session(alice, name)
        archive_session(actor=alice, session_id=archived.pk)
        aged(archived, archived_at=days * DAY)
    for name, days in (("waited", 31), ("waits", 29)):
        gone = make_session(alice, name, messages=2)
        trash_session(actor=alice, session_id=gone.pk)
        aged(gone, deleted_at=days * DAY)
    chosen = RetentionPolicy(max_age_days=365)
    assert taken(ada, chosen) == {
        "archive": {("quiet", "inactive")},
        "trash": {("expired", "expired"), ("old", "too_old"), ("archived long ago", "archived")},
        "purge": {("waited", "in_trash")},
    }
    found = dict(Session.objects.values_list("name", "status"))
    assert found == {
        "quiet": "archived", "in use": "active", "expired": "deleted", "not yet": "active", "old": "deleted",
        "archived long ago": "deleted", "archived lately": "archived", "waits": "deleted",
    }  # fmt: skip
    for session in Session.objects.all():
        assert workspaces.trashed_path(session.pk).exists() == session.in_trash
    assert not Session.objects.filter(archived_at=None, status="archived").exists()
    told = Event.objects.filter(actor=None).values_list("verb", "detail__reason")
    assert sorted(told) == [
        ("archived", "inactive"), ("purged", "in_trash"), ("trashed", "archived"), ("trashed", "expired"),
        ("trashed", "too_old"),
    ]  # fmt: skip
    assert Event.objects.get(verb="retention_applied").detail == {"archived": 1, "trashed": 3, "purged": 1}
    assert_counts_right()


@pytest.mark.django_db
def test_pinned_sessions_are_exempt_everywhere(alice, ada):
    old = {"last_accessed": 900 * DAY, "created_at": 900 * DAY}
    for name in ("active", "archived", "deleted"):
        session = aged(make_session(alice, name, ttl_seconds=1), **old)
        update_session(actor=alice, session_id=session.pk, pinned=True)
        if name != "active":
            {"archived": archive_session, "deleted": trash_session}[name](actor=alice, session_id=session.pk)
        aged(session, **old, **({f"{name}_at": 900 * DAY} if name != "active" else {}))
    assert taken(ada, RetentionPolicy(max_age_days=1, max_sessions_per_user=1)) == {}


@pytest.mark.django_db
def test_too_many_are_those_not_opened_for_the_longest_time(alice, mallory, ada):
    for number in range(6):
        aged(make_session(alice, f"{number}"), last_accessed=(50 - number) * DAY)
    aged(make_session(alice, "pinned"), last_accessed=99 * DAY)
    Session.objects.filter(name="pinned").update(pinned=True)
    aged(make_session(alice, "expired", ttl_seconds=60), last_accessed=2 * DAY)
    make_session(mallory, "hers")
    assert taken(ada, policy(max_sessions_per_user=4, auto_archive_inactive_days=47)) == {
        "trash": {("0", "too_many"), ("1", "too_many"), ("2", "too_many"), ("expired", "expired")},
        "archive": {("3", "inactive")},
    }


@pytest.mark.django_db(transaction=True)
def test_what_was_used_is_left_alone(alice, ada, monkeypatch):
    """Each in its own way, after it was selected and before it was taken."""
    uses = {
        "opened": lambda session: Session.objects.filter(pk=session.pk).update(last_accessed=timezone.now()),
        "written to": lambda session: append_messages(actor=alice, session_id=session.pk, messages=[user_message()]),
        "renamed": lambda session: update_session(actor=alice, session_id=session.pk, description="x"),
        "pinned": lambda session: Session.objects.filter(pk=session.pk).update(pinned=True),
    }
    sessions = [aged(make_session(alice, name), last_accessed=40 * DAY) for name in (*uses, "left alone")]
    take = applying._take

    def use_then_take(report, rule, candidate, policy):
        if candidate.name in uses:
            uses[candidate.name](next(session for session in sessions if session.name == candidate.name))
        take(report, rule, candidate, policy)

    monkeypatch.setattr(applying, "_take", use_then_take)
    assert names(apply_policy(actor=ada, policy=policy(auto_archive_inactive_days=30))) == {
        "archive": {("left alone", "inactive")}
    }


@pytest.mark.django_db
def test_a_restored_session_stays(alice, ada):
    session = aged(make_session(alice, ttl_seconds=60), last_accessed=40 * DAY)
    chosen = RetentionPolicy()
    assert apply_policy(actor=ada, policy=chosen).count == 1
    restore_session(actor=alice, session_id=session.pk)
    assert apply_policy(actor=ada, policy=chosen).count == 0
    session.refresh_from_db()
    assert session.status == Status.ACTIVE


@pytest.mark.django_db
def test_never_early_whatever_the_clock_and_the_zone_say(alice, ada, monkeypatch, settings):
    """At the last microsecond before its time nothing is selected; a clock set back selects nothing either."""
    at = datetime(2026, 3, 28, 23, 30, 0, 500_000, tzinfo=UTC)  # the night before Europe's clocks go forward
    quiet, expiring, gone = (
        make_session(alice, name, ttl_seconds=ttl) for name, ttl in (("q", None), ("e", 86400), ("g", None))
    )
    Session.objects.filter(pk__in=[quiet.pk, expiring.pk]).update(last_accessed=at)
    Session.objects.filter(pk=gone.pk).update(status="deleted", deleted_at=at, last_accessed=at + 900 * DAY)
    chosen = policy(auto_archive_inactive_days=1, trash_days=1)

    def selected(now: datetime) -> set[str]:
        return {each.name for rule in rules_of(chosen, now) for each in rule.candidates()}

    for zone in ("UTC", "Europe/Berlin", "America/St_Johns"):
        with timezone.override(zone):
            assert selected(at + DAY - timedelta(microseconds=1)) == set()
            assert selected(at - 30 * DAY) == set()
            assert selected(at + DAY + timedelta(seconds=1)) == {"q", "e", "g"}


@pytest.mark.django_db(transaction=True)
def test_two_workers_touch_each_session_once(alice, mallory):
    for owner in (alice, mallory):
        make_rows(owner, 12, last_accessed=timezone.now() - 40 * DAY, created_at=timezone.now() - 40 * DAY)
        make_rows(owner, 12, ttl_seconds=60)
        make_rows(owner, 12, status="deleted", deleted_at=timezone.now() - 40 * DAY)
    Session.objects.filter(ttl_seconds=None).exclude(status="deleted").update(created_at=timezone.now())
    RetentionPolicy(enabled=True, max_sessions_per_user=9).save()
    reports = raise_errors(together(*[apply_when_enabled] * 2))
    assert sum(report.parts[Act.PURGE].count for report in reports) == 24
    assert sum(report.parts[Act.TRASH].count for report in reports) == 24 + 2 * 3
    assert sum(report.parts[Act.ARCHIVE].count for report in reports) == 2 * 9
    assert Event.objects.filter(actor=None).count() == 24 + 30 + 18
    assert Event.objects.filter(actor=None).values("session_id").distinct().count() == 24 + 30 + 18
    assert sorted(Session.objects.values_list("status", flat=True)) == ["archived"] * 18 + ["deleted"] * 30
    assert_counts_right()


@pytest.mark.django_db(transaction=True)
def test_the_bytes_that_come_free_are_those_on_the_disk_and_the_text(alice, ada):
    session = make_session(alice, messages=[user_message("é" * 1000)])
    put_file(actor=alice, session_id=session.pk, path="content/a", blocks=[b"x" * 50_000], size=50_000)
    kept = make_session(alice, messages=[user_message("y" * 9000)])
    for each in (session, kept):
        trash_session(actor=alice, session_id=each.pk)
    aged(session, deleted_at=31 * DAY)
    said = preview(actor=ada, policy=RetentionPolicy())
    assert said.bytes_are_exact
    assert 52_000 <= said.bytes < 52_000 + 5 * 4096 + 100
    assert apply_policy(actor=ada, policy=RetentionPolicy()).bytes == said.bytes
    assert not workspaces.exists(session.pk)


@pytest.mark.parametrize("place", ["database", "qdrant"])
@pytest.mark.django_db(transaction=True)
def test_vectors_are_among_the_bytes_that_come_free(alice, ada, request, place):
    if place == "qdrant":
        request.getfixturevalue("qdrant")
    session = make_session(alice)
    without = make_session(alice)
    points = [NewPoint(number, [1.0] * 100, {"a": "b"}) for number in range(3)]
    put_points(actor=alice, session_id=session.pk, points=points)
    exactly = 3 * (400 + vector_payload()) if place == "database" else 3 * 400
    assert vector_bytes([session.pk, without.pk]) == exactly
    for each in (session, without):
        trash_session(actor=alice, session_id=each.pk)
    aged(without, deleted_at=31 * DAY)
    plain = preview(actor=ada, policy=RetentionPolicy()).bytes
    aged(session, deleted_at=31 * DAY)
    assert preview(actor=ada, policy=RetentionPolicy()).bytes == 2 * plain + exactly


def vector_payload() -> int:
    """What the payload of those points takes as text: PostgreSQL's jsonb is written with spaces."""
    return len('{"a": "b"}') if connection.vendor == "postgresql" else len('{"a":"b"}')


@pytest.mark.django_db
def test_it_stops_when_its_time_is_up_and_goes_on(alice, ada):
    make_rows(alice, 5, last_accessed=timezone.now() - 40 * DAY)
    report = apply_policy(actor=ada, policy=RetentionPolicy(), seconds=0)
    assert (report.count, report.is_complete) == (0, False)
    assert apply_policy(actor=ada, policy=RetentionPolicy()).count == 5


@pytest.mark.django_db
def test_nothing_happens_by_itself_until_it_is_turned_on(alice, ada):
    aged(make_session(alice), last_accessed=400 * DAY)
    assert apply_when_enabled() is None
    set_policy(actor=ada, max_age_days=500)
    assert apply_when_enabled() is None
    set_policy(actor=ada, enabled=True)
    assert apply_when_enabled().count == 1
    assert [event.detail for event in Event.objects.filter(verb="retention_set").order_by("pk")] == [
        {"max_age_days": 500}, {"enabled": True}
    ]  # fmt: skip


@pytest.mark.django_db
def test_a_rollback_around_it_leaves_everything(alice, ada):
    session = aged(make_session(alice), last_accessed=400 * DAY)
    with transaction.atomic():
        assert apply_policy(actor=ada, policy=RetentionPolicy()).count == 1
        transaction.set_rollback(True)
    session.refresh_from_db()
    assert session.status == Status.ACTIVE
