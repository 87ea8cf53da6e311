"""Every page of the shell: axe finds nothing, nothing overflows, nothing runs that shouldn't, and little is loaded."""

import gzip
from unittest.mock import Mock

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from playwright.sync_api import Page, Response, expect

from sessions.exceptions import StorageFull
from sessions.models import JobKind, Session
from sessions.operations.accounts import first_run_token
from sessions.operations.jobs.queue import start_job
from sessions.operations.lifecycle import archive_session, trash_session
from sessions.operations.sessions import update_session
from sessions.operations.sharing import make_link
from sessions.operations.tokens import create_token, revoke_token
from sessions.storage.workspaces import INDEX
from tests.browser.conftest import DESKTOP, QUIET
from tests.browser.test_sessions_page import load_all
from tests.factories import make_rows, make_session, user_message

pytestmark = pytest.mark.django_db(transaction=True)

EVIL = "<img src=x onerror=window.evil=1><script>window.evil=1</script>"
WIDTHS = (1440, 820, 390)
PARTS = 4  # what is set up is shared by a part of the pages
PAGES = (
    "/", "/?sort=name", "/?tag=field+work", "/?tag=nothing", "/pinned/", "/archived/", "/trash/", "/trash/empty/",
    "/tags/", "/insights/", "/jobs/",
    "/search/", "/search/?q=window", "/search/?q=nowhere+role:user", "/?q=mos", "/sessions/new/",
    "/import/", "/settings/", "/settings/password/", "/settings/tokens/", "/nowhere/",
)  # fmt: skip
SOME = ("/", "/trash/", "/search/?q=window", "/import/", "/settings/tokens/")


@pytest.fixture
def full(alice: User, workspace_root) -> Session:
    """Sessions of every kind, with names, tags and previews as people and their enemies write them."""
    plain = make_session(alice, "Mosses", messages=3, model="llama3:8b", phase="execution", tags=["field work", "red"])
    (workspace_root / str(plain.pk) / INDEX).mkdir()
    make_session(
        alice, "x" * 255, messages=[user_message("y" * 400)], tags=["z" * 100], model="m" * 255, phase="failed"
    )
    make_session(alice, EVIL, messages=[user_message(EVIL)], tags=[EVIL.replace(",", "")], model=EVIL)
    make_session(alice, "量子力学的研究笔记", messages=[user_message("请用三句话总结这一章")], phase="complete")
    many = make_session(alice, "Many tags", tags=[f"tag {number}" for number in range(50)], phase="clarification")
    update_session(actor=alice, session_id=many.pk, pinned=True)
    archive_session(actor=alice, session_id=make_session(alice, "Archived").pk)
    trash_session(actor=alice, session_id=make_session(alice, "Trashed", tags=["old"]).pk)
    create_token(actor=alice, name=EVIL)
    for subject in (EVIL, "w" * 255):
        start_job(actor=alice, kind=JobKind.IMPORT, subject=subject, total=3)
    revoke_token(actor=alice, token_id=create_token(actor=alice, name="w" * 100)[0].pk)
    return plain


