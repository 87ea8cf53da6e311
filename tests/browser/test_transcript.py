"""Reading a transcript: it opens at its end, grows on both sides without moving, and links lead to messages."""

import re

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page, expect

from sessions.models import Role, Session
from sessions.operations.sessions import update_session
from sessions.operations.transcript import NewMessage, append_messages
from tests.browser.conftest import QUIET, sign_in
from tests.browser.transcripts import everything, long_transcript
from tests.factories import assistant_message, make_session, user_message
from tests.rendering.test_hostile import HOSTILE

pytestmark = pytest.mark.django_db(transaction=True)

FIRST_SHOWN = """() => {
  const top = document.querySelector(".scroll").getBoundingClientRect().top;
  const message = [...document.querySelectorAll(".msg")].find((one) => one.getBoundingClientRect().bottom > top + 1);
  return [message.id, Math.round(message.getBoundingClientRect().top)];
}"""
# The same, once nothing has moved for some frames.
AT_REST = f"""async () => {{
  const shown = {FIRST_SHOWN};
  for (let last = "", still = 0; still < 4; await new Promise(requestAnimationFrame)) {{
    const now = String(shown());
    still = now === last ? still + 1 : 0;
    last = now;
  }}
  return shown();
}}"""
# The wheel has turned the page, or has nothing to turn until more has come.
TURNED = """(before) => {
  const box = document.querySelector(".scroll");
  return box.scrollTop !== before || box.scrollTop <= box.clientHeight - box.scrollHeight + 1;
}"""
TOP_OF = "(id) => Math.round(document.getElementById(id).getBoundingClientRect().top)"


@pytest.fixture
def long(alice: User) -> Session:
    return long_transcript(alice, 240)


def indexes(page: Page) -> list[int]:
    return [int(one.removeprefix("m-")) for one in page.eval_on_selector_all(".msg", "all => all.map(one => one.id)")]


def expect_indexes(page: Page, wanted: list[int]) -> None:
    """The page comes to show these messages."""
    expect(page.locator(".msg")).to_have_count(len(wanted))
    assert indexes(page) == wanted


def without_script(page: Page, alice: User, base_url: str) -> Page:
    """The same browser with scripts switched off."""
    assert page.context.browser is not None
    context: BrowserContext = page.context.browser.new_context(
        java_script_enabled=False, base_url=base_url, viewport={"width": 1440, "height": 900}
    )
    sign_in(context, base_url, alice)
    return context.new_page()


def test_opens_at_its_end(alice_page: Page, long: Session) -> None:
    alice_page.goto(long.get_absolute_url())

    expect(alice_page.locator("#m-239")).to_be_in_viewport()
    expect(alice_page.locator("#m-190")).not_to_be_in_viewport()
    assert indexes(alice_page) == list(range(190, 240))


def test_scrolling_up_brings_older_messages_and_moves_nothing(alice_page: Page, long: Session) -> None:
    page = alice_page
    page.goto(long.get_absolute_url())
    page.mouse.move(600, 400)
    for first in (140, 90):
        while page.locator(f"#m-{first}").count() == 0:
            before, scrolled = page.evaluate(AT_REST), page.locator(".scroll").evaluate("box => box.scrollTop")
            page.mouse.wheel(0, -300)
            page.wait_for_function(TURNED, arg=scrolled)
            shown, top = page.evaluate(AT_REST)
            # Whatever has arrived above since: what is read stays where it is, within what the wheel moves.
            if shown == before[0]:
                assert abs(top - before[1]) <= 301
        expect(page.locator("#earlier")).to_have_count(1)

    shown = indexes(page)  # read once: more may be arriving
    assert shown == list(range(shown[0], 240))
    days = page.locator(".talk > .day").all_text_contents()
    assert len(days) == len(set(days))


