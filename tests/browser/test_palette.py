"""The palette and the list of keys: from anywhere, with the keyboard alone, and as pages without a script."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from sessions.models import Session, Status
from tests.browser.test_transcript import without_script
from tests.factories import make_session

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def three(alice: User) -> list[Session]:
    return [make_session(alice, name, messages=2) for name in ("Mosses of the north", "Lichens", "Peat moss")]


def opened(page: Page) -> Page:
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Find")).to_be_focused()
    return page


def chosen(page: Page):
    return page.locator("#choice[aria-selected=true]")


def test_finds_a_session_and_goes_there(alice_page: Page, three: list[Session], check_axe, screenshot) -> None:
    page = alice_page
    page.goto("/")
    opened(page)
    expect(page.get_by_role("dialog", name="Find a session or a command")).to_be_visible()
    check_axe(page)
    screenshot(page, "palette")
    page.keyboard.type("moss")
    expect(page.get_by_role("option", name="New session “moss”")).to_be_visible()  # the answer to the last letter
    expect(page.get_by_role("group", name="Sessions").get_by_role("option")).to_have_text(
        ["Mosses of the north", "Peat moss"]
    )
    expect(chosen(page)).to_have_text("Mosses of the north")
    page.keyboard.press("ArrowDown")
    expect(chosen(page)).to_have_text("Peat moss")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(chosen(page)).to_have_text("New session “moss”")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    check_axe(page)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{three[2].get_absolute_url()}")


def test_keys_pressed_before_it_is_there_do_nothing_to_the_page(alice_page: Page, three: list[Session]) -> None:
    page = alice_page
    page.goto(three[0].get_absolute_url())
    page.route("**/palette/**", lambda route: (page.keyboard.type("anp#"), route.continue_()))
    opened(page)
    expect(page).to_have_url(re.compile(f"{three[0].pk}/$"))
    assert set(Session.objects.values_list("status", "pinned")) == {(Status.ACTIVE, False)}


def test_escape_gives_the_focus_back(alice_page: Page, three: list[Session]) -> None:
    page = alice_page
    page.goto(three[0].get_absolute_url())
    page.get_by_label("Message", exact=True).fill("half")
    opened(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    expect(page.get_by_label("Message", exact=True)).to_have_value("half")


def test_does_things_to_the_session_one_looks_at(alice_page: Page, three: list[Session]) -> None:
    page = alice_page
    page.goto(three[0].get_absolute_url())
    opened(page)
    page.keyboard.type("archive this")
    expect(chosen(page)).to_contain_text("Archive this session")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This session is archived.")).to_be_visible()
    three[0].refresh_from_db()
    assert three[0].status == Status.ARCHIVED


def test_changes_the_theme_and_comes_back(alice_page: Page, three: list[Session]) -> None:
    page = alice_page
    page.goto("/pinned/")
    opened(page)
    page.keyboard.type("dark")
    expect(chosen(page)).to_have_text("Dark theme")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_class(re.compile("dark"))
    expect(page).to_have_url(re.compile("/pinned/$"))


def test_keys_are_listed_over_every_page(alice_page: Page, three: list[Session], check_axe, screenshot) -> None:
    page = alice_page
    page.goto(three[0].get_absolute_url())
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_contain_text("Next, previous turn")
    check_axe(page)
    screenshot(page, "keys")
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)


def test_j_and_k_go_from_turn_to_turn(alice_page: Page, alice: User) -> None:
    page = alice_page
    session = make_session(alice, messages=20)
    page.goto(f"{session.get_absolute_url()}?at=0")
    page.locator("#m-0 .permalink").focus()
    for key, message in (("j", 2), ("j", 4), ("k", 2)):
        page.keyboard.press(key)
        expect(page.locator(f"#m-{message} .permalink")).to_be_focused()
    page.keyboard.press("c")
    page.keyboard.type("jk?n")
    expect(page.get_by_label("Message", exact=True)).to_have_value("jk?n")


def test_both_are_pages_without_a_script(page: Page, base_url: str, alice: User, three: list[Session]) -> None:
    plain = without_script(page, alice, base_url)
    plain.goto("/")
    plain.locator("#side").get_by_role("link", name="Find").click()
    plain.get_by_role("combobox").fill("lichens")
    plain.get_by_role("button", name="Find").click()
    plain.get_by_role("option", name="Lichens", exact=True).click()
    expect(plain.get_by_role("heading", level=1)).to_have_text("Lichens")
    plain.get_by_role("link", name="Keyboard shortcuts").click()
    expect(plain.get_by_role("heading", level=1)).to_have_text("Keyboard shortcuts")
    plain.context.close()


@pytest.mark.parametrize("address", ["/palette/?q=moss", "/keys/"])
def test_the_pages_are_clean_to_axe(alice_page: Page, three: list[Session], address: str, check_axe) -> None:
    for width in (1440, 390):
        alice_page.set_viewport_size({"width": width, "height": 844})
        alice_page.goto(address)
        check_axe(alice_page)
        assert alice_page.evaluate("document.documentElement.scrollWidth") <= width
