"""Editing messages in place, the system prompt, and texts whole."""

import re

import pytest
from django.urls import reverse

from sessions.models import Message, Revision, Role, Session
from sessions.operations.editing import set_system_prompt
from sessions.operations.lifecycle import archive_session, trash_session
from sessions.operations.transcript import NewMessage, append_messages
from tests.factories import assistant_message, make_session, user_message
from tests.views.test_session_page import HTMX, address, indexes


@pytest.fixture
def session(alice) -> Session:
    return make_session(alice, messages=6)


def edit_address(session: Session, index: int = 2) -> str:
    return reverse("message_edit", args=[session.pk, index])


def texts(session: Session) -> list[str]:
    return [message.content for message in Message.objects.of(session.pk)]


class TestEditing:
    def test_says_before_saving_what_it_cuts_off(self, alice_client, session):
        for index, said in ((4, "the message after this one"), (2, "the 3 messages after this one")):
            form = alice_client.get(edit_address(session, index), headers=HTMX).content.decode()
            assert "<html" not in form
            assert said in form
            assert f">message {index}</textarea>" in form

    def test_of_the_last_message_cuts_nothing_off(self, alice_client, alice):
        session = make_session(alice, messages=1)

        assert "nothing is cut off" in alice_client.get(edit_address(session, 0)).content.decode()

    def test_cuts_what_follows_into_a_revision(self, alice_client, session):
        response = alice_client.post(edit_address(session), {"content": "better\r\nnow", "version": "1"})

        assert response.headers["Location"] == address(session, "?at=2#m-2")
        assert texts(session) == ["message 0", "message 1", "better\nnow"]
        assert Revision.objects.get(session=session).message_count == 4
        assert "3 messages went into a revision." in alice_client.get(address(session)).content.decode()

    def test_gives_htmx_the_transcript_the_panel_and_the_composer_as_they_are_now(self, alice_client, session):
        response = alice_client.post(edit_address(session), {"content": "better", "version": "1"}, headers=HTMX)

        html = response.content.decode()
        assert indexes(html) == [0, 1, 2]
        assert '<div hx-swap-oob="innerHTML:#panel">' in html
        assert 'name="shown" value="2" hx-swap-oob="true"' in html
        assert "3 messages went into a revision." in html
        assert "4 messages from #2" in html

    @pytest.mark.parametrize("headers", [{}, HTMX])
    def test_after_somebody_else_changed_the_session_asks_again(self, alice_client, alice, session, headers):
        append_messages(actor=alice, session_id=session.pk, messages=[assistant_message("from a script")])

        response = alice_client.post(edit_address(session), {"content": "better", "version": "1"}, headers=headers)

        html = response.content.decode()
        assert response.status_code == 422
        assert "changed while you were writing" in html
        assert "the 4 messages after this one" in html
        assert ">better</textarea>" in html
        assert 'name="version" value="2"' in html
        assert len(texts(session)) == 7
        if headers:
            assert response.headers["HX-Retarget"] == "#m-2"

        again = alice_client.post(edit_address(session), {"content": "better", "version": "2"}, headers=headers)
        assert again.status_code in (200, 303)
        assert texts(session)[-1] == "better"

    @pytest.mark.parametrize("content", ["", "  ", "a\x00b"])
    def test_that_cannot_be_saved_keeps_what_was_typed(self, alice_client, session, content):
        response = alice_client.post(edit_address(session), {"content": content, "version": "1"})

        assert response.status_code == 422
        assert f"{content}</textarea>" in response.content.decode()
        assert 'role="alert"' in response.content.decode()
        assert len(texts(session)) == 6

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_of_what_others_said_is_refused(self, alice_client, session, method):
        response = getattr(alice_client, method)(edit_address(session, 1), {"content": "x", "version": "1"})

        assert response.status_code == 400
        assert "user" in response.content.decode()

    @pytest.mark.parametrize("index", [6, 2**31, 10**20])
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_of_no_message_is_not_found(self, alice_client, session, method, index):
        assert getattr(alice_client, method)(edit_address(session, index), {"content": "x"}).status_code == 404

    def test_in_an_archived_session_is_refused(self, alice_client, alice, session):
        archive_session(actor=alice, session_id=session.pk)

        assert alice_client.get(edit_address(session)).status_code == 409
        response = alice_client.post(edit_address(session), {"content": "better", "version": "2"})
        assert response.status_code == 422
        assert "archived" in response.content.decode()
        assert len(texts(session)) == 6

    def test_in_the_trash_is_refused(self, alice_client, alice, session):
        trash_session(actor=alice, session_id=session.pk)

        assert alice_client.get(edit_address(session)).status_code in (404, 409)
        assert alice_client.post(edit_address(session), {"content": "x", "version": "2"}).status_code == 404
        assert len(texts(session)) == 6

    def test_is_its_owners(self, mallory_client, client, session):
        assert mallory_client.get(edit_address(session)).status_code == 404
        assert mallory_client.post(edit_address(session), {"content": "x"}).status_code == 404
        assert client.post(edit_address(session), {"content": "x"}).status_code == 303
        assert client.delete(edit_address(session)).status_code == 405
        assert len(texts(session)) == 6

    def test_that_is_left_shows_the_message_again(self, alice_client, session):
        where = reverse("session_message", args=[session.pk, 2])

        fragment = alice_client.get(where, headers=HTMX).content.decode()
        assert indexes(fragment) == [2]
        assert fragment.count("autofocus") == 1
        assert alice_client.get(where).headers["Location"] == address(session, "?at=2#m-2")
        missing = reverse("session_message", args=[session.pk, 10**20])
        assert alice_client.get(missing, headers=HTMX).status_code == 404


