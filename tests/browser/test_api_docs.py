"""The readable documentation of the API, for everybody."""

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.django_db(transaction=True)


def test_on_every_screen(page: Page, live_server, check_axe) -> None:
    for width in (390, 820, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{live_server.url}/api/v1/docs")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
    check_axe(page)


def test_the_list_of_calls(page: Page, live_server) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(f"{live_server.url}/api/v1/docs")
    calls = page.get_by_role("navigation", name="Calls")
    expect(calls).to_be_hidden()
    page.get_by_role("button", name="All calls").click()
    calls.get_by_role("link", name="PUT /sessions/{id}/system-prompt").click()
    expect(page.get_by_role("heading", name="PUT /sessions/{session_id}/system-prompt")).to_be_in_viewport()