@pytest.mark.parametrize("anchoring", ["auto", "none"])
def test_what_arrives_above_and_below_moves_nothing_at_all(alice_page: Page, long: Session, anchoring: str) -> None:
    """Nor in browsers that don't anchor what one reads by themselves."""
    page = alice_page
    page.goto(f"{long.get_absolute_url()}?at=120#m-120")
    expect(page.locator("#m-120")).to_be_in_viewport()
    page.evaluate("(value) => { document.querySelector('.scroll').style.overflowAnchor = value }", anchoring)
    for side in ("earlier", "later"):
        page.evaluate(QUIET)
        first, top = page.evaluate(AT_REST)
        amount = page.locator(".msg").count()
        page.evaluate(f"htmx.trigger('#{side} .reach', 'intersect')")
        expect(page.locator(".msg")).not_to_have_count(amount)
        page.evaluate(AT_REST)
        assert abs(page.evaluate(TOP_OF, first) - top) <= 1
    shown = indexes(page)
    assert shown == list(range(shown[0], shown[0] + len(shown)))


@pytest.mark.parametrize("at", [0, 37, 120, 239])
def test_a_permalink_opens_at_its_message(alice_page: Page, long: Session, at: int) -> None:
    for link in (f"?at={at}#m-{at}", f"?at={at}", f"#m-{at}"):
        alice_page.goto("about:blank")
        alice_page.goto(long.get_absolute_url() + link)
        expect(alice_page.locator(f"#m-{at}")).to_be_in_viewport()


def test_a_message_has_a_permalink_that_can_be_followed(alice_page: Page, long: Session) -> None:
    alice_page.goto(long.get_absolute_url())
    alice_page.locator("#m-230 .permalink").click()

    alice_page.wait_for_url(re.compile(r"\?at=230#m-230$"))
    expect(alice_page.locator("#m-230")).to_be_in_viewport()


def test_jumping_to_the_start_and_back_to_the_end(alice_page: Page, long: Session) -> None:
    alice_page.goto(long.get_absolute_url())
    alice_page.get_by_role("link", name="First message").click()
    expect(alice_page.locator("#m-0")).to_be_in_viewport()
    alice_page.get_by_role("link", name="Newest message").click()
    expect(alice_page.locator("#m-239")).to_be_in_viewport()


def test_without_a_script_links_page_through_it(page: Page, base_url: str, alice: User, long: Session) -> None:
    plain = without_script(page, alice, base_url)
    plain.goto(long.get_absolute_url())
    expect(plain.locator("#m-239")).to_be_in_viewport()
    plain.get_by_role("link", name="Earlier messages").click()
    expect(plain.locator("#m-189")).to_be_in_viewport()
    plain.get_by_role("link", name="Later messages").click()
    expect(plain.locator("#m-239")).to_be_in_viewport()
    expect(plain.locator(".msg")).to_have_count(50)
    plain.goto(f"{long.get_absolute_url()}?at=100")
    expect(plain.locator("#m-100")).to_be_in_viewport()
    plain.context.close()


def test_everything_in_it_looks_right_to_axe(alice_page: Page, alice: User, check_axe, screenshot) -> None:
    session = make_session(
        alice,
        "FastAPI router review",
        messages=everything(),
        tags=["literature"],
        model="qwen3:14b",
        description="For June",
    )
    alice_page.goto(f"{session.get_absolute_url()}?at=0#m-0")
    check_axe(alice_page)
    alice_page.evaluate("for (const one of document.querySelectorAll('.tool, .fold')) one.open = true")
    check_axe(alice_page)
    screenshot(alice_page, "session")
    for width in (820, 390):
        alice_page.set_viewport_size({"width": width, "height": 844})
        check_axe(alice_page)
        assert alice_page.evaluate("document.documentElement.scrollWidth") <= width


def test_long_words_and_wide_tables_never_widen_the_page(alice_page: Page, alice: User) -> None:
    call = {"name": "T" * 200, "input": {"k" * 200: "v" * 900, "l" * 200: "v\n" * 9}}
    wide = "| " + " | ".join(f"column {n}" for n in range(30)) + " |\n" + "|--" * 30 + "|\n"
    session = make_session(
        alice,
        "x" * 255,
        description="y" * 1024,
        tags=["z" * 100],
        model="m" * 255,
        messages=[
            user_message("W" * 3_000),
            assistant_message(f"`{'c' * 500}`\n\n```\n{'z' * 900}\n```\n\n{wide}\n\n# {'h' * 400}", model="n" * 255),
            assistant_message(f"$${'m' * 400}$$", thinking="t" * 900, tool_calls=[call]),
            NewMessage(role=Role.TOOL, content="r" * 900, tool_name="q" * 200),
        ],
    )  # fmt: skip
    for width in (1440, 901, 820, 390, 320):
        alice_page.set_viewport_size({"width": width, "height": 844})
        alice_page.goto(session.get_absolute_url())
        alice_page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        for box in ("html", ".scroll", "#panel"):
            assert (
                alice_page.evaluate(
                    "(one) => { const e = document.querySelector(one); return e.scrollWidth - e.clientWidth }", box
                )
                <= 0
            ), (width, box)


