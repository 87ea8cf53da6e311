"""Revisions: the list, one of them, putting it back."""

import re

import pytest
from django.urls import reverse

from sessions.models import Message, Session
from sessions.operations.editing import edit_message, set_system_prompt
from sessions.operations.lifecycle import archive_session, trash_session
from sessions.operations.transcript import append_messages
from tests.factories import make_session, user_message
from tests.statements import assert_statements
from tests.views.test_session_page import address, indexes


@pytest.fixture
def session(alice) -> Session:
    """Six messages, the third of which was edited: revision 1 has four."""
    session = make_session(alice, messages=6)
    edit_message(actor=alice, session_id=session.pk, index=2, content="better")
    return session


def revision_address(session: Session, number: int = 1) -> str:
    return reverse("session_revision", args=[session.pk, number])


def restore_address(session: Session, number: int = 1) -> str:
    return reverse("revision_restore", args=[session.pk, number])


def texts(session: Session) -> list[str]:
    return [message.content for message in Message.objects.of(session.pk)]


class TestList:
    def test_says_number_when_by_whom_how_many_and_why(self, alice_client, alice, session):
        set_system_prompt(actor=alice, session_id=session.pk, content="One")
        set_system_prompt(actor=alice, session_id=session.pk, content="Two")

        page = alice_client.get(reverse("session_revisions", args=[session.pk])).content.decode()

        assert "4 messages from #3<small>Kept when message 3 was edited, by you</small>" in page
        assert "A system prompt<small>Kept when it was replaced or removed, by you</small>" in page
        assert re.findall(r"<b>(\d+)</b><span>", page) == ["2", "1"]
        assert revision_address(session) in page

    def test_of_somebody_who_is_gone(self, alice_client, session):
        session.revisions.update(actor=None)

        assert "by somebody" in alice_client.get(reverse("session_revisions", args=[session.pk])).content.decode()
        assert "by somebody" in alice_client.get(address(session)).content.decode()
        assert "by somebody" in alice_client.get(revision_address(session)).content.decode()

    def test_that_is_empty_says_what_it_is_for(self, alice_client, alice):
        page = alice_client.get(reverse("session_revisions", args=[make_session(alice).pk])).content.decode()

        assert "No revisions" in page

    def test_comes_in_pages(self, alice_client, alice):
        session = make_session(alice, messages=1)
        for number in range(103):
            edit_message(actor=alice, session_id=session.pk, index=0, content=f"draft {number}")
        where = reverse("session_revisions", args=[session.pk])

        first = alice_client.get(where).content.decode()
        assert re.findall(r"<b>(\d+)</b><span>", first) == [str(number) for number in range(103, 3, -1)]
        second = alice_client.get(f"{where}?before=4").content.decode()
        assert "?before=4" in first
        assert re.findall(r"<b>(\d+)</b><span>", second) == ["3", "2", "1"]
        assert alice_client.get(f"{where}?before=x").status_code == 200

    def test_in_the_panel_has_the_newest(self, alice_client, alice):
        session = make_session(alice, messages=1)
        for number in range(7):
            edit_message(actor=alice, session_id=session.pk, index=0, content=f"draft {number}")

        page = alice_client.get(address(session)).content.decode()

        assert "All 7 revisions" in page
        assert revision_address(session, 3) in page
        assert revision_address(session, 2) not in page


