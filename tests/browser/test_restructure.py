"""Fork, merge, split and compare in a browser: what comes of it is shown before anything is written."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from sessions.models import Session
from sessions.storage.workspaces import workspace_path
from tests.factories import make_session

pytestmark = pytest.mark.django_db(transaction=True)
WIDTHS = (1440, 390)


@pytest.fixture
def session(alice: User) -> Session:
    made = make_session(alice, "Mosses of the north", messages=12, tags=["field"])
    (workspace_path(made.pk) / "content" / "notes.txt").write_text("sphagnum")
    return made


def at_each_width(page: Page, check_axe, screenshot, name: str) -> None:
    """Nothing sticks out, axe finds nothing, a picture of each."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
        check_axe(page)
        screenshot(page, f"{name}-{width}")
    page.set_viewport_size({"width": 1440, "height": 900})


def press(place: Page | Locator, name: str) -> None:
    """Press a button by the keyboard: a preview that arrives moves it away under the pointer."""
    place.get_by_role("button", name=name).press("Enter")


def test_forking_from_a_message(alice_page: Page, session: Session, check_axe, screenshot) -> None:
    page = alice_page
    page.goto(f"/sessions/{session.pk}/")
    page.locator("#m-5").hover()
    page.get_by_role("link", name="Fork at message 5").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("6 messages")).to_be_visible()
    expect(dialog.get_by_text("1 file,")).to_be_visible()
    at_each_width(page, check_axe, screenshot, "fork")
    dialog.get_by_label("Last message that comes along").fill("1")
    dialog.get_by_label("Name").click()
    expect(dialog.get_by_text("2 messages")).to_be_visible()
    dialog.get_by_label("Last message that comes along").fill("99")
    press(dialog, "Fork")
    expect(dialog.get_by_role("alert")).to_contain_text("from 0 to 11")
    dialog.get_by_label("Last message that comes along").fill("3")
    dialog.get_by_label("Name").fill("Another way")
    press(dialog, "Fork")
    expect(page.get_by_role("heading", name="Another way")).to_be_visible()
    expect(page.locator("article.msg")).to_have_count(4)
    expect(page.get_by_role("link", name="Mosses of the north")).to_be_visible()
    screenshot(page, "forked")
    page.goto(f"/sessions/{session.pk}/fork/?at=5")
    at_each_width(page, check_axe, screenshot, "fork-page")


def test_editing_in_a_fork(alice_page: Page, session: Session, check_axe, screenshot) -> None:
    page = alice_page
    page.goto(f"/sessions/{session.pk}/")
    page.locator("#m-2").hover()
    page.get_by_role("link", name="Edit message 2").click()
    page.get_by_label("Text").fill("And of the south?")
    screenshot(page, "edit-in-a-fork")
    page.get_by_role("button", name="Save in a fork").click()
    expect(page.get_by_role("heading", name=re.compile(r"\(fork\)"))).to_be_visible()
    expect(page.locator("article.msg")).to_have_count(3)
    expect(page.locator("#m-2")).to_contain_text("And of the south?")


def test_merging_and_comparing(alice_page: Page, alice: User, session: Session, check_axe, screenshot) -> None:
    page = alice_page
    other = make_session(alice, "Lichens of the south", messages=4, tags=["south"])
    (workspace_path(other.pk) / "content" / "data.csv").write_text("a,b")
    page.goto("/")
    for one in (session, other):
        page.get_by_label(f"Select {one.name}").check()
    at_each_width(page, check_axe, screenshot, "bulk")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("4 equal messages")).to_be_visible()
    expect(page.locator(".side-of").first).to_be_visible()
    at_each_width(page, check_axe, screenshot, "compare")
    page.goto("/")
    for one in (session, other):
        page.get_by_label(f"Select {one.name}").check()
    page.get_by_role("button", name="Merge").click()
    expect(page.get_by_role("heading", name="Merge 2 sessions into one")).to_be_visible()
    first = page.locator(".sources h3").first.inner_text()
    page.get_by_role("button", name=re.compile("Move .* up")).click()
    expect(page.locator(".sources h3").first).not_to_have_text(first)
    page.get_by_label("By time").check()
    expect(page.get_by_text("16 messages")).to_be_visible()
    at_each_width(page, check_axe, screenshot, "merge")
    page.get_by_label("Name").fill("Both of them")
    page.get_by_role("button", name="Merge").click()
    expect(page.get_by_role("heading", name="Both of them")).to_be_visible()
    expect(page.locator("article.msg")).to_have_count(16)


def test_splitting(alice_page: Page, session: Session, check_axe, screenshot) -> None:
    page = alice_page
    page.goto(f"/sessions/{session.pk}/split/")
    expect(page.get_by_text("Part 2", exact=True)).to_be_visible()
    page.get_by_label("Messages").first.fill("0-2")
    page.get_by_label("Name").first.click()
    expect(page.locator("#outcome-0")).to_contain_text("3 messages")
    files = page.get_by_role("group", name="Files of part 1").get_by_role("checkbox")
    expect(page.locator("#outcome-0")).to_contain_text("files and directories")
    files.first.uncheck()
    expect(page.locator("#outcome-0")).not_to_contain_text("files and directories")
    page.get_by_label("Messages").first.fill("9-1")
    page.get_by_label("Name").first.click()
    expect(page.locator("#outcome-0")).to_contain_text("goes backwards")
    at_each_width(page, check_axe, screenshot, "split")
    page.get_by_label("Messages").first.fill("0-2")
    page.get_by_label("Name").first.click()
    expect(page.locator("#outcome-0")).to_contain_text("3 messages")
    files.first.check()
    press(page, "Split")
    expect(page.get_by_text("Split into 2 sessions.")).to_be_visible()
    expect(page.get_by_role("link", name="Mosses of the north (1)")).to_be_visible()