class TestSystemPrompt:
    def where(self, session: Session) -> str:
        return reverse("system_prompt", args=[session.pk])

    def test_is_set(self, alice_client, session):
        assert "What should the model be told first?" in alice_client.get(self.where(session)).content.decode()

        response = alice_client.post(self.where(session), {"content": "Be\r\nbrief", "version": "1"})

        assert response.headers["Location"] == address(session, "?at=0#m-0")
        first = Message.objects.get(session=session, index=0)
        assert (first.role, first.content) == (Role.SYSTEM, "Be\nbrief")
        assert len(texts(session)) == 7

    def test_is_replaced_and_stays_as_a_revision(self, alice_client, alice, session):
        set_system_prompt(actor=alice, session_id=session.pk, content="Old", source_file="p.md")
        form = alice_client.get(self.where(session)).content.decode()
        assert ">Old</textarea>" in form
        assert "p.md" in form

        alice_client.post(self.where(session), {"content": "New", "version": "2"})

        assert texts(session)[0] == "New"
        page = alice_client.get(reverse("session_revisions", args=[session.pk])).content.decode()
        assert "A system prompt" in page

    def test_is_removed(self, alice_client, alice, session):
        set_system_prompt(actor=alice, session_id=session.pk, content="Old")

        alice_client.post(self.where(session), {"content": "ignored", "remove": "yes", "version": "2"})

        assert texts(session)[0] == "message 0"

    def test_removing_none_says_so(self, alice_client, session):
        response = alice_client.post(self.where(session), {"remove": "yes", "content": ""})

        assert response.status_code == 422
        assert "no system prompt" in response.content.decode()

    @pytest.mark.parametrize(("content", "version"), [("", "1"), ("mine", "0"), ("a\x00b", "1")])
    def test_that_cannot_be_saved_keeps_what_was_typed(self, alice_client, session, content, version):
        response = alice_client.post(self.where(session), {"content": content, "version": version})

        assert response.status_code == 422
        assert f"{content}</textarea>" in response.content.decode()
        assert 'name="version" value="1"' in response.content.decode()
        assert len(texts(session)) == 6

    def test_of_an_archived_session_stays(self, alice_client, alice, session):
        archive_session(actor=alice, session_id=session.pk)

        assert alice_client.get(self.where(session)).status_code == 409
        assert alice_client.post(self.where(session), {"content": "x"}).status_code == 409

    def test_is_its_owners(self, mallory_client, session):
        assert mallory_client.get(self.where(session)).status_code == 404
        assert mallory_client.post(self.where(session), {"content": "x"}).status_code == 404


class TestWholeText:
    @pytest.fixture
    def session(self, alice) -> Session:
        return make_session(
            alice,
            messages=[
                user_message("<script>alert(1)</script>"),
                assistant_message("said", thinking="thought", tool_calls=[{"name": "é"}]),
            ],
        )

    @pytest.mark.parametrize(
        ("query", "text"),
        [
            ("", "said"),
            ("?part=content", "said"),
            ("?part=thinking", "thought"),
            ("?part=tool_calls", '[\n  {\n    "name": "é"\n  }\n]'),
            ("?part=metadata", "said"),
        ],
    )
    def test_is_plain_text(self, alice_client, session, query, text):
        response = alice_client.get(reverse("message_text", args=[session.pk, 1]) + query)

        assert response.content.decode() == text
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert response.headers["X-Content-Type-Options"] == "nosniff"

    def test_is_never_taken_for_a_page(self, alice_client, session):
        response = alice_client.get(reverse("message_text", args=[session.pk, 0]))

        assert response.content.decode() == "<script>alert(1)</script>"
        assert "text/plain" in response.headers["Content-Type"]
        assert "Content-Security-Policy" in response.headers

    def test_is_its_owners(self, mallory_client, client, alice_client, session):
        where = reverse("message_text", args=[session.pk, 0])

        assert mallory_client.get(where).status_code == 404
        assert client.get(where).status_code == 303
        assert alice_client.post(where).status_code == 405
        assert alice_client.get(reverse("message_text", args=[session.pk, 2])).status_code == 404
        assert alice_client.get(reverse("message_text", args=[session.pk, 10**20])).status_code == 404

    def test_of_messages_in_the_trash_can_be_read(self, alice_client, alice, session):
        trash_session(actor=alice, session_id=session.pk)

        assert alice_client.get(reverse("message_text", args=[session.pk, 1])).status_code == 200


def test_a_script_can_store_what_the_page_shows(alice_client, alice):
    """Every role, in the order of a real transcript."""
    session = make_session(
        alice,
        messages=[
            NewMessage(role=Role.SYSTEM, content="s"),
            user_message("u"),
            assistant_message("a", tool_calls=[{"id": "1", "name": "Read", "input": {"path": "x"}}]),
            NewMessage(role=Role.TOOL, content="t", tool_call_id="1"),
        ],
    )
    page = alice_client.get(address(session)).content.decode()

    assert re.findall(r'<article class="msg ([a-z]+)', page) == ["system", "user", "assistant", "result"]
