"""Retention as an administrator sets it and as the trash then shows it."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from sessions.models import RetentionPolicy
from tests.browser.conftest import sign_in
from tests.factories import make_rows

pytestmark = pytest.mark.django_db(transaction=True)
WIDTHS = (1440, 820, 390)


def test_is_seen_before_it_is_turned_on(
    page: Page, base_url: str, ada: User, alice: User, check_axe, screenshot
) -> None:
    long_ago, lately = timezone.now() - timedelta(days=40), timezone.now() - timedelta(days=7, hours=1)
    make_rows(alice, 30, last_accessed=long_ago)
    make_rows(alice, 3, name="x" * 255, status="deleted", deleted_at=long_ago)
    make_rows(ada, 1, name="Waits", status="deleted", deleted_at=lately)
    sign_in(page.context, base_url, ada)
    page.goto("/settings/")
    page.get_by_role("navigation", name="Settings").get_by_role("link", name="Retention").click()
    page.get_by_label("Delete trashed sessions for ever after").fill("20")
    page.get_by_role("button", name="Preview").click()
    preview = page.locator(".preview")
    expect(preview.get_by_role("heading")).to_have_text("What it would do now")
    expect(preview.locator(".figures")).to_contain_text("30")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        check_axe(page)
        screenshot(page, f"retention-{width}")
    page.reload()  # axe leaves empty style attributes, which htmx would carry over and the CSP forbid
    page.get_by_label("Delete trashed sessions for ever after").fill("20")
    page.get_by_label("Apply it by itself").check()
    page.get_by_role("button", name="Save").click()
    expect(preview.get_by_role("heading")).to_have_text("Turn it on?")
    assert not RetentionPolicy.objects.exists()
    page.get_by_role("button", name="Turn it on").click()
    expect(page.locator(".toast")).to_contain_text("The worker applies it once a minute")
    page.goto("/trash/")
    expect(page.locator(".row .kept")).to_have_text("goes in 12 days")
    screenshot(page, "retention-trash")
