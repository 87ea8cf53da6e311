"""Searching in a real browser: typing in the filter box, the keyboard, a hit opened at its message."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.factories import assistant_message, make_rows, make_session, user_message

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.each_database
def test_typing_filters_and_a_hit_opens_at_its_message(alice_page: Page, alice, check_axe, screenshot) -> None:
    make_rows(alice, 3)
    said = [user_message(f"message {number}") for number in range(120)]
    kept = make_session(alice, "Notes", messages=[*said[:60], assistant_message("the **kernel** of it"), *said[60:]])
    page = alice_page
    page.goto("/")
    page.keyboard.press("/")
    box = page.get_by_role("searchbox")
    expect(box).to_be_focused()
    page.keyboard.type("kern")
    expect(page.locator(".row .name")).to_have_text(["Notes"])
    expect(page).to_have_url(re.compile(r"/\?q=kern$"))
    expect(box).to_be_focused()
    expect(box).to_have_value("kern")
    check_axe(page)
    box.fill("kernx")
    expect(page.get_by_text("Nothing here fits “kernx”")).to_be_visible()
    box.fill("")
    expect(page.locator(".row")).to_have_count(4)
    expect(page).to_have_url(re.compile(r"/$"))
    box.fill("kernel")
    page.get_by_role("link", name="Show the messages").click()
    expect(page.locator("mark")).to_have_text(["kernel"])
    check_axe(page)
    screenshot(page, "search")
    page.locator(".hit a").click()
    expect(page).to_have_url(re.compile(rf"/sessions/{kept.pk}/\?at=60#m-60$"))
    expect(page.locator("#m-60")).to_be_in_viewport()
