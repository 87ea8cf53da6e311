"""The sessions page under the mouse and the keyboard."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from sessions.models import Session, Status
from sessions.operations.lifecycle import trash_session
from sessions.operations.retention.policy import set_policy
from tests.factories import make_rows, make_session

pytestmark = pytest.mark.django_db(transaction=True)


MORE_ROWS = "n => document.querySelectorAll('.row').length > n || !document.querySelector('.more')"


@pytest.fixture
def three(alice: User) -> list[Session]:
    """Three sessions; the newest, on top of the list, first."""
    return [make_session(alice, name) for name in ("One", "Two", "Three")][::-1]


def expect_names(page: Page, names: list[str]) -> None:
    """The list comes to show these names, from the top."""
    expect(page.locator(".row .name")).to_have_text(names)


def row(page: Page, name: str):
    """The row of a session."""
    return page.locator(".row", has=page.get_by_role("link", name=name, exact=True))


def status(session: Session) -> str:
    session.refresh_from_db()
    return session.status


@pytest.mark.each_database
def test_archive_from_the_row_and_undo(alice_page: Page, three: list[Session]) -> None:
    page = alice_page
    page.goto("/")
    row(page, "Two").hover()
    row(page, "Two").get_by_title("Archive (a)").click()
    expect(page.locator(".toast")).to_contain_text("Archived “Two”")
    expect_names(page, ["Three", "One"])
    assert status(three[1]) == Status.ARCHIVED
    expect(page.locator("#side").get_by_role("link", name="Archived")).to_contain_text("1")
    page.get_by_role("button", name="Undo").click()
    expect(row(page, "Two")).to_be_visible()
    expect(page.locator(".toast")).to_have_text("Undone")
    assert status(three[1]) == Status.ACTIVE


def test_the_keyboard_moves_opens_and_acts(alice_page: Page, three: list[Session]) -> None:
    page = alice_page
    page.goto("/")
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Three", exact=True)).to_be_focused()
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Two", exact=True)).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("j")
    page.keyboard.press("a")
    expect(page.locator(".toast")).to_contain_text("Archived “Two”")
    expect(page.get_by_role("link", name="One", exact=True)).to_be_focused()
    page.keyboard.press("z")
    expect(row(page, "Two")).to_be_visible()
    assert status(three[1]) == Status.ACTIVE
    page.keyboard.press("k")
    page.keyboard.press("#")
    expect(page.locator(".toast").last).to_contain_text("to the trash")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/sessions/[0-9a-f-]{36}/"))


def test_pin_moves_the_row_up_and_keeps_the_focus(alice_page: Page, three: list[Session]) -> None:
    page = alice_page
    page.goto("/")
    page.get_by_role("link", name="One", exact=True).focus()
    page.keyboard.press("p")
    expect(page.locator(".group").first).to_have_text("Pinned")
    expect_names(page, ["One", "Three", "Two"])
    expect(page.get_by_role("link", name="One", exact=True)).to_be_focused()
    page.keyboard.press("p")
    expect(page.locator(".group:visible")).to_have_text([re.compile("Today|Yesterday")])  # at midnight


def test_rename_in_place(alice_page: Page, three: list[Session]) -> None:
    page = alice_page
    page.goto("/")
    page.get_by_role("link", name="Two", exact=True).focus()
    page.keyboard.press("e")
    field = page.get_by_role("textbox", name="Name")
    expect(field).to_be_focused()
    expect(field).to_have_value("Two")
    field.press("Escape")
    expect(field).to_have_count(0)
    expect(page.get_by_role("link", name="Two", exact=True)).to_be_focused()
    page.keyboard.press("e")
    field.fill("   ")
    field.press("Enter")
    expect(page.locator(".rename .errors")).to_be_visible()
    expect(field).to_have_value("   ")
    field.fill("Not <b>bold</b>")
    field.press("Enter")
    renamed = page.get_by_role("link", name="Not <b>bold</b>", exact=True)
    expect(renamed).to_be_focused()
    three[1].refresh_from_db()
    assert three[1].name == "Not <b>bold</b>"


def test_keys_do_nothing_while_typing(alice_page: Page, three: list[Session]) -> None:
    page = alice_page
    page.goto("/")
    page.get_by_role("link", name="Two", exact=True).focus()
    page.keyboard.press("e")
    page.get_by_role("textbox", name="Name").fill("")
    page.keyboard.type("njkxa#pz?e")
    expect(page.get_by_role("textbox", name="Name")).to_have_value("njkxa#pz?e")
    assert [status(session) for session in three] == [Status.ACTIVE] * 3


def test_many_at_once(alice_page: Page, three: list[Session]) -> None:
    page = alice_page
    page.goto("/")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator(".picked")).to_have_text("1 selected")
    page.locator(".pick").nth(2).click(modifiers=["Shift"])
    expect(page.locator(".picked")).to_have_text("3 selected")
    page.keyboard.press("Escape")
    expect(page.locator("#act")).to_be_hidden()
    page.locator(".pick").nth(0).check()
    page.locator(".pick").nth(1).check()
    page.locator("#act").get_by_role("button", name="Archive").click()
    expect(page.locator(".toast")).to_contain_text("Archived 2 sessions")
    expect(page.locator("#act")).to_be_hidden()
    expect_names(page, ["One"])
    page.keyboard.press("z")
    expect(page.locator(".row")).to_have_count(3)


def test_the_last_row_leaves_the_empty_state(alice_page: Page, alice: User) -> None:
    make_session(alice, "Only one")
    page = alice_page
    page.goto("/")
    expect(page.locator(".empty")).to_be_hidden()
    row(page, "Only one").hover()
    row(page, "Only one").get_by_title("Trash (#)").click()
    expect(page.get_by_role("heading", name="No sessions yet")).to_be_visible()


def test_scrolling_loads_the_rest(alice_page: Page, alice: User) -> None:
    make_rows(alice, 130)
    page = alice_page
    page.goto("/")
    expect(page.locator(".row")).not_to_have_count(130)
    page.locator(".scroll").hover()
    load_all(page)
    expect(page.locator(".row")).to_have_count(130)
    expect_names(page, [f"Session {number:04}" for number in range(129, -1, -1)])
    assert [text[:7] for text in page.locator(".group h2").all_text_contents()] == ["January"]  # of an earlier year too


def load_all(page: Page) -> None:
    """Scroll until there is no more. What was asked for before may arrive at any moment."""
    while page.locator(".more").count():
        before = page.locator(".row").count()
        page.locator(".scroll").evaluate("box => box.scrollTo(0, box.scrollHeight)")
        page.wait_for_function(MORE_ROWS, arg=before)


def test_an_action_far_down_keeps_the_rows_and_the_place(alice_page: Page, alice: User) -> None:
    make_rows(alice, 120)
    page = alice_page
    page.goto("/")
    load_all(page)
    expect(page.locator(".row")).to_have_count(120)
    place = page.locator(".scroll").evaluate("box => box.scrollTop")
    row(page, "Session 0010").hover()
    row(page, "Session 0010").get_by_role("button", name="Pin (p)", exact=True).click()
    expect(page.locator(".toast")).to_contain_text("Pinned")
    expect(page.locator(".row")).to_have_count(120)
    assert page.locator(".scroll").evaluate("box => box.scrollTop") > place / 2


def test_the_trash_says_what_goes_before_it_goes(alice_page: Page, alice: User, ada: User, workspace_root) -> None:
    session = make_session(alice, "Old scratch", messages=3)
    (workspace_root / str(session.pk) / "content" / "notes.txt").write_text("x" * 5000)
    trash_session(actor=alice, session_id=session.pk)
    set_policy(actor=ada, enabled=True, trash_days=30)
    page = alice_page
    page.goto("/trash/")
    expect(row(page, "Old scratch")).to_contain_text("goes in 29 days")
    page.get_by_role("link", name="Old scratch", exact=True).focus()
    page.keyboard.press("#")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Delete “Old scratch” for ever?")
    expect(dialog).to_contain_text("3 messages and 1 file")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    assert Session.objects.count() == 1
    page.keyboard.press("#")
    dialog.get_by_role("button", name="Delete for ever").click()
    expect(page.locator(".toast")).to_have_text("Deleted 1 session for ever")
    expect(page.locator(".row")).to_have_count(0)
    expect(dialog).to_be_hidden()
    assert not Session.objects.exists()
    assert not (workspace_root / ".trash" / str(session.pk)).exists()


def test_an_expired_login_is_never_painted_into_the_page(alice_page: Page, three: list[Session]) -> None:
    page = alice_page
    page.goto("/")
    page.context.clear_cookies(name="sessionid")
    row(page, "Two").hover()
    row(page, "Two").get_by_title("Archive (a)").click()
    expect(page.locator(".toast")).to_contain_text("You have been signed out")
    expect_names(page, ["Three", "Two", "One"])


def test_an_expired_login_asks_to_sign_in_instead_of_loading_more(alice_page: Page, alice: User) -> None:
    make_rows(alice, 60)
    page = alice_page
    page.goto("/")
    page.context.clear_cookies(name="sessionid")
    page.locator(".row").last.scroll_into_view_if_needed()
    page.wait_for_url(re.compile(r"/sign-in/\?next="))


def test_a_server_that_is_gone_is_said(alice_page: Page, three: list[Session]) -> None:
    page = alice_page
    page.goto("/")
    page.context.set_offline(True)
    row(page, "Two").hover()
    row(page, "Two").get_by_title("Archive (a)").click()
    expect(page.locator(".toast")).to_contain_text("can’t be reached")
    page.context.set_offline(False)
    expect_names(page, ["Three", "Two", "One"])


def test_sorting_follows_in_the_address(alice_page: Page, three: list[Session]) -> None:
    page = alice_page
    page.goto("/")
    page.get_by_role("button", name="Sort by").click()
    page.get_by_role("link", name="Name", exact=True).click()
    page.wait_for_url("**/?sort=name")
    expect_names(page, ["One", "Three", "Two"])
    page.get_by_role("button", name="Sort by").click()
    page.get_by_role("link", name="Z to A").click()
    page.wait_for_url("**/?sort=-name")
    expect_names(page, ["Two", "Three", "One"])


def test_help_lists_the_keys(alice_page: Page, three: list[Session], check_axe) -> None:
    page = alice_page
    page.goto("/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    check_axe(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()
    page.keyboard.press("n")
    page.wait_for_url("**/sessions/new/")


def test_times_are_the_readers_own(alice_page: Page, alice: User) -> None:
    make_rows(alice, 1)  # 3:04 in UTC
    page = alice_page
    page.goto("/")
    page.goto("/")  # the first answer came before the server knew the zone
    expect(page.locator(".row time")).to_have_attribute("title", "2 Jan 2026, 04:04")
    expect(page.locator(".row time")).to_have_attribute("datetime", "2026-01-02T03:04:05Z")


def test_a_key_means_the_row_with_the_focus_wherever_the_pointer_is(alice_page: Page, three: list[Session]) -> None:
    page = alice_page
    page.goto("/")
    row(page, "One").hover()
    page.keyboard.press("a")
    page.get_by_role("link", name="Three", exact=True).focus()
    row(page, "Two").hover()
    page.keyboard.press("a")

    expect(page.locator(".toast")).to_contain_text("Archived “Three”")
    assert [status(session) for session in three] == [Status.ARCHIVED, Status.ACTIVE, Status.ACTIVE]


def test_a_toast_leaves_by_itself_and_its_key_with_it(alice_page: Page, three: list[Session]) -> None:
    page = alice_page
    page.goto("/")
    page.get_by_role("link", name="Two", exact=True).focus()
    page.keyboard.press("a")
    expect(page.locator(".toast")).to_be_visible()
    waits = "one => one.getAnimations().map(({effect}) => effect.getTiming().delay)"
    assert page.locator(".toast").evaluate(waits)[-1] == 12_000
    page.locator(".toast").evaluate("one => one.getAnimations().forEach((animation) => animation.finish())")
    expect(page.locator(".toast")).to_be_hidden()
    page.keyboard.press("z")
    assert status(three[1]) == Status.ARCHIVED
