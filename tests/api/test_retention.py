"""/retention-policy and /cleanup: for administrators, who see first what would happen."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from sessions.models import RetentionPolicy, Session
from sessions.operations.lifecycle import trash_session
from sessions.operations.retention.policy import set_policy
from sessions.operations.tokens import create_token
from tests.api.contract import assert_problem
from tests.factories import make_session

DEFAULTS = {
    "enabled": False,
    "auto_archive_inactive_days": 30,
    "auto_delete_archived_days": 90,
    "trash_days": 30,
    "max_age_days": None,
    "max_sessions_per_user": None,
}
POLICY, CLEANUP = "/api/v1/retention-policy", "/api/v1/cleanup"
pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(api, ada_token):
    """The administrator's client."""
    return api(ada_token)


@pytest.fixture
def old(alice) -> Session:
    """A session that nobody has opened for 40 days."""
    session = make_session(alice, "Old")
    Session.objects.filter(pk=session.pk).update(last_accessed=timezone.now() - timedelta(days=40))
    return session


def test_the_policy_is_off_until_it_is_set(admin):
    assert admin.get(POLICY).json() == DEFAULTS
    assert admin.put(POLICY, {"enabled": True, "max_age_days": 365.0, "trash_days": None}).json() == DEFAULTS | {
        "enabled": True, "max_age_days": 365, "trash_days": None
    }  # fmt: skip
    assert admin.get("/api/v1/sessions/retention-policy").json() == admin.get(POLICY).json()
    assert RetentionPolicy.objects.count() == 1


@pytest.mark.parametrize(
    "body",
    [{"trash_days": 0}, {"trash_days": -1}, {"max_age_days": 36_501}, {"max_age_days": "9"}, {"max_age_days": 1.5},
     {"enabled": None}, {"enabled": 1}, {"days": 3}, {"max_sessions_per_user": 0}, {"max_sessions_per_user": 2**31}],
)  # fmt: skip
def test_a_policy_that_cannot_be_is_refused(admin, body):
    assert_problem(admin.put(POLICY, body), 422)
    assert_problem(admin.post(CLEANUP, {"dry_run": True, "policy": body}), 422)
    assert not RetentionPolicy.objects.exists()


def test_a_dry_run_changes_nothing(admin, old, alice):
    said = admin.post(CLEANUP, {"dry_run": True}).json()
    since = said["archived"][0]["since"]
    assert said["archived"] == [
        {"session_id": str(old.pk), "name": "Old", "owner": "alice", "reason": "inactive", "since": since}
    ]
    assert (said["archived_count"], said["trashed_count"], said["purged_count"], said["bytes"]) == (1, 0, 0, 0)
    assert (said["dry_run"], said["is_complete"], said["bytes_are_exact"]) == (True, True, True)
    old.refresh_from_db()
    assert (old.status, old.version) == ("active", 1)
    done = admin.post("/api/v1/sessions/cleanup", {"dry_run": False}).json()
    assert done == said | {"dry_run": False}
    old.refresh_from_db()
    assert old.status == "archived"
    assert admin.post(CLEANUP, {"dry_run": False}).json()["archived"] == []


def test_other_numbers_for_once(admin, old):
    kept = admin.post(CLEANUP, {"dry_run": False, "policy": {"auto_archive_inactive_days": 41}}).json()
    assert kept["archived_count"] == 0
    gone = admin.post(
        CLEANUP, {"dry_run": False, "policy": {"auto_archive_inactive_days": None, "max_age_days": 1}}
    ).json()
    assert gone["trashed_count"] == 0
    assert admin.get(POLICY).json() == DEFAULTS
    assert_problem(admin.post(CLEANUP, {}), 422)


def test_a_key_cleans_up_once(admin, old):
    key = {"headers": {"Idempotency-Key": "k"}}
    first = admin.post(CLEANUP, {"dry_run": False}, **key)
    again = admin.post(CLEANUP, {"dry_run": False}, **key)
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_token_for_one_session_or_for_reading_applies_nothing(api, ada, old):
    here = make_session(ada)
    limited = api(create_token(actor=ada, name="t", session_id=here.pk)[1])
    assert_problem(limited.get(POLICY), 403)
    assert_problem(limited.post(CLEANUP, {"dry_run": False}), 403)
    reader = api(create_token(actor=ada, name="t", scope="read")[1])
    assert reader.get(POLICY).status_code == 200
    assert reader.post(CLEANUP, {"dry_run": True}).status_code == 200, "looking changes nothing"
    assert_problem(reader.post(CLEANUP, {"dry_run": False}), 403, "read_only_token")
    assert_problem(reader.put(POLICY, {"trash_days": 1}), 403, "read_only_token")
    old.refresh_from_db()
    assert old.status == "active"


@pytest.mark.django_db(transaction=True)
def test_the_command_says_what_it_would_do_and_does_it(alice, ada, old):
    gone = make_session(alice, "Gone", messages=2)
    trash_session(actor=alice, session_id=gone.pk)
    Session.objects.filter(pk=gone.pk).update(deleted_at=timezone.now() - timedelta(days=8))
    set_policy(actor=ada, trash_days=7)

    def said(**options) -> str:
        out = StringIO()
        call_command("apply_retention", stdout=out, **options)
        return out.getvalue()

    assert "1 session would be archived" in said(dry_run=True)
    assert "in_trash  since" in said(dry_run=True)
    assert Session.objects.filter(status="active").exists()
    done = said()
    assert "1 session archived" in done
    assert "1 session deleted for ever" in done
    assert "came free" in done
    assert Session.objects.get().status == "archived"
    assert "0 sessions archived\n0 sessions moved to the trash\n0 sessions deleted for ever\n0 bytes came" in said()
