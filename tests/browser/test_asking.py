"""Asking a model in a real browser: the answer streams in, stops, and stays rendered."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect

from sessions.models import Session
from sessions.operations.transcript import append_messages
from tests.browser.conftest import DESKTOP, sign_in
from tests.factories import assistant_message, make_session
from tests.model_server import ModelServerStub
from tests.whole import assert_whole, transcript

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session(alice: User, model_server: ModelServerStub) -> Session:
    return make_session(alice, "Recall of four indexes", messages=4, model="qwen3:14b")


def composer(page: Page):
    return page.get_by_label("Message", exact=True)


@pytest.mark.each_database
def test_ask_stop_and_ask_again(
    alice_page: Page, session: Session, model_server: ModelServerStub, check_axe, screenshot
) -> None:
    page = alice_page
    model_server.manner = "hold"
    model_server.pieces = ["<img src=x onerror=window.evil=1> An ", "*approximate* index."]
    page.goto(session.get_absolute_url())
    composer(page).fill("What is HNSW?")
    page.keyboard.press("Control+Enter")
    asked = page.locator("#asked")
    expect(asked).to_contain_text("What is HNSW?")
    expect(asked).to_contain_text("<img src=x onerror=window.evil=1> An")
    expect(asked).to_be_in_viewport()
    expect(composer(page)).to_be_focused()
    screenshot(page, "asking")
    check_axe(page)

    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Ask")).to_be_visible()
    expect(composer(page)).to_have_value("What is HNSW?")
    expect(asked).to_be_hidden()
    model_server.pieces += ["and so on " * 1000] * 2000  # Django's own server sees that nobody reads when it writes
    model_server.go_on.set()
    assert model_server.hung_up.acquire(timeout=120)
    assert len(transcript(session)) == 4

    model_server.go_on.clear()
    del model_server.pieces[2:]
    page.get_by_role("button", name="Ask").click()
    expect(asked).to_contain_text("An")
    model_server.go_on.set()
    expect(page.locator("#m-5 em")).to_have_text("approximate")
    expect(page.locator("#m-5")).to_be_in_viewport()
    expect(asked).to_be_hidden()
    expect(composer(page)).to_have_value("")
    assert page.evaluate("window.evil") is None
    assert transcript(session)[4] == "What is HNSW?"
    assert_whole(session)
    screenshot(page, "answered")
    check_axe(page)


def test_what_a_script_appends_meanwhile_comes_before_the_answer(
    alice_page: Page, alice: User, session: Session, model_server: ModelServerStub
) -> None:
    page = alice_page
    model_server.manner = "hold"
    page.goto(session.get_absolute_url())
    composer(page).fill("What is HNSW?")
    page.keyboard.press("Control+Enter")
    asked = page.locator("#asked")
    expect(asked).to_contain_text("An")
    append_messages(actor=alice, session_id=session.pk, messages=[assistant_message("noted by a script")])
    expect(page.locator("#m-4")).to_contain_text("noted by a script")
    expect(asked).to_contain_text("What is HNSW?")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    model_server.go_on.set()
    expect(page.locator("#m-6 em")).to_have_text("approximate")
    expect(page.locator("#m-5")).to_contain_text("What is HNSW?")
    expect(asked).to_be_hidden()
    expect(page.locator("#transcript .msg")).to_have_count(7)


def test_a_failure_keeps_what_was_typed(
    alice_page: Page, session: Session, model_server: ModelServerStub, check_axe
) -> None:
    page = alice_page
    model_server.manner = "break off"
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(session.get_absolute_url())
    composer(page).fill("What is HNSW?")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("alert")).to_contain_text("broke its answer off")
    expect(composer(page)).to_have_value("What is HNSW?")
    check_axe(page)
    assert len(transcript(session)) == 4


def test_without_javascript(browser: Browser, base_url: str, alice: User, session: Session) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=base_url, viewport=DESKTOP)
    sign_in(context, base_url, alice)
    page = context.new_page()
    page.goto(session.get_absolute_url())
    composer(page).fill("What is HNSW?")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#m-5 em")).to_have_text("approximate")
    context.close()