class TestOne:
    def test_can_be_read(self, alice_client, session):
        page = alice_client.get(revision_address(session)).content.decode()

        assert indexes(page) == [2, 3, 4, 5]
        assert "message 2" in page
        assert "replaces the last message of the transcript, which becomes a revision in turn" in page
        assert "/edit/" not in page
        assert 'href="#m-2"' in page

    def test_has_its_texts_whole(self, alice_client, alice):
        session = make_session(alice, messages=[user_message("x" * 200_000)])
        edit_message(actor=alice, session_id=session.pk, index=0, content="short")

        page = alice_client.get(revision_address(session)).content.decode()
        where = reverse("revision_text", args=[session.pk, 1, 0])
        assert f"{where}?part=content" in page
        assert len(alice_client.get(where).content) == 200_000
        assert alice_client.get(reverse("revision_text", args=[session.pk, 1, 7])).status_code == 404

    def test_that_is_long_comes_in_pages(self, alice_client, alice):
        session = make_session(alice, messages=120)
        edit_message(actor=alice, session_id=session.pk, index=4, content="better")

        page = alice_client.get(revision_address(session)).content.decode()
        assert indexes(page) == list(range(4, 54))
        assert "?after=53" in page
        with assert_statements(at_most=6):
            last = alice_client.get(f"{revision_address(session)}?after=103").content.decode()
        assert indexes(last) == list(range(104, 120))
        assert "?after=" not in last

    @pytest.mark.parametrize("number", [2, 0, 10**20])
    def test_that_does_not_exist(self, alice_client, session, number):
        assert alice_client.get(revision_address(session, number)).status_code == 404
        assert alice_client.post(restore_address(session, number)).status_code == 404

    def test_is_its_owners(self, mallory_client, client, session):
        for where in (revision_address(session), reverse("session_revisions", args=[session.pk])):
            assert mallory_client.get(where).status_code == 404
            assert client.get(where).status_code == 303
        assert mallory_client.get(reverse("revision_text", args=[session.pk, 1, 2])).status_code == 404


class TestRestoring:
    def test_puts_it_back_and_keeps_what_it_replaces(self, alice_client, session):
        response = alice_client.post(restore_address(session))

        assert response.headers["Location"] == address(session)
        assert texts(session) == [f"message {number}" for number in range(6)]
        page = alice_client.get(address(session)).content.decode()
        assert "Restored revision 1." in page
        assert revision_address(session, 2) in page

    def test_after_the_session_changed_asks_again(self, alice_client, alice, session):
        seen = re.search(r'name="version" value="(\d+)"', alice_client.get(revision_address(session)).content.decode())
        assert seen
        append_messages(actor=alice, session_id=session.pk, messages=[user_message()])

        response = alice_client.post(restore_address(session), {"version": seen[1]})

        assert response.headers["Location"] == revision_address(session)
        page = alice_client.get(revision_address(session)).content.decode()
        assert "The session has changed meanwhile." in page
        assert "replaces the last 2 messages" in page
        assert len(texts(session)) == 4

    def test_of_one_that_the_transcript_no_longer_reaches_is_explained_and_refused(self, alice_client, alice, session):
        edit_message(actor=alice, session_id=session.pk, index=0, content="from the start")

        page = alice_client.get(revision_address(session)).content.decode()
        assert "It can’t be put back now" in page
        assert "Restore this revision" not in page
        assert alice_client.post(restore_address(session)).status_code == 409
        assert texts(session) == ["from the start"]

    def test_behind_the_last_message_says_so(self, alice_client, alice):
        session = make_session(alice, messages=2)
        set_system_prompt(actor=alice, session_id=session.pk, content="One")
        set_system_prompt(actor=alice, session_id=session.pk, content="Two")

        page = alice_client.get(revision_address(session)).content.decode()
        assert "replaces the system prompt" in page
        alice_client.post(restore_address(session))
        assert texts(session)[0] == "One"

    def test_in_an_archived_session_is_refused(self, alice_client, alice, session):
        archive_session(actor=alice, session_id=session.pk)

        assert "Restore the session first" in alice_client.get(revision_address(session)).content.decode()
        assert alice_client.post(restore_address(session)).status_code == 409

    def test_in_the_trash_can_be_read_and_is_refused(self, alice_client, alice, session):
        trash_session(actor=alice, session_id=session.pk)

        assert alice_client.get(revision_address(session)).status_code == 200
        assert alice_client.post(restore_address(session)).status_code == 404

    def test_is_its_owners_and_never_by_a_link(self, mallory_client, alice_client, session):
        assert mallory_client.post(restore_address(session)).status_code == 404
        assert alice_client.get(restore_address(session)).status_code == 405
        assert len(texts(session)) == 3
