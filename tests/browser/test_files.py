"""Files in the browser: uploaded by the panel's form, looked at, and removed."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from sessions.operations.files import put_file
from sessions.storage.directory import list_directory
from tests.factories import make_session

pytestmark = pytest.mark.django_db(transaction=True)
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154"
    "78da63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


def test_there_and_back(alice_page: Page, alice: User, tmp_path: Path, check_axe, screenshot) -> None:
    page = alice_page
    session = make_session(alice, "Mosses of the north", messages=2)
    kept = {
        "deep/er/" + "x" * 200 + ".txt": b"text",
        "table.csv": b"species,count\n" + b"Sphagnum,12\n" * 30,
        "pixel.png": PIXEL,
        "notes.md": b"# Notes\n\n- one\n- two\n",
    }
    for path, data in kept.items():
        put_file(actor=alice, session_id=session.pk, path=f"content/{path}", blocks=[data], size=len(data))
    page.goto(f"/sessions/{session.pk}/")
    page.locator(".tree summary", has_text="deep").click()
    expect(page.locator(".tree .tree")).to_contain_text("er")
    check_axe(page)
    screenshot(page, "files-panel")
    files = [tmp_path / name for name in ("one.txt", "two.txt")]
    for file in files:
        file.write_text("uploaded")
    page.get_by_label("Drop files here").set_input_files(files)
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.locator(".toast")).to_contain_text("Kept 2 files.")
    expect(page.locator(".files .card")).to_have_count(6)
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        screenshot(page, f"files-{width}")
        check_axe(page)
    for name in ("table.csv", "notes.md", "pixel.png"):
        page.goto(f"/sessions/{session.pk}/files/view/?path=content/{name}")
        screenshot(page, f"file-{name}")
        check_axe(page)
    assert page.locator(".picture img").evaluate("image => image.naturalWidth") == 1
    page.goto(f"/sessions/{session.pk}/files/?path=content")
    page.get_by_label("Delete one.txt").click()
    page.get_by_role("button", name="Delete for ever").click()
    expect(page.locator(".files .card")).to_have_count(5)


DRAGGED = """(names) => {
  const dragged = new DataTransfer();
  for (const name of names) dragged.items.add(new File(["dropped"], name));
  return dragged;
}"""


def test_dropped_anywhere_on_the_files(alice_page: Page, alice: User) -> None:
    """On the panel of the session's page, and on the page of its files: they go up at once."""
    page, session = alice_page, make_session(alice)
    page.goto(f"/sessions/{session.pk}/")
    dragged = {"dataTransfer": page.evaluate_handle(DRAGGED, ["one.txt", "two.txt"])}
    workspace = page.locator("details[data-fold=workspace]")
    workspace.locator("h2").dispatch_event("dragover", dragged)
    expect(workspace.locator(".upload.over")).to_be_visible()
    workspace.locator("h2").dispatch_event("drop", dragged)
    expect(page.locator(".toast")).to_contain_text("Kept 2 files.")
    expect(page.locator(".files .card")).to_contain_text(["one.txt", "two.txt"])
    page.wait_for_load_state()  # the script of that page is there
    dragged = {"dataTransfer": page.evaluate_handle(DRAGGED, ["three.txt"])}
    page.locator(".files .card").first.dispatch_event("drop", dragged)
    expect(page.locator(".files .card")).to_contain_text(["one.txt", "three.txt", "two.txt"])
    assert list_directory(session.pk, ("content",)).entries[1].size == len("dropped")


def test_a_slow_upload_shows_how_far_it_is(alice_page: Page, alice: User, tmp_path: Path, settings, screenshot) -> None:
    """Uploaded over a line that is slow until one has seen it, and refused for what is too large."""
    page = alice_page
    settings.MAX_UPLOAD_BYTES = 3 * 2**20
    session = make_session(alice)
    files = [tmp_path / name for name in ("one.bin", "two.bin")]
    for file, size in zip(files, (2**19, 3 * 2**20 + 2**18), strict=True):
        file.write_bytes(b"x" * size)
    page.goto(f"/sessions/{session.pk}/files/")
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    speed = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 2**16}
    line.send("Network.emulateNetworkConditions", speed)
    page.get_by_label("Drop files here").set_input_files(files)
    bar = page.get_by_role("progressbar", name="Uploading")
    expect(bar).to_be_hidden()
    page.get_by_role("button", name="Upload", exact=True).click()
    moved = "(least) => document.querySelector('.upload progress').position > least"
    page.wait_for_function(moved, arg=0)
    expect(bar).to_be_visible()
    first = bar.evaluate("bar => bar.position")
    assert first < 1
    page.wait_for_function(moved, arg=first)
    screenshot(page, "upload-under-way")
    line.send("Network.emulateNetworkConditions", speed | {"uploadThroughput": -1})
    expect(page.get_by_role("alert")).to_contain_text("two.bin: A file has at most 3 MiB here.")
    expect(bar).to_be_hidden()
    page.get_by_role("link", name="Kept a file").click()
    expect(page.locator(".files .card")).to_contain_text(["one.bin"])
