"""Sharing in a real browser: people and links in the panel, what a viewer gets, and the public page."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import BrowserContext, Page, expect

from sessions.models import Membership
from tests.browser.conftest import ASKS_NOTHING, caught_up, sign_in
from tests.factories import make_session

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.each_database
def test_from_the_panel_to_those_who_read(
    alice_page: Page, browser, base_url: str, alice: User, vera: User, check_axe, screenshot
) -> None:
    session = make_session(alice, "Lichens", messages=120)
    page = alice_page
    page.goto(f"/sessions/{session.pk}/")
    page.get_by_label("User name").fill("nobody")
    page.get_by_role("button", name="Share", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("There is nobody of this name.")
    page.get_by_label("User name").fill("vera")
    page.get_by_role("button", name="Share", exact=True).click()
    role = page.get_by_label("What vera may do")
    expect(role).to_have_value("viewer")
    role.select_option("editor")
    expect(page.locator("#activity")).to_contain_text("made vera editor")
    caught_up(page, session)
    role.select_option("viewer")
    expect(page.locator("#activity")).to_contain_text("made vera viewer")
    page.wait_for_function(ASKS_NOTHING)  # the page may hear of it before its own answer comes
    caught_up(page, session)
    page.get_by_text("Make a public link").click()
    page.get_by_role("button", name="Make the link").click()
    address = page.locator("#new-link").inner_text()
    check_axe(page)
    screenshot(page, "people")

    reader: BrowserContext = browser.new_context(base_url=base_url)
    public = reader.new_page()
    public.goto(address)
    expect(public.get_by_text("message 119", exact=True)).to_be_visible()
    public.get_by_role("link", name="First messages").click()
    expect(public.get_by_text("message 0", exact=True)).to_be_visible()
    assert public.locator("form, textarea, .side").count() == 0
    check_axe(public)
    for width in (1440, 820, 390):
        public.set_viewport_size({"width": width, "height": 900})
        assert public.evaluate("document.documentElement.scrollWidth <= innerWidth"), width

    sign_in(reader, base_url, vera)
    public.goto("/shared-with-me/")
    check_axe(public)
    public.get_by_role("link", name="Lichens").click()
    expect(public.get_by_text("You may read this session.")).to_be_visible()
    expect(public.locator("#content")).to_have_count(0)
    check_axe(public)
    public.set_viewport_size({"width": 1440, "height": 900})
    public.get_by_text("Leave…").click()
    public.get_by_role("button", name="Leave it").click()
    expect(public).to_have_url(re.compile("/shared-with-me/$"))
    assert not Membership.objects.exists()

    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("button", name="Revoke")).to_have_count(0)
    assert public.goto(address).status == 404
    reader.close()
