"""A real Chromium on a live server, signed in or not, with axe and pictures."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from playwright.sync_api import BrowserContext, Page, Playwright, expect

from sessions.models import Run, Session
from sessions.models.open_page import session_state
from tests import machine

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright runs a loop in the test's thread

PATIENCE = 60_000  # milliseconds; a loaded machine is slow, not wrong
expect.set_options(timeout=PATIENCE)

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1440, "height": 900}
SCHEMES: dict[str, Any] = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}  # only colours differ
NARROW = 600  # pixels; colours are those of the wide page
# Transitions and animations have ended, all but those that wait, as a toast does until it leaves.
SETTLED = """Promise.allSettled(
  document.getAnimations()
    .filter(({ effect }) => !effect.getTiming().delay && effect.getTiming().iterations < Infinity)
    .map(({ finished }) => finished)
)"""
# A page that nobody sees asks nothing by itself: so it stays as it is while axe looks at it.
UNSEEN = "void Object.defineProperty(document, 'hidden', { get: () => true, configurable: true })"
# A function: what is no function would be evaluated again and again, which the CSP forbids.
ASKS_NOTHING = "() => !document.querySelector('.htmx-request:not(.asks)')"  # a model may take its time
# Nor begins to: what comes into view by itself has been asked for some frames later.
QUIET = f"""async () => {{
  const asksNothing = {ASKS_NOTHING};
  for (let still = 0; still < 4; await new Promise(requestAnimationFrame)) still = asksNothing() ? still + 1 : 0;
}}"""
# What a toast offers can be pressed for twelve seconds, which a slow machine may need for less than that.
TOASTS_STAY = """addEventListener("animationstart", ({ target }) => {
  if (!target.matches(".toast")) return;
  for (const one of target.getAnimations()) if (one.effect.getTiming().delay) one.pause();
})"""
# axe leaves empty style attributes, which htmx would carry over and the CSP forbid.
SEEN_AGAIN = """() => {
  for (const one of document.querySelectorAll("[style='']")) one.removeAttribute("style");
  delete document.hidden;
}"""
WHAT_TO_INSTALL = (
    "The browser tests need Chromium. Install it (Debian: apt-get install chromium), name one in the variable "
    "CHROMIUM, or let Playwright fetch its own: python -m playwright install chromium"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def playwright(playwright: Playwright) -> Iterator[Playwright]:
    """Its loop runs in the tests' thread, and Django's connection there is another one than without: closed with it."""
    yield playwright
    connections.close_all()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], playwright: Any) -> dict[str, Any]:
    """The machine's Chromium, or the one that Playwright brought."""
    path = os.environ.get("CHROMIUM") or machine.chromium() or playwright.chromium.executable_path
    if not Path(path).exists():
        pytest.fail(WHAT_TO_INSTALL, pytrace=False)
    return browser_type_launch_args | {"executable_path": path, "args": FLAGS, "timeout": 3 * PATIENCE}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """A desktop somewhere east of Greenwich, without motion."""
    return browser_context_args | {
        "viewport": DESKTOP,
        "timezone_id": "Europe/Zurich",
        "locale": "en-GB",
        "reduced_motion": "reduce",
    }


@pytest.fixture(scope="session")
def base_url(live_server: Any) -> str:
    """`page.goto("/")` goes to the live server."""
    return live_server.url


@pytest.fixture
def page(page: Page) -> Iterator[Page]:
    """A page whose scripts must not fail, and which must not ask for what the CSP forbids."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if "Content Security Policy" in message.text else None,
    )
    page.context.set_default_timeout(PATIENCE)
    page.add_init_script(TOASTS_STAY)
    yield page
    assert complaints == []


def sign_in(context: BrowserContext, base_url: str, user: User) -> None:
    """Give the browser a login, as the sign-in page would."""
    context.set_default_timeout(PATIENCE)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": base_url}])


def caught_up(page: Page, session: Session) -> None:
    """The page has heard of all that has happened to the session, its own doing too: it replaces nothing any more."""
    session.refresh_from_db()
    run_state = Run.objects.filter(pk=session.pk).values_list("state", flat=True).first()
    expect(page.locator("#live [name=seen]")).to_have_value(session_state(session.version, run_state))


@pytest.fixture
def alice_page(page: Page, base_url: str, alice: User) -> Page:
    """A browser in which Alice is signed in; nothing is opened yet."""
    sign_in(page.context, base_url, alice)
    return page


@pytest.fixture
def check_axe() -> Callable[[Page], None]:
    """`check_axe(page)`: axe finds nothing, in the light nor in the dark."""

    def check(page: Page) -> None:
        page.wait_for_load_state()
        if page.evaluate("!window.axe"):
            page.evaluate(Axe().axe_script)
        page.evaluate(UNSEEN)
        page.wait_for_function(ASKS_NOTHING)
        size = page.viewport_size
        for scheme, options in SCHEMES.items():
            if scheme == "dark" and size is not None and size["width"] < NARROW:
                continue
            page.emulate_media(color_scheme=scheme)
            page.evaluate(SETTLED)
            found = AxeResults(
                page.evaluate("(options) => axe.run({ resultTypes: ['violations'], ...options })", options)
            )
            assert found.violations_count == 0, f"{page.url}, {scheme}:\n{found.generate_report()}"
        page.evaluate(SEEN_AGAIN)

    return check


@pytest.fixture
def screenshot(request: pytest.FixtureRequest) -> Callable[[Page, str], None]:
    """`screenshot(page, "sessions")` keeps a picture in $SCREENSHOTS, if that is set."""

    def take(page: Page, name: str) -> None:
        folder = os.environ.get("SCREENSHOTS")
        if folder:
            page.screenshot(path=Path(folder) / f"{name}.png")

    return take
