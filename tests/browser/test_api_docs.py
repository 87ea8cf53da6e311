"""The readable documentation of the API, for everybody."""

import pytest
from playwright.sync_api import Page, expect

# So many calls and objects stay, with the links that lead to them.
KEEP = """(amount) => {
  const objects = (section) => section.getAttribute("aria-labelledby").startsWith("object-");
  const all = [...document.querySelectorAll("section.call")];
  const calls = all.filter((section) => !objects(section));
  for (const one of [...calls.slice(amount), ...all.filter(objects).slice(amount)]) one.remove();
}"""
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("calls", [12, pytest.param(1000, marks=pytest.mark.soak)])
def test_on_every_screen(page: Page, live_server, calls: int, check_axe) -> None:
    """axe takes long over a page of all calls: it looks at the first, and at some of the objects."""
    for width in (390, 820, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{live_server.url}/api/v1/docs")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
    page.evaluate(KEEP, calls)
    check_axe(page)


def test_the_list_of_calls(page: Page, live_server) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(f"{live_server.url}/api/v1/docs")
    calls = page.get_by_role("navigation", name="Calls")
    expect(calls).to_be_hidden()
    page.get_by_role("button", name="All calls").click()
    calls.get_by_role("link", name="PUT /sessions/{id}/system-prompt").click()
    expect(page.get_by_role("heading", name="PUT /sessions/{session_id}/system-prompt")).to_be_in_viewport()
