"""Working on a session: writing, editing with what that cuts off, revisions, name, status, tags, details."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from sessions.models import Message, Session, Status
from sessions.operations.editing import edit_message
from sessions.operations.lifecycle import archive_session, trash_session
from sessions.operations.transcript import append_messages
from sessions.storage import workspaces
from tests.browser.conftest import QUIET, caught_up
from tests.browser.test_transcript import expect_indexes, without_script
from tests.factories import assistant_message, make_session, user_message

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session(alice: User) -> Session:
    return make_session(alice, messages=6, tags=["moss"])


@pytest.fixture
def opened(alice_page: Page, session: Session) -> Page:
    """Alice looks at the session."""
    alice_page.goto(session.get_absolute_url())
    return alice_page


def texts(session: Session) -> list[str]:
    return [message.content for message in Message.objects.of(session.pk)]


def composer(page: Page):
    return page.get_by_label("Message", exact=True)


class TestWriting:
    @pytest.mark.each_database
    def test_a_message_appears_at_the_end_and_the_focus_stays(self, opened: Page, session: Session) -> None:
        opened.keyboard.press("c")
        expect(composer(opened)).to_be_focused()
        opened.keyboard.type("One *word*")
        opened.keyboard.press("Control+Enter")

        expect(opened.locator("#m-6 em")).to_have_text("word")
        expect(opened.locator("#m-6")).to_be_in_viewport()
        expect(composer(opened)).to_have_value("")
        expect(composer(opened)).to_be_focused()
        expect(opened.locator("#said")).to_have_text("You appended a message.")
        expect(opened.locator("#activity")).to_contain_text("You appended a message")
        opened.keyboard.type("Another")
        opened.get_by_role("button", name="Send").click()
        expect(opened.locator("#m-7")).to_contain_text("Another")
        expect_indexes(opened, list(range(8)))
        assert texts(session)[-2:] == ["One *word*", "Another"]

    def test_what_a_script_appended_meanwhile_comes_along(self, opened: Page, alice: User, session: Session) -> None:
        append_messages(actor=alice, session_id=session.pk, messages=[assistant_message("from a script")])
        composer(opened).fill("Mine")
        opened.keyboard.press("Meta+Enter")
        expect(opened.locator("#m-7")).to_contain_text("Mine")
        expect(opened.locator("#m-6")).to_contain_text("from a script")

    def test_from_the_middle_of_a_long_transcript_leads_to_the_end(self, alice_page: Page, alice: User) -> None:
        session = make_session(alice, messages=200)
        alice_page.goto(f"{session.get_absolute_url()}?at=20#m-20")
        composer(alice_page).fill("Mine")
        alice_page.keyboard.press("Control+Enter")

        expect(alice_page.locator("#m-200")).to_be_in_viewport()
        expect(alice_page.locator("#m-200")).to_contain_text("Mine")

    def test_a_first_message_replaces_the_empty_state(self, alice_page: Page, alice: User) -> None:
        alice_page.goto(make_session(alice).get_absolute_url())
        expect(alice_page.get_by_text("No messages yet")).to_be_visible()
        composer(alice_page).fill("First")
        alice_page.keyboard.press("Control+Enter")

        expect(alice_page.locator("#m-0")).to_contain_text("First")
        expect(alice_page.get_by_text("No messages yet")).to_be_hidden()

    def test_nothing_says_so_and_keeps_the_focus(self, opened: Page, check_axe) -> None:
        composer(opened).fill("   ")
        opened.keyboard.press("Control+Enter")
        expect(opened.get_by_role("alert")).to_have_text("Write something first.")
        expect(composer(opened)).to_be_focused()
        check_axe(opened)

    def test_a_text_outlives_a_server_that_is_away(self, opened: Page, session: Session) -> None:
        opened.evaluate(QUIET)
        opened.context.set_offline(True)
        composer(opened).fill("Much work")
        opened.keyboard.press("Control+Enter")
        expect(opened.locator(".toast")).to_contain_text("can’t be reached")
        expect(composer(opened)).to_have_value("Much work")
        opened.context.set_offline(False)
        opened.get_by_role("button", name="Send").click()
        expect(opened.locator("#m-6")).to_contain_text("Much work")
        assert texts(session).count("Much work") == 1

    def test_a_text_outlives_an_expired_login(self, opened: Page, session: Session) -> None:
        opened.evaluate(QUIET)
        composer(opened).fill("Much work")
        opened.context.clear_cookies(name="sessionid")
        opened.keyboard.press("Control+Enter")
        expect(opened.locator(".toast")).to_contain_text("signed out")
        expect(composer(opened)).to_have_value("Much work")
        assert len(texts(session)) == 6


class TestEditing:
    @pytest.mark.each_database
    def test_says_what_it_cuts_off_saves_and_puts_it_back(
        self, opened: Page, session: Session, check_axe, screenshot
    ) -> None:
        opened.locator("#m-2").hover()
        opened.get_by_role("link", name="Edit message 2").click()
        field = opened.get_by_label("Text", exact=True)
        expect(field).to_be_focused()
        expect(opened.locator("#cuts")).to_contain_text("cuts off the 3 messages after this one")
        check_axe(opened)
        screenshot(opened, "edit")
        field.fill("better")
        opened.get_by_role("button", name="Save and cut off 3").click()

        expect(opened.locator("#m-2 .body")).to_have_text("better")
        expect(opened.locator(".msg")).to_have_count(3)
        expect(opened.get_by_role("link", name="Edit message 2")).to_be_focused()
        expect(opened.locator(".toast")).to_contain_text("3 messages went into a revision")
        expect(opened.locator("#panel")).to_contain_text("4 messages from #2")

        opened.locator("#panel").get_by_role("link", name="1", exact=True).click()
        expect(opened.get_by_role("heading", name="Revision 1")).to_be_visible()
        expect_indexes(opened, [2, 3, 4, 5])
        check_axe(opened)
        opened.get_by_role("button", name="Restore this revision").click()
        expect(opened.locator(".toast")).to_contain_text("Restored revision 1")
        assert texts(session) == [f"message {number}" for number in range(6)]

    def test_a_message_can_be_added_right_after(self, opened: Page, session: Session) -> None:
        opened.locator("#m-4").hover()
        opened.get_by_role("link", name="Edit message 4").click()
        opened.get_by_label("Text", exact=True).fill("better")
        opened.keyboard.press("Control+Enter")
        expect(opened.locator("#m-4 .body")).to_have_text("better")
        composer(opened).fill("Next")
        opened.keyboard.press("Control+Enter")

        expect(opened.locator("#m-5")).to_contain_text("Next")
        expect_indexes(opened, list(range(6)))

    def test_is_left_with_escape_unless_something_was_written(self, opened: Page) -> None:
        opened.locator("#m-2").hover()
        opened.get_by_role("link", name="Edit message 2").click()
        expect(opened.get_by_label("Text", exact=True)).to_be_focused()
        opened.keyboard.type("more ")
        opened.keyboard.press("Escape")
        expect(opened.get_by_label("Text", exact=True)).to_be_visible()
        opened.get_by_role("link", name="Cancel").click()
        expect(opened.locator("#m-2 .body")).to_have_text("message 2")
        expect(opened.get_by_role("link", name="Edit message 2")).to_be_focused()
        opened.keyboard.press("Enter")
        expect(opened.get_by_label("Text", exact=True)).to_be_focused()
        opened.keyboard.press("Escape")
        expect(opened.locator("#m-2 .body")).to_have_text("message 2")

    def test_asks_again_when_the_session_changed_meanwhile(self, opened: Page, alice: User, session: Session) -> None:
        opened.locator("#m-4").hover()
        opened.get_by_role("link", name="Edit message 4").click()
        opened.get_by_label("Text", exact=True).fill("better")
        append_messages(actor=alice, session_id=session.pk, messages=[assistant_message()])
        opened.get_by_role("button", name="Save and cut off 1").click()

        expect(opened.get_by_role("alert")).to_contain_text("changed while you were writing")
        expect(opened.get_by_label("Text", exact=True)).to_have_value("better")
        opened.get_by_role("button", name="Save and cut off 2").click()
        expect(opened.locator("#m-4 .body")).to_have_text("better")
        assert len(texts(session)) == 5


class TestSystemPrompt:
    def test_is_added_replaced_and_removed(self, opened: Page, session: Session, check_axe) -> None:
        opened.get_by_role("link", name="Add a system prompt").click()
        field = opened.get_by_label("What should the model be told first?")
        expect(field).to_be_visible()
        check_axe(opened)
        field.fill("Be brief.")
        opened.get_by_role("button", name="Save").click()
        expect(opened.locator("#m-0")).to_contain_text("System prompt")
        opened.locator("#m-0 summary").click()
        expect(opened.locator("#m-0 .body")).to_have_text("Be brief.")
        opened.get_by_role("link", name="Replace or remove it").click()
        opened.get_by_role("button", name="Remove").click()
        expect(opened.locator(".toast")).to_contain_text("Removed the system prompt")
        assert texts(session)[0] == "message 0"


class TestBar:
    def test_the_name_is_changed_in_place(self, opened: Page, session: Session, check_axe) -> None:
        opened.keyboard.press("e")
        field = opened.get_by_label("Name", exact=True)
        expect(field).to_be_focused()
        check_axe(opened)
        field.fill("   ")
        opened.keyboard.press("Enter")
        expect(opened.get_by_role("alert")).to_be_visible()
        opened.get_by_label("Name", exact=True).fill("Lichens")
        opened.keyboard.press("Enter")
        expect(opened.get_by_role("heading", level=1)).to_have_text("Lichens")
        expect(opened).to_have_title(re.compile("^Lichens"))
        expect(opened.get_by_role("link", name="Rename").first).to_be_focused()
        caught_up(opened, session)
        opened.keyboard.press("e")
        opened.get_by_label("Name", exact=True).fill("Nothing")
        opened.keyboard.press("Escape")
        expect(opened.get_by_role("heading", level=1)).to_have_text("Lichens")
        session.refresh_from_db()
        assert session.name == "Lichens"

    def test_pin_archive_and_restore(self, opened: Page, session: Session) -> None:
        opened.keyboard.press("p")
        expect(opened.locator(".toast")).to_contain_text("Pinned")  # the page has come that the key leads to
        expect(opened.get_by_role("button", name="Unpin")).to_be_visible()
        opened.get_by_role("button", name="Archive", exact=True).click()
        expect(opened.get_by_text("This session is archived.")).to_be_visible()
        expect(opened.locator(".toast")).to_contain_text("Archived")
        expect(composer(opened)).to_have_count(0)
        opened.get_by_role("button", name="Restore", exact=True).click()
        expect(composer(opened)).to_be_visible()
        session.refresh_from_db()
        assert (session.status, session.pinned) == (Status.ACTIVE, True)

    def test_trash_leads_to_the_list_and_undo_brings_it_back(self, opened: Page, session: Session) -> None:
        opened.get_by_role("button", name="Move to the trash").click()
        expect(opened.locator(".toast")).to_contain_text("to the trash")
        assert not workspaces.workspace_path(session.pk).exists()
        opened.get_by_role("button", name="Undo").click()
        expect(opened.locator(".toast")).to_have_text("Undone")  # the list may hear of it sooner than all is done
        expect(opened.get_by_role("link", name="Mosses of the north", exact=True)).to_be_visible()
        session.refresh_from_db()
        assert session.status == Status.ACTIVE
        assert workspaces.workspace_path(session.pk).exists()

    def test_deleting_for_ever_asks_first(self, opened: Page, session: Session, check_axe) -> None:
        opened.get_by_role("button", name="More").click()
        check_axe(opened)
        opened.get_by_role("link", name="Delete for ever").click()
        expect(opened.get_by_role("dialog")).to_contain_text("Mosses of the north")
        opened.get_by_role("dialog").get_by_role("button", name="Delete for ever").click()
        opened.wait_for_url(re.compile(r"^http://[^/]+/$"))
        assert not Session.objects.filter(pk=session.pk).exists()
        assert not workspaces.exists(session.pk)

    def test_id_and_path_are_copied(self, opened: Page, session: Session) -> None:
        opened.context.grant_permissions(["clipboard-read", "clipboard-write"])
        for button, text in (
            ("Copy id", str(session.pk)),
            ("Copy workspace path", str(workspaces.workspace_path(session.pk))),
        ):
            opened.get_by_role("button", name="More").click()
            opened.get_by_role("button", name=button).click()
            expect(opened.locator("#said")).to_have_text("Copied")
            assert opened.evaluate("navigator.clipboard.readText()") == text
            opened.evaluate("document.querySelector('#said').textContent = ''")
            opened.keyboard.press("Escape")


class TestTrash:
    def test_can_be_read_and_restored(self, alice_page: Page, alice: User, session: Session, check_axe) -> None:
        trash_session(actor=alice, session_id=session.pk)
        alice_page.goto(session.get_absolute_url())
        expect(alice_page.get_by_text("This session is in the trash.")).to_be_visible()
        expect_indexes(alice_page, list(range(6)))
        check_axe(alice_page)
        alice_page.get_by_role("button", name="Restore").click()
        expect(alice_page.locator(".toast")).to_contain_text("Restored")
        session.refresh_from_db()
        assert session.status == Status.ACTIVE


class TestPanel:
    def test_tags_are_added_and_removed(self, opened: Page, session: Session, check_axe) -> None:
        opened.get_by_label("Add a tag").fill("Peat, fen")
        opened.keyboard.press("Enter")
        expect(opened.locator(".tags .tag")).to_have_count(3)
        expect(opened.get_by_label("Add a tag")).to_be_focused()
        expect(opened.locator("#side")).to_contain_text("peat")
        caught_up(opened, session)
        check_axe(opened)
        opened.get_by_role("button", name="Remove the tag moss").click()
        expect(opened.locator(".tags .tag")).to_have_count(2)
        assert list(session.tags.values_list("name", flat=True)) == ["fen", "peat"]

    def test_details_are_changed(self, opened: Page, session: Session) -> None:
        opened.get_by_text("Edit details").click()
        opened.get_by_label("Description").fill("Of the north")
        opened.get_by_label("Expires").select_option(label="a week after it was last opened")
        opened.locator("#panel").get_by_role("button", name="Save").click()
        expect(opened.locator("#panel .about")).to_have_text("Of the north")
        session.refresh_from_db()
        assert session.ttl_seconds == 7 * 24 * 3600

    def test_is_folded_and_stays_so(self, opened: Page) -> None:
        opened.keyboard.press("i")
        expect(opened.locator("#panel")).to_be_hidden()
        opened.wait_for_function("() => document.cookie.includes('panel')")  # the event comes after the fold
        opened.reload()
        expect(opened.locator("#panel")).to_be_hidden()
        opened.keyboard.press("i")
        expect(opened.locator("#panel")).to_be_visible()
        opened.locator("#panel summary", has_text="Activity").click()
        expect(opened.locator("#activity")).to_be_hidden()
        opened.wait_for_function("() => document.cookie.includes('activity')")
        opened.reload()
        expect(opened.locator("#activity")).to_be_hidden()
        expect(opened.locator("#workspace-path")).to_be_visible()

    def test_is_a_drawer_on_a_narrow_screen(self, alice_page: Page, session: Session, check_axe, screenshot) -> None:
        alice_page.set_viewport_size({"width": 390, "height": 844})
        alice_page.goto(session.get_absolute_url())
        expect(alice_page.locator("#panel")).to_be_hidden()
        expect(alice_page.locator("#m-5")).to_be_in_viewport()
        alice_page.get_by_role("button", name="Details").click()
        expect(alice_page.locator("#workspace-path")).to_be_visible()
        check_axe(alice_page)
        screenshot(alice_page, "session-narrow")
        alice_page.get_by_label("Add a tag").fill("peat")
        alice_page.keyboard.press("Enter")
        expect(alice_page.locator(".tags .tag")).to_have_count(2)
        expect(alice_page.locator("#workspace-path")).to_be_visible()
        caught_up(alice_page, session)
        alice_page.get_by_role("button", name="Close").first.click()
        expect(alice_page.locator("#panel")).to_be_hidden()
        alice_page.get_by_role("button", name="More").click()
        alice_page.get_by_role("button", name="Archive").click()
        expect(alice_page.get_by_text("This session is archived.")).to_be_visible()


def test_it_all_works_without_a_script(page: Page, base_url: str, alice: User, session: Session) -> None:
    plain = without_script(page, alice, base_url)
    plain.goto(session.get_absolute_url())
    composer(plain).fill("Written without a script")
    plain.get_by_role("button", name="Send").click()
    expect(plain.locator("#m-6")).to_contain_text("Written without a script")
    plain.locator("#m-4").hover()
    plain.get_by_role("link", name="Edit message 4").click()
    expect(plain.get_by_text("cuts off the 2 messages")).to_be_visible()
    plain.get_by_label("Text", exact=True).fill("better")
    plain.get_by_role("button", name=re.compile("^Save and cut")).click()
    expect(plain.locator("#m-4")).to_contain_text("better")
    plain.get_by_label("Add a tag").fill("peat")
    plain.keyboard.press("Enter")
    expect(plain.locator(".tags .tag")).to_have_count(2)
    plain.get_by_role("link", name="Rename").first.click()
    plain.get_by_label("Name").fill("Lichens")
    plain.get_by_role("button", name="Save").click()
    expect(plain.get_by_role("heading", level=1)).to_have_text("Lichens")
    plain.locator("#panel").get_by_role("link", name="1", exact=True).click()
    plain.get_by_role("button", name="Restore this revision").click()
    expect(plain.locator("#m-6")).to_be_visible()
    plain.get_by_role("button", name="Pin").click()
    expect(plain.get_by_role("button", name="Unpin")).to_be_visible()
    plain.locator(".fold-panel summary").click()
    expect(plain.locator("#panel")).to_be_hidden()
    assert plain.locator(".script:visible").count() == 0
    plain.context.close()


@pytest.mark.parametrize("state", ["empty", "archived"])
def test_every_state_is_clean_to_axe(alice_page: Page, alice: User, check_axe, state: str) -> None:
    session = make_session(alice, messages=0 if state == "empty" else 4)
    if state == "archived":
        archive_session(actor=alice, session_id=session.pk)
    alice_page.goto(session.get_absolute_url())
    check_axe(alice_page)


def test_revisions_are_clean_to_axe(alice_page: Page, alice: User, check_axe, screenshot) -> None:
    session = make_session(alice, messages=[user_message("draft"), assistant_message()])
    alice_page.goto(f"{session.get_absolute_url()}revisions/")
    check_axe(alice_page)
    edit_message(actor=alice, session_id=session.pk, index=0, content="better")
    alice_page.reload()
    check_axe(alice_page)
    screenshot(alice_page, "revisions")
    alice_page.set_viewport_size({"width": 390, "height": 844})
    check_axe(alice_page)


def test_the_edit_page_is_clean_to_axe(alice_page: Page, session: Session, check_axe) -> None:
    alice_page.goto(f"{session.get_absolute_url()}messages/2/edit/")
    check_axe(alice_page)
    alice_page.get_by_role("button", name="Save and cut off 3").click()
    alice_page.wait_for_url(re.compile(r"\?at=2#m-2$"))
    alice_page.goto(f"{session.get_absolute_url()}?at=0")
    expect(alice_page.locator("#m-2")).to_be_visible()