def test_code_is_copied_as_it_was_written(alice_page: Page, alice: User) -> None:
    session = make_session(alice, messages=[assistant_message("```py\nif a < b:\n\treturn '<&>'\n```")])
    alice_page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    alice_page.goto(session.get_absolute_url())
    alice_page.get_by_role("button", name="Copy", exact=True).click()

    expect(alice_page.locator("#said")).to_have_text("Copied")
    assert alice_page.evaluate("navigator.clipboard.readText()") == "if a < b:\n\treturn '<&>'\n"


def test_code_is_copied_where_scripts_have_no_clipboard(alice_page: Page, alice: User) -> None:
    session = make_session(alice, messages=[assistant_message("```py\nprint(1)\n```")])
    alice_page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    alice_page.goto(session.get_absolute_url())
    alice_page.evaluate("window.real = navigator.clipboard")
    alice_page.evaluate("Object.defineProperty(Navigator.prototype, 'clipboard', {get: () => undefined})")
    alice_page.get_by_role("button", name="Copy", exact=True).click()

    expect(alice_page.locator("#said")).to_have_text("Copied")
    assert alice_page.evaluate("real.readText()").strip() == "print(1)"


def test_a_message_is_copied_as_it_was_written(alice_page: Page, alice: User) -> None:
    session = make_session(alice, messages=[assistant_message("# One\n\n*two* `<b>`")])
    alice_page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    alice_page.goto(session.get_absolute_url())
    alice_page.locator("#m-0").hover()
    alice_page.get_by_role("link", name="Copy message 0").click()

    expect(alice_page.locator("#said")).to_have_text("Copied")
    assert alice_page.evaluate("navigator.clipboard.readText()") == "# One\n\n*two* `<b>`"


def test_the_whole_transcript_is_copied_as_markdown(alice_page: Page, alice: User) -> None:
    texts = [f"*number {number}* `<b>`" for number in range(60)]
    session = make_session(alice, "Mosses", messages=[assistant_message(text) for text in texts])
    alice_page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    alice_page.goto(session.get_absolute_url())
    alice_page.get_by_role("button", name="More").click()
    alice_page.get_by_role("link", name="Copy transcript as Markdown").click()

    expect(alice_page.locator("#said")).to_have_text("Copied")
    copied = alice_page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith('---\ntitle: "Mosses"')
    assert [copied.count(text) for text in texts] == [1] * 60


def test_older_code_gets_its_copy_button_too(alice_page: Page, alice: User) -> None:
    session = make_session(alice, messages=[assistant_message(f"```py\nprint({number})\n```") for number in range(80)])
    alice_page.goto(f"{session.get_absolute_url()}?at=0#m-0")
    alice_page.evaluate("htmx.trigger('#later .reach', 'intersect')")

    expect(alice_page.locator("#m-79 .body .copy")).to_have_count(1)
    expect(alice_page.locator("#m-0 .body .copy")).to_have_count(1)


SCAN = """() => {
  const found = [];
  const mine = (element) => element.closest(".body, .tool, .msg, .panel, .bar h1");
  for (const element of document.querySelectorAll("*")) {
    if (!mine(element)) continue;
    const name = element.localName;
    if (/^(script|iframe|object|embed|base|link|meta|style|img|svg|video|math)$/.test(name)) found.push(name);
    const written = element.closest(".body");
    if (written && /^(form|input|button|textarea|select)$/.test(name) && !element.matches(".copy")) found.push(name);
    for (const { name: attribute, value } of element.attributes) {
      if (/^on/.test(attribute) || attribute === "style" || attribute === "srcdoc") found.push(element.outerHTML);
      if (written && /^(data-)?hx-|^ws-|^sse-/.test(attribute)) found.push(element.outerHTML);
      if (/^\\s*(javascript|data|vbscript):/i.test(value) && attribute !== "value") found.push(element.outerHTML);
    }
  }
  return found;
}"""