def settled(page: Page) -> None:
    """Nothing sticks out of the window, and no text has run."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
    assert page.evaluate("window.evil") is None
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("looks", [SOME, pytest.param(PAGES, marks=pytest.mark.soak)], ids=["some", "all"])
@pytest.mark.parametrize("part", range(PARTS))
def test_with_sessions_of_every_kind(alice_page: Page, full: Session, part: int, looks, check_axe, screenshot) -> None:
    """axe looks at each page when it is wide, in the light and in the dark, and at some when they are narrow."""
    page = alice_page
    for address in PAGES[part::PARTS]:
        page.goto(address)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            settled(page)
            screenshot(page, f"{address.strip('/').replace('/', '-') or 'sessions'}-{width}")
            if width == 1440 or (width == 390 and address in looks):
                check_axe(page)


def test_empty(alice_page: Page, check_axe) -> None:
    for address in ("/", "/pinned/", "/archived/", "/trash/", "/tags/", "/settings/tokens/"):
        alice_page.goto(address)
        settled(alice_page)
        check_axe(alice_page)


def test_signed_out(page: Page, alice: User, check_axe) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto("/sign-in/")
        settled(page)
        page.get_by_label("Username").fill("alice")
        page.get_by_label("Password").fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_be_visible()
        settled(page)
        if width != 820:
            check_axe(page)


OF_A_SESSION = (
    "", "run/", "files/", "files/?path=content", "files/view/?path=content/notes.txt", "statistics/", "activity/",
    "revisions/", "system-prompt/", "messages/0/edit/", "rename/", "fork/", "split/",
)  # fmt: skip


# What sticks out of the window, and short headings and tabs that are cut off.
TOO_WIDE = """[
  ...(document.documentElement.scrollWidth > innerWidth ? ["the page"] : []),
  ...[...document.querySelectorAll(".bar h1, .tabs a")]
    .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth + 1)
    .filter(({ textContent }) => textContent.trim().length < 20)
    .map(({ textContent }) => textContent),
]"""


def test_no_page_of_a_session_scrolls_sideways(
    alice_page: Page, full: Session, workspace_root, check_axe, screenshot
) -> None:
    """Names without a space, of sessions and of files, on a narrow screen: what is too long ends in dots or wraps."""
    page, long = alice_page, Session.objects.get(name="x" * 255)
    content = workspace_root / str(long.pk) / "content"
    for name in ("n" * 200, "notes.txt"):
        (content / name).write_text("w" * 3000)
    secret = make_link(actor=long.owner, session_id=long.pk, include_files=True)[1]
    page.set_viewport_size({"width": 390, "height": 844})
    wrong: list[tuple[str, str]] = []
    two = f"{full.pk}&{{}}={long.pk}"
    for address in (
        *(f"/sessions/{long.pk}/{part}" for part in OF_A_SESSION),
        f"/merge/?id={two.format('id')}", f"/compare/?a={two.format('b')}", "/fleet/", "/settings/retention/",
        f"/shared/{secret}/", f"/shared/{secret}/files/?path=content",
    ):  # fmt: skip
        page.goto(address)
        wrong += [(address, what) for what in page.evaluate(TOO_WIDE)]
        screenshot(page, address.strip("/").replace("/", "-")[-60:])
        if "statistics" in address or "merge" in address:
            check_axe(page)
    assert wrong == [], "\n".join(map(str, wrong))


def test_failures(alice_page: Page, monkeypatch, check_axe) -> None:
    page = alice_page
    for error in (RuntimeError("broken"), OperationalError("away"), StorageFull("The disk is full.")):
        monkeypatch.setattr("sessions.views.lists.page_of", Mock(side_effect=error))
        response = page.goto("/")
        assert response is not None
        assert response.status >= 500
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            settled(page)
        check_axe(page)
    page.set_viewport_size(DESKTOP)
    check_axe(page)


def test_first_run(page: Page, tmp_path, settings, check_axe) -> None:
    settings.DATA_DIR = tmp_path
    for address in ("/sign-in/", f"/welcome/{first_run_token()}/", "/welcome/wrong/"):
        page.goto(address)
        settled(page)
        check_axe(page)


def test_states_of_the_list(alice_page: Page, full: Session, check_axe, screenshot) -> None:
    page = alice_page
    page.goto("/")
    page.get_by_role("link", name="Mosses", exact=True).focus()
    check_axe(page)
    page.keyboard.press("e")
    page.get_by_role("textbox", name="Name").fill(" ")
    page.keyboard.press("Enter")
    expect(page.locator(".rename .errors")).to_be_visible()
    check_axe(page)
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    check_axe(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Sort by").click()
    check_axe(page)
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Mosses", exact=True).focus()
    page.keyboard.press("a")
    expect(page.locator(".toast")).to_be_visible()
    screenshot(page, "toast")
    check_axe(page)
    page.goto("/trash/")
    page.get_by_role("link", name="Trashed", exact=True).focus()
    page.keyboard.press("#")
    expect(page.get_by_role("dialog")).to_be_visible()
    check_axe(page)


def test_the_drawer(alice_page: Page, full: Session, check_axe, screenshot) -> None:
    page = alice_page
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/")
    page.get_by_role("button", name="Menu").click()
    expect(page.locator("#side")).to_be_visible()
    screenshot(page, "drawer")
    check_axe(page)
    page.keyboard.press("Escape")
    expect(page.locator("#side")).to_be_hidden()


def test_the_first_visit_is_light(alice_page: Page, alice: User) -> None:
    """Everything that the first visit loads: at most 150 kB compressed; the HTML is counted as it is."""
    make_rows(
        alice, 60, model="qwen3-coder:30b", preview="What people ask is longer than a list has room for", tags=["a"]
    )
    answers: list[Response] = []
    alice_page.on("response", lambda answer: answers.append(answer))
    alice_page.goto("/")
    alice_page.evaluate("document.fonts.ready.then(() => {})")
    alice_page.evaluate(QUIET)
    sizes = {answer.url: _weight(answer) for answer in answers if answer.status == 200}  # nothing new is 204
    assert any("inter" in url for url in sizes)
    assert any("htmx" in url for url in sizes)
    assert all(url.startswith(alice_page.url.rstrip("/")) for url in sizes), "nothing comes from elsewhere"
    assert sum(sizes.values()) <= 150_000, sizes


def _weight(answer: Response) -> int:
    body = answer.body()
    is_packed = answer.url.endswith(".woff2") or "html" in answer.headers.get("content-type", "")
    return len(body if is_packed else gzip.compress(body))


def test_our_scripts_are_small(settings) -> None:
    folder = settings.BASE_DIR / "static" / "js"
    own = {path.name: path.stat().st_size for path in folder.glob("*.js")}
    assert sum(own.values()) < 10_000, own


@pytest.mark.parametrize("many", [250, pytest.param(1000, marks=pytest.mark.soak)])
def test_very_many_sessions_to_the_end(alice_page: Page, alice: User, many: int) -> None:
    make_rows(alice, many, tags=["field work"])
    page = alice_page
    page.goto("/")
    load_all(page)
    expect(page.locator(".row")).to_have_count(many)
    page.locator(".row .name").last.focus()
    page.keyboard.press("a")
    expect(page.locator(".row")).to_have_count(many - 1)
    expect(page.locator(".row .name").last).to_be_focused()
