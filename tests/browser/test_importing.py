"""Dropping files on the page, reading what became of them, taking it back, and exporting what is ticked."""

import io
import zipfile
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect

from sessions.models import Session
from tests.browser.conftest import DESKTOP, sign_in
from tests.factories import make_session
from tests.formats.samples import MOCHI, as_json, simple_chatgpt

pytestmark = pytest.mark.django_db(transaction=True)


def files() -> list[dict[str, object]]:
    """Two files, one of them with a conversation that can't be read and parts that can't be kept."""
    odd = simple_chatgpt(2, title="x" * 255)
    odd["mapping"]["u"]["message"]["content"]["parts"].append({"content_type": "image_asset_pointer"})
    chats = as_json([simple_chatgpt(1), odd, {"title": "<script>window.evil=1</script>"}])
    return [
        {"name": "conversations.json", "mimeType": "application/json", "buffer": chats},
        {"name": "mochi.json", "mimeType": "application/json", "buffer": as_json(MOCHI)},
    ]


def bring_in_and_take_back(page: Page) -> None:
    """The way through the pages, the same with scripts and without."""
    page.goto("/")
    page.get_by_role("link", name="Import").click()
    page.get_by_label("Drop files here").set_input_files(files())
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("heading", name="conversations.json, mochi.json")).to_be_visible()
    expect(page.get_by_role("link", name="Chat 1")).to_be_visible()


def test_files_in_a_browser(alice_page: Page, alice: User, check_axe, screenshot) -> None:
    page = alice_page
    page.goto("/import/")
    page.get_by_label("Drop files here").set_input_files(
        [{"name": "notes.json", "mimeType": "application/json", "buffer": b"{}"}]
    )
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("alert")).to_contain_text("no format that is known")
    check_axe(page)
    bring_in_and_take_back(page)
    for width in (1440, 820, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("window.evil") is None
        screenshot(page, f"import-report-{width}")
    check_axe(page)
    page.set_viewport_size(DESKTOP)
    page.goto("/import/")
    screenshot(page, "import-lately")
    check_axe(page)
    page.get_by_role("link", name="conversations.json, mochi.json").click()
    page.get_by_text("Take this import back").click()
    check_axe(page)
    page.get_by_role("button", name="Take it back").click()
    expect(page.locator(".toast")).to_contain_text("3 sessions deleted")
    assert not Session.objects.exists()


@pytest.mark.each_database
def test_files_without_scripts(browser: Browser, base_url: str, alice: User) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=base_url, viewport=DESKTOP)
    sign_in(context, base_url, alice)
    bring_in_and_take_back(context.new_page())
    context.close()


def test_exporting_from_the_menu_and_the_list(alice_page: Page, alice: User, screenshot) -> None:
    page = alice_page
    first = make_session(alice, "First", messages=2)
    make_session(alice, "Second")
    page.goto(f"/sessions/{first.pk}/")
    page.get_by_role("button", name="More").click()
    screenshot(page, "export-menu")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as Markdown").click()
    assert "## 0. User" in Path(download.value.path()).read_text()
    page.goto("/")
    page.get_by_label("Select First").check()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    with zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes())) as archive:
        assert archive.namelist() == [f"first-{first.short_id}.zip"]
