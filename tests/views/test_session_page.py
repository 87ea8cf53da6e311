"""The session page: who sees it, what it shows, adding to it."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sessions.access import Actor
from sessions.models import Message, Role, Session
from sessions.operations.lifecycle import archive_session, trash_session
from sessions.operations.sessions import update_session
from sessions.operations.tokens import create_token
from sessions.operations.transcript import NewMessage, append_messages
from sessions.storage import workspaces
from tests.factories import assistant_message, conversation, make_session, user_message
from tests.statements import assert_statements

HTMX = {"HX-Request": "true"}


def address(session: Session, query: str = "") -> str:
    return reverse("session_detail", args=[session.pk]) + query


def indexes(html: str) -> list[int]:
    return [int(index) for index in re.findall(r'<article class="msg [^"]*" id="m-(\d+)"', html)]


@pytest.fixture
def session(alice) -> Session:
    return make_session(alice, messages=4, tags=["moss"], description="Of the north", model="qwen3:14b")


class TestWhoSeesIt:
    def test_its_owner(self, alice_client, session):
        response = alice_client.get(address(session))

        assert response.status_code == 200
        assert "Mosses of the north" in response.content.decode()
        assert response.headers["Cache-Control"] == "private, no-store"
        assert "HX-Request" in response.headers["Vary"]

    def test_by_its_short_id_too(self, alice_client, session):
        assert alice_client.get(f"/sessions/{session.short_id}/").status_code == 200

    def test_nobody_else(self, mallory_client, ada_client, session):
        for client in (mallory_client, ada_client):
            response = client.get(address(session))
            assert response.status_code == 404
            assert "Mosses" not in response.content.decode()

    @pytest.mark.parametrize("session_id", ["nonsense", "00000000-0000-4000-8000-000000000000", "0123456789", "a b"])
    def test_that_does_not_exist(self, alice_client, session, session_id):
        assert alice_client.get(f"/sessions/{session_id}/").status_code == 404

    def test_somebody_without_a_login_signs_in_first(self, client, session):
        response = client.get(address(session, "?at=2"))

        assert response.status_code == 303
        assert response.headers["Location"] == f"/sign-in/?next=%2Fsessions%2F{session.pk}%2F%3Fat%3D2"

    def test_an_expired_login_paints_nothing_into_a_fragment(self, client, session):
        response = client.get(address(session, "?before=2"), headers=HTMX)

        assert response.status_code == 401
        assert response.headers["HX-Redirect"].startswith("/sign-in/?next=")
        assert response.content == b""

    def test_only_reading(self, alice_client, session):
        response = alice_client.post(address(session))

        assert response.status_code == 405
        assert response.headers["Allow"] == "GET, HEAD"


class TestWhatItShows:
    def test_the_transcript_and_what_is_kept_about_the_session(self, alice_client, session):
        page = alice_client.get(address(session)).content.decode()

        assert indexes(page) == [0, 1, 2, 3]
        assert "<p>message 3</p>" in page
        for text in ("moss", "Of the north", "qwen3:14b", session.short_id, str(workspaces.workspace_path(session.pk))):
            assert text in page
        assert "not indexed" in page

    def test_an_index_and_the_files_of_the_workspace(self, alice_client, session):
        (workspaces.workspace_path(session.pk) / ".mcp-vector-search").mkdir()
        (workspaces.workspace_path(session.pk) / "content" / "notes.md").write_text("x")

        page = alice_client.get(address(session)).content.decode()

        assert "not indexed" not in page
        assert "1 entry" in page

    def test_an_empty_session(self, alice_client, alice):
        page = alice_client.get(address(make_session(alice))).content.decode()

        assert "No messages yet" in page
        assert 'id="content"' in page

    def test_a_summary_in_each_of_its_shapes(self, alice_client, alice, session):
        for summary in ("Plain words", {"summary": "Plain words", "topics": ["peat", 7]}, {"other": "Plain words"}):
            update_session(actor=alice, session_id=session.pk, summary=summary)
            assert "Plain words" in alice_client.get(address(session)).content.decode()
        update_session(actor=alice, session_id=session.pk, summary={"summary": "x", "topics": "no list"})
        assert alice_client.get(address(session)).status_code == 200

    def test_settings_are_folded_json(self, alice_client, alice, session):
        update_session(actor=alice, session_id=session.pk, metadata={"a": "<b>"}, tool_settings={"tools": ["Bash"]})

        page = alice_client.get(address(session)).content.decode()

        assert "&quot;a&quot;: &quot;&lt;b&gt;&quot;" in page
        assert "Tools</summary>" in page
        assert "Agents</summary>" not in page

    def test_when_it_expires(self, alice_client, alice, session):
        assert "never</dd>" in alice_client.get(address(session)).content.decode()

        update_session(actor=alice, session_id=session.pk, ttl_seconds=90 * 60)

        page = alice_client.get(address(session)).content.decode()
        assert "never</dd>" not in page
        assert '<option value="5400" selected>90 minutes after it was last opened</option>' in page

    def test_nothing_that_later_issues_bring(self, alice_client, session):
        page = alice_client.get(address(session)).content.decode()

        for word in ("Lineage", "Progress", "Stop"):
            assert word not in page

    def test_what_is_folded_away_stays_so(self, alice_client, session):
        alice_client.cookies["folded"] = "panel.activity"
        page = alice_client.get(address(session)).content.decode()

        assert 'data-fold="activity">' in page
        assert 'data-fold="panel">' in page
        assert 'data-fold="workspace" open>' in page

    def test_texts_of_people_stay_texts_everywhere(self, alice_client, alice):
        nasty = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
        session = make_session(
            alice,
            name=nasty,
            description=nasty,
            model=nasty,
            tags=[nasty],
            summary={"summary": nasty, "topics": [nasty]},
            summary_model=nasty,
            metadata={nasty: nasty},
            system_prompt=nasty,
            system_prompt_source_file=nasty,
            messages=[
                user_message(nasty),
                assistant_message(
                    nasty, model=nasty, thinking=nasty, tool_calls=[{"name": nasty, "input": {nasty: nasty}}]
                ),
                NewMessage(role=Role.TOOL, content=nasty, tool_name=nasty),
            ],
        )
        create_token(actor=alice, name=nasty)
        agent = Actor(alice.pk, nasty, token_name=nasty)
        update_session(actor=agent, session_id=session.pk, name=nasty + "!")

        page = alice_client.get(address(session)).content.decode()

        scripts = re.findall(r"<script[^>]*>", page)
        assert all("/static/" in script for script in scripts)
        assert "<img" not in page
        assert "onerror=alert(1)>" not in page.replace("onerror=alert(1)&gt;", "")


class TestOpening:
    def test_moves_last_accessed_at_most_once_a_minute(self, alice_client, session):
        opened = timezone.now() - timezone.timedelta(hours=1)
        Session.objects.filter(pk=session.pk).update(last_accessed=opened)

        alice_client.get(address(session))
        session.refresh_from_db()
        first = session.last_accessed
        alice_client.get(address(session))
        session.refresh_from_db()

        assert first > opened
        assert session.last_accessed == first
        assert session.version == 1

    def test_more_of_it_or_from_the_trash_moves_nothing(self, alice_client, alice, session):
        opened = timezone.now() - timezone.timedelta(hours=1)
        Session.objects.filter(pk=session.pk).update(last_accessed=opened)

        alice_client.get(address(session, "?before=3"), headers=HTMX)
        session.refresh_from_db()
        assert session.last_accessed == opened
        trash_session(actor=alice, session_id=session.pk)
        Session.objects.filter(pk=session.pk).update(last_accessed=opened)
        alice_client.get(address(session))

        session.refresh_from_db()
        assert session.last_accessed == opened

    @pytest.mark.parametrize("messages", [0, 4, 120])
    def test_takes_the_same_few_statements_whatever_it_holds(self, alice_client, alice, messages):
        session = make_session(alice, messages=messages, tags=[f"tag {number}" for number in range(messages // 4)])
        Session.objects.filter(pk=session.pk).update(last_accessed=timezone.now() - timezone.timedelta(hours=1))

        with assert_statements(exactly=8):
            assert alice_client.get(address(session)).status_code == 200

    def test_a_second_look_renders_nothing(self, alice_client, session, monkeypatch):
        alice_client.get(address(session))
        monkeypatch.setattr("sessions.rendering.markdown.clean", lambda html: pytest.fail("rendered again"))

        assert "<p>message 3</p>" in alice_client.get(address(session)).content.decode()


class TestAppending:
    def test_adds_a_message_and_comes_back_to_it(self, alice_client, alice, session):
        response = alice_client.post(reverse("session_append", args=[session.pk]), {"content": "One\r\n\r\ntwo"})

        assert response.status_code == 303
        assert response.headers["Location"] == address(session, "?at=4#m-4")
        added = Message.objects.get(session=session, index=4)
        assert (added.role, added.content, added.author) == (Role.USER, "One\n\ntwo", alice)

    def test_gives_htmx_an_empty_composer_and_has_the_page_ask_what_is_new(self, alice_client, alice, session):
        append_messages(actor=alice, session_id=session.pk, messages=[assistant_message("From a script")])

        response = alice_client.post(
            reverse("session_append", args=[session.pk]), {"content": "Mine", "shown": "3"}, headers=HTMX
        )

        assert response.headers["HX-Trigger"] == '{"live": {}}'
        html = response.content.decode()
        assert "></textarea>" in html
        assert indexes(html) == []

    @pytest.mark.parametrize("shown", ["", "x", "-7", "99999999999999999999"])
    def test_opens_the_page_anew_where_the_end_was_not_shown(self, alice_client, session, shown):
        response = alice_client.post(
            reverse("session_append", args=[session.pk]), {"content": "Mine", "shown": shown}, headers=HTMX
        )

        assert response.headers["HX-Redirect"] == address(session, "?at=4#m-4")

    def test_opens_the_page_anew_where_too_much_has_come_in_between(self, alice_client, alice, session):
        append_messages(actor=alice, session_id=session.pk, messages=conversation(80))

        response = alice_client.post(
            reverse("session_append", args=[session.pk]), {"content": "Mine", "shown": "3"}, headers=HTMX
        )

        assert response.headers["HX-Redirect"] == address(session, "?at=84#m-84")

    def test_to_an_empty_session(self, alice_client, alice):
        session = make_session(alice, name="")

        response = alice_client.post(
            reverse("session_append", args=[session.pk]), {"content": "First", "shown": "-1"}, headers=HTMX
        )

        assert response.headers["HX-Trigger"] == '{"live": {}}'
        session.refresh_from_db()
        assert session.name == "First"

    @pytest.mark.parametrize("text", ["", " \r\n ", "a\x00b"])
    @pytest.mark.parametrize("headers", [{}, HTMX])
    def test_keeps_what_was_typed_when_it_fails(self, alice_client, session, text, headers):
        response = alice_client.post(
            reverse("session_append", args=[session.pk]), {"content": text, "shown": "3"}, headers=headers
        )

        assert response.status_code == 422
        html = response.content.decode()
        assert ("<html" in html) == (not headers)
        assert 'role="alert"' in html
        assert f"{text.replace(chr(13), '')}</textarea>" in html
        assert Message.objects.filter(session=session).count() == 4

    def test_what_is_too_large_is_refused_in_place(self, alice_client, session, settings):
        settings.MAX_MESSAGE_BYTES = 100

        response = alice_client.post(reverse("session_append", args=[session.pk]), {"content": "é" * 60})

        assert response.status_code == 413
        assert "é" * 60 + "</textarea>" in response.content.decode()

    def test_to_a_session_that_was_archived_meanwhile_loses_no_text(self, alice_client, alice, session):
        archive_session(actor=alice, session_id=session.pk)

        response = alice_client.post(
            reverse("session_append", args=[session.pk]), {"content": "Much work", "shown": "3"}, headers=HTMX
        )

        html = response.content.decode()
        assert "Much work</pre>" in html
        assert "archived" in html
        assert Message.objects.filter(session=session).count() == 4

    def test_to_a_session_in_the_trash_is_refused(self, alice_client, alice, session):
        trash_session(actor=alice, session_id=session.pk)

        assert alice_client.post(reverse("session_append", args=[session.pk]), {"content": "x"}).status_code == 404
        assert Message.objects.filter(session=session).count() == 4

    def test_by_a_stranger_is_refused(self, mallory_client, client, session):
        where = reverse("session_append", args=[session.pk])

        assert mallory_client.post(where, {"content": "x"}).status_code == 404
        assert client.post(where, {"content": "x"}).status_code == 303
        assert mallory_client.get(where).status_code == 405
        assert Message.objects.filter(session=session).count() == 4

    def test_without_its_proof_of_origin_is_refused(self, alice, session):
        client = Client(enforce_csrf_checks=True)
        client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")

        assert client.post(reverse("session_append", args=[session.pk]), {"content": "x"}).status_code == 403
        assert Message.objects.filter(session=session).count() == 4


class TestStatus:
    def test_an_archived_session_says_so_and_offers_to_restore(self, alice_client, alice, session):
        archive_session(actor=alice, session_id=session.pk)

        page = alice_client.get(address(session)).content.decode()

        assert "This session is archived." in page
        assert 'id="content"' not in page
        assert 'name="restore"' in page
        assert "/edit/" not in page
        assert reverse("system_prompt", args=[session.pk]) not in page

    def test_a_trashed_session_can_be_read_restored_or_deleted(self, alice_client, alice, session):
        trash_session(actor=alice, session_id=session.pk)

        page = alice_client.get(address(session)).content.decode()

        assert indexes(page) == [0, 1, 2, 3]
        assert "This session is in the trash." in page
        assert reverse("session_purge") in page
        assert 'name="restore"' in page
        for control in ('id="content"', 'id="add-tag"', 'name="archive"', 'name="trash"', "/edit/", "Edit details"):
            assert control not in page

    def test_its_buttons_are_forms_of_their_own(self, alice_client, alice, session):
        page = alice_client.get(address(session)).content.decode()
        assert f'name="pin" value="{session.pk}"' in page

        update_session(actor=alice, session_id=session.pk, pinned=True)
        page = alice_client.get(address(session)).content.decode()
        assert f'name="unpin" value="{session.pk}"' in page
        assert f'name="next" value="{address(session)}"' in page


class TestName:
    def test_is_changed_in_place(self, alice_client, session):
        where = reverse("session_name", args=[session.pk])

        form = alice_client.get(f"{where}?edit=1", headers=HTMX).content.decode()
        assert 'name="name" value="Mosses of the north"' in form

        response = alice_client.post(where, {"name": " Lichens "}, headers=HTMX)
        assert '<h1 title="Lichens">Lichens</h1>' in response.content.decode()
        assert "<title>Lichens" in response.content.decode()
        session.refresh_from_db()
        assert session.name == "Lichens"

    def test_that_cannot_be_kept_stays_in_the_form(self, alice_client, session):
        response = alice_client.post(reverse("session_name", args=[session.pk]), {"name": "x" * 256}, headers=HTMX)

        assert response.status_code == 422
        assert "x" * 256 in response.content.decode()
        assert 'role="alert"' in response.content.decode()

    def test_without_a_script_leads_to_pages(self, alice_client, session):
        where = reverse("session_name", args=[session.pk])

        assert alice_client.get(where).headers["Location"] == address(session)
        assert alice_client.post(where, {"name": "Lichens"}).headers["Location"] == address(session)
        assert alice_client.post(where, {"name": ""}).headers["Location"] == reverse(
            "session_rename", args=[session.pk]
        )

    def test_is_its_owners(self, mallory_client, session):
        assert mallory_client.post(reverse("session_name", args=[session.pk]), {"name": "Mine"}).status_code == 404