def test_hostile_texts_leave_nothing_in_the_page(alice_page: Page, alice: User) -> None:
    asked: list[str] = []
    alice_page.on("request", lambda request: asked.append(request.url))
    alice_page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    messages = [
        message
        for text in (text.replace("\x00", "") for text in HOSTILE)
        for message in (
            user_message(text),
            assistant_message(
                text, thinking=text, model=text[:255], tool_calls=[{"name": text, "input": {text: text}}]
            ),
            NewMessage(role=Role.TOOL, content=text, tool_name=text[:255]),
        )
    ]
    for first in range(0, len(messages), 45):
        session = make_session(
            alice, HOSTILE[first % len(HOSTILE)].replace("\x00", "")[:255], messages=messages[first : first + 45]
        )
        alice_page.goto(session.get_absolute_url())
        alice_page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        assert alice_page.evaluate(SCAN) == []

    host = alice_page.url.split("/sessions/")[0]
    assert [url for url in asked if not url.startswith(host)] == []


# Around the texts the page's own forms and hx-* stand: nothing may be there that the page hasn't in itself.
SCAN_PAGE = """() => [...document.querySelectorAll("*")].filter((element) =>
  /^(iframe|object|embed|base|video|math|style)$/.test(element.localName) ||
  element.matches("script:not([src^='/static/']), img:not([src^='/static/']), meta[http-equiv]") ||
  [...element.attributes].some(({ name, value }) =>
    /^on|^style$|^srcdoc$|^data-hx|^ws-|^sse-/.test(name) ||
    (/^hx-(get|post)$/.test(name) && /^.sign-out/.test(value)) ||
    (/^(href|src|action|formaction)$/.test(name) && /^\\s*(javascript|data|vbscript):/i.test(value)))
).map((element) => element.outerHTML.slice(0, 200))"""


def test_hostile_texts_leave_nothing_in_search_list_palette_and_what_arrives(alice_page: Page, alice: User) -> None:
    page = alice_page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    texts = [text.replace("\x00", "") for text in HOSTILE]
    for text in texts:
        make_session(alice, f"kernel {text}"[:255], messages=[user_message(f"{text} kernel {text}")])
    open_one = make_session(alice, "Open", messages=2)
    page.goto("/?q=kernel")
    expect(page.locator(".row")).not_to_have_count(0)
    assert page.evaluate(SCAN_PAGE) == []
    page.goto("/search?q=kernel")
    expect(page.locator("mark")).not_to_have_count(0)
    assert page.evaluate(SCAN_PAGE) == []
    page.goto(open_one.get_absolute_url())
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Find")).to_be_focused()
    page.keyboard.type("kernel")
    expect(page.get_by_role("group", name="Sessions").get_by_role("option").first).to_contain_text("kernel")
    assert page.evaluate(SCAN_PAGE) == []
    page.keyboard.press("Escape")
    update_session(actor=alice, session_id=open_one.pk, name=texts[2], tags=[text[:40] for text in texts[:9]])
    append_messages(actor=alice, session_id=open_one.pk, messages=[assistant_message(text) for text in texts[:45]])
    expect(page.locator(f"#m-{1 + len(texts[:45])}")).to_be_attached()
    expect(page.get_by_role("heading", level=1)).to_have_text(texts[2])
    assert page.evaluate(SCAN) == []
    assert page.evaluate(SCAN_PAGE) == []
    host = page.url.split("/sessions/")[0]
    assert [url for url in asked if not url.startswith(host)] == []


def test_a_login_that_expired_leads_to_signing_in_and_back(alice_page: Page, long: Session) -> None:
    alice_page.goto(long.get_absolute_url())
    alice_page.evaluate(QUIET)
    alice_page.context.clear_cookies()
    alice_page.evaluate("htmx.trigger('#earlier .reach', 'intersect')")

    alice_page.wait_for_url(re.compile(r"/sign-in/\?next=%2Fsessions%2F"))
    assert reverse("sign_in") in alice_page.url
