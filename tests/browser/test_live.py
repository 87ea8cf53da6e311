"""Open pages follow what happens elsewhere, without a reload and without moving what one reads."""

import json
import re
import urllib.request

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from sessions.models import Session
from sessions.operations.editing import edit_message
from sessions.operations.lifecycle import archive_session, purge_session
from sessions.operations.sessions import update_session
from sessions.operations.transcript import append_messages
from tests.browser.conftest import ASKS_NOTHING, QUIET
from tests.browser.test_sessions_page import expect_names, row
from tests.browser.test_transcript import AT_REST, expect_indexes
from tests.browser.transcripts import long_transcript
from tests.factories import assistant_message, make_rows, make_session

pytestmark = pytest.mark.django_db(transaction=True)
SOON = 2.0  # seconds, with what the answer takes


@pytest.fixture
def session(alice: User) -> Session:
    return make_session(alice, "Mosses", messages=6)


def script_appends(base_url: str, token: str, session: Session, *texts: str) -> None:
    """What a script does: a request of its own to the API, one for each message."""
    for text in texts:
        request = urllib.request.Request(
            f"{base_url}/api/v1/sessions/{session.pk}/messages",
            data=json.dumps({"role": "assistant", "content": text}).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        urllib.request.urlopen(request).close()


def add(alice: User, session: Session, *texts: str) -> None:
    append_messages(actor=alice, session_id=session.pk, messages=[assistant_message(text) for text in texts])


@pytest.mark.each_database
def test_ten_messages_of_a_script_soon_appear_in_order(
    alice_page: Page, base_url: str, alice_token: str, session: Session
) -> None:
    page = alice_page
    page.goto(session.get_absolute_url())
    asks = re.match(r"every ([\d.]+)s", page.locator("#live").get_attribute("hx-trigger") or "")
    assert asks
    assert float(asks[1]) < SOON
    script_appends(base_url, alice_token, session, *[f"from a script, {number}" for number in range(10)])
    expect_indexes(page, list(range(16)))
    assert [page.locator(f"#m-{6 + number} .body").inner_text() for number in range(10)] == [
        f"from a script, {number}" for number in range(10)
    ]
    expect(page.locator("#m-15")).to_be_in_viewport()
    expect(page.locator("#message-count")).to_have_text("16")
    expect(page.locator("#activity")).to_contain_text("appended 10 messages")
    expect(page.locator("#fresh")).to_be_hidden()


def test_who_reads_further_up_is_not_moved_and_told_how_many_are_new(
    alice_page: Page, alice: User, check_axe, screenshot
) -> None:
    page = alice_page
    session = long_transcript(alice, 120)
    page.goto(session.get_absolute_url())
    page.locator("#scroll").evaluate("box => box.scrollBy(0, -900)")
    before = page.evaluate(AT_REST)
    for number in range(12):
        add(alice, session, f"new {number}\n\nand more")
    expect(page.get_by_text("12 new messages")).to_be_visible()
    shown, top = page.evaluate(AT_REST)
    assert shown == before[0]
    assert abs(top - before[1]) <= 1  # half pixels are rounded
    check_axe(page)
    screenshot(page, "live")
    page.get_by_text("12 new messages").click()
    expect(page.locator("#m-131")).to_be_in_viewport()
    expect(page.locator("#fresh")).to_be_hidden()
    add(alice, session, "at the end one follows")
    expect(page.locator("#m-132")).to_be_in_viewport()
    expect(page.locator("#fresh")).to_be_hidden()


def test_far_from_the_end_the_link_leads_there(alice_page: Page, alice: User) -> None:
    page = alice_page
    session = long_transcript(alice, 240)
    page.goto(f"{session.get_absolute_url()}?at=100#m-100")
    add(alice, session, "one more")
    page.get_by_text("1 new message", exact=True).click()
    expect(page.locator("#m-240")).to_be_in_viewport()


def test_name_archive_and_end_of_a_session_are_shown(alice_page: Page, alice: User, session: Session) -> None:
    page = alice_page
    page.goto(session.get_absolute_url())
    update_session(actor=alice, session_id=session.pk, name="Lichens")
    expect(page.get_by_role("heading", level=1)).to_have_text("Lichens")
    expect(page).to_have_title(re.compile("^Lichens"))
    archive_session(actor=alice, session_id=session.pk)
    expect(page.get_by_text("This session is archived.")).to_be_visible()
    purge_session(actor=alice, session_id=session.pk)
    expect(page.locator("#live")).to_contain_text("deleted for ever")
    expect(page.locator(".toast")).to_have_count(0)


def test_what_one_writes_stays_while_the_session_changes(alice_page: Page, alice: User, session: Session) -> None:
    page = alice_page
    page.goto(session.get_absolute_url())
    page.get_by_label("Message", exact=True).fill("Half a sent")
    update_session(actor=alice, session_id=session.pk, model="qwen3:14b")
    add(alice, session, "meanwhile")
    expect(page.locator("#m-6")).to_be_visible()
    expect(page.get_by_label("Message", exact=True)).to_have_value("Half a sent")
    expect(page.get_by_label("Message", exact=True)).to_be_focused()


def test_a_name_being_written_stays_while_it_changes_elsewhere(alice_page: Page, alice: User, session: Session) -> None:
    page = alice_page
    page.goto(session.get_absolute_url())
    page.keyboard.press("e")
    field = page.get_by_label("Name", exact=True)
    field.fill("Half a na")
    update_session(actor=alice, session_id=session.pk, name="Lichens")
    expect(page.locator("#activity")).to_contain_text("Lichens")
    expect(field).to_have_value("Half a na")
    expect(field).to_be_focused()


def test_what_was_edited_elsewhere_is_said(alice_page: Page, alice: User, session: Session, check_axe) -> None:
    page = alice_page
    page.goto(session.get_absolute_url())
    edit_message(actor=alice, session_id=session.pk, index=2, content="better")
    page.get_by_role("link", name="Show the transcript as it is now").click()
    expect(page.locator("#m-2")).to_contain_text("better")
    expect_indexes(page, [0, 1, 2])


@pytest.mark.each_database
def test_the_list_moves_a_session_up_and_keeps_focus_and_ticks(alice_page: Page, alice: User) -> None:
    page = alice_page
    one, two, _ = [make_session(alice, name) for name in ("One", "Two", "Three")]
    page.goto("/")
    page.locator(".pick").nth(0).check()
    page.get_by_role("link", name="Two", exact=True).focus()
    add(alice, one, "hello")
    expect(page.locator(".row .name").first).to_have_text("One")
    expect_names(page, ["One", "Three", "Two"])
    expect(page.get_by_role("link", name="Two", exact=True)).to_be_focused()
    expect(page.locator(".picked")).to_have_text("1 selected")
    expect(row(page, "Three").locator(".pick")).to_be_checked()
    page.keyboard.press("e")
    page.get_by_role("textbox", name="Name").fill("Half a na")
    add(alice, two, "hello")
    make_session(alice, "Four")
    expect(page.locator("#places a").first).to_contain_text("4")
    expect(page.get_by_role("textbox", name="Name")).to_have_value("Half a na")


def test_a_list_that_is_scrolled_is_not_moved(alice_page: Page, alice: User) -> None:
    page = alice_page
    sessions = make_rows(alice, 60)
    page.goto("/")
    page.locator(".scroll").evaluate("box => box.scrollTo(0, 700)")
    shown = page.evaluate(
        "[...document.querySelectorAll('.row')].filter((row) => row.getBoundingClientRect().top > 60)"
        ".slice(0, 3).map((row) => [row.id, Math.round(row.getBoundingClientRect().top)])"
    )
    make_session(alice, "New")
    first = next(one for one in sessions if f"s-{one.pk}" == shown[0][0])
    update_session(actor=alice, session_id=first.pk, name="Gone up")
    expect(page.locator(".row .name").first).to_have_text("Gone up")
    top = "(id) => Math.round(document.getElementById(id).getBoundingClientRect().top)"
    assert [abs(page.evaluate(top, name) - y) <= 1 for name, y in shown[1:]] == [True, True]


def test_an_expired_login_stops_the_questions_and_paints_nothing(alice_page: Page, session: Session, check_axe) -> None:
    page = alice_page
    for address in (session.get_absolute_url(), "/"):
        page.goto(address)
        page.evaluate(QUIET)
        cookies = page.context.cookies()
        page.context.clear_cookies(name="sessionid")
        expect(page.get_by_role("alert")).to_contain_text("You have been signed out")
        assert page.locator("#live[hx-get], [name=password]").count() == 0
        expect(page.locator(".toast")).to_have_count(0)
        check_axe(page)
        page.context.add_cookies(cookies)  # type: ignore[arg-type]  # what was there before


def test_a_server_that_is_away_is_said_calmly_and_found_again(alice_page: Page, alice: User, session: Session) -> None:
    page = alice_page
    page.goto(session.get_absolute_url())
    page.evaluate(QUIET)
    page.context.set_offline(True)
    expect(page.get_by_text("The server can’t be reached.")).to_be_visible()
    expect(page.locator(".toast")).to_have_count(0)
    add(alice, session, "meanwhile")
    page.context.set_offline(False)
    expect(page.locator("#m-6")).to_be_visible()
    expect(page.get_by_text("The server can’t be reached.")).to_be_hidden()


def test_a_page_that_nobody_sees_asks_nothing_until_it_is_seen_again(
    alice_page: Page, alice: User, session: Session
) -> None:
    page = alice_page
    page.goto(session.get_absolute_url())
    page.evaluate(QUIET)
    asked: list[str] = []
    page.evaluate("Object.defineProperty(document, 'hidden', {get: () => window.away, configurable: true})")
    page.evaluate("window.away = true")
    page.wait_for_function(ASKS_NOTHING)
    page.on("request", lambda request: asked.append(request.url))
    add(alice, session, "meanwhile")
    seen = page.context.new_page()
    seen.goto(session.get_absolute_url())
    for _ in range(2):
        with seen.expect_response("**/live/?**"):
            pass
    assert asked == []
    page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#m-6")).to_contain_text("meanwhile")
