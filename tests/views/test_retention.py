"""/settings/retention/: for administrators, who see what would happen before it does."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from sessions.models import Event, RetentionPolicy, Session
from sessions.views.times import until
from tests.factories import make_rows, make_session
from tests.views.pages import html, htmx, toasts

pytestmark = pytest.mark.django_db
PAGE = "/settings/retention/"
FORM = {
    "auto_archive_inactive_days": "30", "auto_delete_archived_days": "90", "trash_days": "30", "max_age_days": "",
    "max_sessions_per_user": "",
}  # fmt: skip


@pytest.fixture
def old(alice) -> Session:
    """A session that nobody has opened for 40 days."""
    session = make_session(alice, "<Old>")
    Session.objects.filter(pk=session.pk).update(last_accessed=timezone.now() - timedelta(days=40))
    return session


def test_is_for_administrators(alice_client, ada_client, client, old):
    assert client.get(PAGE).status_code == 303
    assert alice_client.get(PAGE).status_code == 403
    assert alice_client.post(PAGE, FORM | {"act": "apply"}).status_code == 403
    assert PAGE not in html(alice_client.get("/settings/"))
    assert PAGE in html(ada_client.get("/settings/"))
    assert 'value="30"' in html(ada_client.get(PAGE))
    old.refresh_from_db()
    assert old.status == "active"


def test_a_preview_changes_nothing(ada_client, old):
    page = html(ada_client.post(PAGE, FORM | {"act": "preview"}))
    assert "<dt>to the archive</dt><dd>1</dd>" in page
    assert "&lt;Old&gt;" in page
    assert "alice · last opened" in page
    shorter = ada_client.post(PAGE, FORM | {"act": "preview", "auto_archive_inactive_days": "50"}, headers=htmx(PAGE))
    assert "<html" not in html(shorter)
    assert "<dt>to the archive</dt><dd>0</dd>" in html(shorter)
    assert 'value="50"' in html(shorter), "what was typed is kept"
    assert not RetentionPolicy.objects.exists()


def test_turning_it_on_is_asked_about_first(ada_client, old):
    asked = html(ada_client.post(PAGE, FORM | {"act": "save", "enabled": "on", "trash_days": "9"}))
    assert "Turn it on?" in asked
    assert not RetentionPolicy.objects.exists()
    page = ada_client.post(PAGE, FORM | {"act": "confirm", "enabled": "on", "trash_days": "9"}, follow=True)
    assert toasts(page) == ["Saved. The worker applies it once a minute."]
    policy = RetentionPolicy.objects.get()
    assert (policy.enabled, policy.trash_days, policy.max_age_days) == (True, 9, None)
    saved = ada_client.post(PAGE, FORM | {"act": "save", "enabled": "on"}, follow=True)
    assert toasts(saved) == ["Saved. The worker applies it once a minute."], "it is on already"
    assert Event.objects.filter(verb="retention_set").count() == 2


def test_it_can_be_applied_once(ada_client, old, mallory):
    make_rows(mallory, 3, status="deleted", deleted_at=timezone.now() - timedelta(days=31))
    page = ada_client.post(PAGE, FORM | {"act": "apply"}, follow=True)
    assert toasts(page) == ["Archived a session, deleted for ever 3 sessions"]
    assert Session.objects.get().status == "archived"
    assert toasts(ada_client.post(PAGE, FORM | {"act": "apply"}, follow=True)) == ["There was nothing to do"]


@pytest.mark.parametrize("value", ["0", "-1", "36501", "x"])
def test_a_refusal_keeps_what_was_typed(ada_client, value):
    response = ada_client.post(PAGE, FORM | {"act": "save", "trash_days": value})
    assert response.status_code == 422
    assert 'class="errors"' in html(response)
    assert f'value="{value}"' in html(response)
    assert not RetentionPolicy.objects.exists()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "any minute"), (59, "any minute"), (61, "in 1 min"), (5 * 3600, "in 5 h"), (47 * 3600, "in 47 h"),
     (12.9 * 86400, "in 12 days")],
)  # fmt: skip
def test_how_long_until(seconds, said):
    now = timezone.now()
    assert until(now + timedelta(seconds=seconds), now) == said


def test_the_admin_changes_it_through_the_operation(ada, ada_client, alice_client):
    listed = ada_client.get(reverse("admin:research_retentionpolicy_changelist"), follow=True)
    address = listed.redirect_chain[-1][0]
    assert "Auto archive inactive days" in html(listed)
    saved = ada_client.post(address, FORM | {"max_age_days": "365", "enabled": "on"}, follow=True)
    assert saved.status_code == 200
    assert RetentionPolicy.objects.get().max_age_days == 365
    event = Event.objects.get(verb="retention_set")
    assert (event.actor, event.detail) == (ada, {"enabled": True, "max_age_days": 365})
    assert ada_client.get(reverse("admin:research_retentionpolicy_add")).status_code == 403
    assert ada_client.post(reverse("admin:research_retentionpolicy_delete", args=[1])).status_code == 403
    assert alice_client.get(address).status_code in (302, 403)
