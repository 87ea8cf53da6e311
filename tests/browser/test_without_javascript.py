"""Everything works with forms and links alone."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect

from sessions.models import ApiToken, Session, Status
from sessions.operations.lifecycle import trash_session
from tests.browser.conftest import DESKTOP, sign_in
from tests.factories import make_rows, make_session

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def page(browser: Browser, base_url: str, alice: User):
    """A browser that runs no scripts, in which Alice is signed in."""
    context = browser.new_context(java_script_enabled=False, base_url=base_url, viewport=DESKTOP)
    sign_in(context, base_url, alice)
    yield context.new_page()
    context.close()


def pick(page: Page, name: str) -> None:
    page.get_by_label(f"Select {name}").check()


def test_archive_undo_and_rename(page: Page, alice: User) -> None:
    session = make_session(alice, "Mosses")
    make_session(alice, "Other")
    page.goto("/?sort=name")
    expect(page.locator("#act")).to_be_hidden()
    pick(page, "Mosses")
    page.get_by_role("button", name="Archive").click()
    expect(page.locator(".toast")).to_contain_text("Archived “Mosses”")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".row")).to_have_count(2)
    pick(page, "Mosses")
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("Name").fill("Lichens")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/?sort=name")
    expect(page.get_by_role("link", name="Lichens", exact=True)).to_be_visible()
    session.refresh_from_db()
    assert (session.name, session.status) == ("Lichens", Status.ACTIVE)


def test_trash_restore_and_delete_for_ever(page: Page, alice: User) -> None:
    for name in ("One", "Two", "Three"):
        trash_session(actor=alice, session_id=make_session(alice, name).pk)
    page.goto("/trash/")
    pick(page, "One")
    page.get_by_role("button", name="Restore").click()
    expect(page.locator(".row")).to_have_count(2)
    pick(page, "Two")
    page.get_by_role("button", name="Delete for ever").click()
    expect(page.locator(".question")).to_have_text("Delete “Two” for ever?")
    page.get_by_role("button", name="Delete for ever").click()
    expect(page.locator(".row .name")).to_have_text(["Three"])
    page.get_by_role("link", name="Empty trash").click()
    page.get_by_role("button", name="Delete 1 session").click()
    expect(page.get_by_role("heading", name="The trash is empty")).to_be_visible()
    assert list(Session.objects.values_list("name", flat=True)) == ["One"]


def test_load_more_and_sort(page: Page, alice: User) -> None:
    make_rows(alice, 60)
    page.goto("/")
    page.get_by_role("link", name="Load more").click()
    expect(page.locator(".row")).to_have_count(10)
    page.get_by_role("link", name="Back to the start of the list").click()
    expect(page.locator(".row")).to_have_count(50)
    page.get_by_role("button", name="Sort by").click()
    page.get_by_role("link", name="Name", exact=True).click()
    expect(page.locator(".row .name").first).to_have_text("Session 0000")


def test_new_session_theme_token_and_menu(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/")
    expect(page.locator("#side")).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    page.locator("#side").get_by_role("link", name="New session").click()
    page.get_by_label("Name").fill("Lichens")
    page.get_by_role("button", name="Make the session").click()
    page.wait_for_url(re.compile("/sessions/[0-9a-f-]{36}/"))
    page.goto("/settings/")
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_class("dark")
    page.goto("/settings/tokens/")
    page.get_by_label("Name").fill("script")
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_label("The new token")).to_be_visible()
    page.locator(".card summary").click()
    page.get_by_role("button", name="Revoke for good").click()
    expect(page.get_by_text("You have no tokens that work.")).to_be_visible()
    assert ApiToken.objects.get().revoked_at is not None
