"""The panel: changing details and tags, and what happened in words."""

import re

import pytest
from django.urls import reverse

from sessions.access import Actor
from sessions.models import Event, Session, Verb
from sessions.operations.editing import edit_message, restore_revision, set_system_prompt
from sessions.operations.lifecycle import archive_session, restore_session, trash_session
from sessions.operations.sessions import update_session
from sessions.operations.transcript import append_messages
from sessions.operations.vectors.points import put_points
from sessions.operations.vectors.values import NewPoint
from sessions.views import activity
from sessions.views.activity import SHOWN
from tests.factories import assistant_message, make_session
from tests.views.test_session_page import HTMX, address


@pytest.fixture
def session(alice) -> Session:
    return make_session(alice, tags=["moss"], messages=2, description="Old", model="m", ttl_seconds=5400)


class TestDetails:
    def where(self, session: Session) -> str:
        return reverse("session_details", args=[session.pk])

    def test_are_changed_together(self, alice_client, session):
        response = alice_client.post(
            self.where(session), {"description": " New\r\ntext ", "model": "qwen3", "ttl_seconds": "86400"}
        )

        assert response.headers["Location"] == address(session)
        session.refresh_from_db()
        assert (session.description, session.model, session.ttl_seconds) == ("New\ntext", "qwen3", 86_400)

    def test_can_be_emptied(self, alice_client, session):
        alice_client.post(self.where(session), {"description": "", "model": "", "ttl_seconds": ""})

        session.refresh_from_db()
        assert (session.description, session.model, session.ttl_seconds) == ("", "", None)

    def test_give_htmx_the_panel_alone(self, alice_client, session):
        response = alice_client.post(
            self.where(session), {"description": "New", "model": "m", "ttl_seconds": "5400"}, headers=HTMX
        )

        html = response.content.decode()
        assert "<html" not in html
        assert "changed the description" in html
        assert 'id="places"' in html

    @pytest.mark.parametrize("headers", [{}, HTMX])
    @pytest.mark.parametrize(
        "values",
        [
            {"description": "x" * 1025},
            {"description": "a\x00b"},
            {"ttl_seconds": "soon"},
            {"ttl_seconds": "9" * 30},
            {"ttl_seconds": "9" * 5000},
        ],
    )
    def test_that_cannot_be_kept_stay_in_the_form(self, alice_client, session, values, headers):
        response = alice_client.post(
            self.where(session), {"description": "typed", "model": "mine", "ttl_seconds": ""} | values, headers=headers
        )

        html = response.content.decode()
        assert response.status_code == 422
        assert 'id="details-error"' in html
        assert f"{values.get('description', 'typed')}</textarea>" in html
        assert 'value="mine"' in html
        session.refresh_from_db()
        assert session.description == "Old"

    def test_of_an_archived_session_can_be_changed(self, alice_client, alice, session):
        archive_session(actor=alice, session_id=session.pk)

        assert alice_client.post(self.where(session), {"description": "New", "ttl_seconds": ""}).status_code == 303

    def test_of_a_trashed_one_cannot(self, alice_client, alice, session):
        trash_session(actor=alice, session_id=session.pk)

        assert alice_client.post(self.where(session), {"description": "New"}).status_code == 404

    def test_are_their_owners(self, mallory_client, client, alice_client, session):
        assert mallory_client.post(self.where(session), {"description": "x"}).status_code == 404
        assert client.post(self.where(session), {"description": "x"}).status_code == 303
        assert alice_client.get(self.where(session)).status_code == 405


class TestTags:
    def where(self, session: Session) -> str:
        return reverse("session_tags", args=[session.pk])

    @pytest.mark.parametrize(
        ("form", "tags"),
        [
            ({"add": "Peat"}, ["moss", "peat"]),
            ({"add": "peat, Fen ,, bog"}, ["bog", "fen", "moss", "peat"]),
            ({"add": "MOSS"}, ["moss"]),
            ({"add": " "}, ["moss"]),
            ({"remove": "moss"}, []),
            ({"remove": "moss", "add": "typed, not sent"}, []),
            ({"remove": "other"}, ["moss"]),
            ({}, ["moss"]),
        ],
    )
    def test_are_added_and_removed(self, alice_client, session, form, tags):
        response = alice_client.post(self.where(session), form)

        assert response.headers["Location"] == address(session)
        assert list(session.tags.values_list("name", flat=True)) == tags

    def test_give_htmx_the_panel_and_the_counts(self, alice_client, session):
        html = alice_client.post(self.where(session), {"add": "peat"}, headers=HTMX).content.decode()

        assert "<html" not in html
        assert 'value="peat"' in html
        assert re.search(r'id="add-tag"[^>]* autofocus', html)
        assert 'id="places" class="places" hx-swap-oob="true"' in html

    @pytest.mark.parametrize("headers", [{}, HTMX])
    def test_that_cannot_be_kept_stay_in_the_field(self, alice_client, session, headers):
        response = alice_client.post(self.where(session), {"add": "x" * 101}, headers=headers)

        assert response.status_code == 422
        assert "x" * 101 in response.content.decode()
        assert 'id="tag-error"' in response.content.decode()
        assert list(session.tags.values_list("name", flat=True)) == ["moss"]

    def test_others_are_suggested(self, alice_client, alice, session):
        make_session(alice, tags=["moss", "lichen"])

        page = alice_client.get(address(session)).content.decode()
        assert '<option value="lichen">' in page
        assert '<option value="moss">' not in page

    def test_are_their_owners(self, mallory_client, alice_client, alice, session):
        assert mallory_client.post(self.where(session), {"add": "x"}).status_code == 404
        assert alice_client.get(self.where(session)).status_code == 405
        trash_session(actor=alice, session_id=session.pk)
        assert alice_client.post(self.where(session), {"add": "x"}).status_code == 404


class TestActivity:
    def lines(self, session: Session, reader_id: int) -> list[str]:
        return [f"{line.who} {line.what}" for line in activity.activity(session.pk, reader_id=reader_id).lines]

    def test_is_told_in_words(self, alice, alice_token):
        session = make_session(alice, messages=1)
        agent = Actor(alice.pk, alice.username, token_name="agent-7")
        append_messages(actor=agent, session_id=session.pk, messages=[assistant_message()] * 3)
        append_messages(actor=alice, session_id=session.pk, messages=[assistant_message()])
        update_session(actor=alice, session_id=session.pk, name="Lichens", pinned=True, tags=["a", "b"])
        update_session(
            actor=alice, session_id=session.pk, pinned=False, tags=[], description="x", ttl_seconds=9, model="y"
        )
        edit_message(actor=alice, session_id=session.pk, index=0, content="x")
        restore_revision(actor=alice, session_id=session.pk, number=1)
        set_system_prompt(actor=alice, session_id=session.pk, content="x")
        archive_session(actor=alice, session_id=session.pk)
        restore_session(actor=alice, session_id=session.pk)
        trash_session(actor=alice, session_id=session.pk)

        assert self.lines(session, alice.pk) == [
            "You moved it to the trash",
            "You restored it",
            "You archived it",
            "You set the system prompt",
            "You restored revision 1",
            "You edited message 0 and cut off 4 messages",
            "You changed the description, model and expiry",
            "You removed its tags",
            "You unpinned it",
            "You tagged it a, b",
            "You pinned it",
            "You renamed it to “Lichens”",
            "You appended a message",
            "agent-7 appended 3 messages",
            "You created it with a message",
        ]

    def test_of_others_names_them(self, alice, mallory):
        session = make_session(alice)

        assert self.lines(session, mallory.pk) == ["alice created it"]
        Event(session_id=session.pk, verb=Verb.PINNED).save()
        assert self.lines(session, mallory.pk)[0] == "Somebody pinned it"

    def test_joins_what_one_writer_appends_in_a_row(self, alice):
        session = make_session(alice)
        agent = Actor(alice.pk, alice.username, token_name="agent-7")
        for _ in range(5):
            append_messages(actor=agent, session_id=session.pk, messages=[assistant_message()])
        append_messages(actor=alice, session_id=session.pk, messages=[assistant_message()])

        assert self.lines(session, alice.pk)[:2] == ["You appended a message", "agent-7 appended 5 messages"]

    def test_goes_back_so_far(self, alice):
        session = make_session(alice)
        for number in range(SHOWN + 5):
            update_session(actor=alice, session_id=session.pk, pinned=number % 2 == 0)

        assert len(self.lines(session, alice.pk)) == SHOWN

    def test_of_a_kind_or_shape_nobody_knows_is_no_error(self, alice):
        for verb in (*Verb.values, "looked_at"):
            session = make_session(alice)
            Event.objects.create(session_id=session.pk, actor=alice, verb=verb, detail={})
            Event.objects.create(session_id=session.pk, verb=Verb.UPDATED, detail=["odd"])
            assert len(self.lines(session, alice.pk)) == 3, verb
        assert "You looked at" in self.lines(session, alice.pk)


def test_vectors(alice_client, session, alice):
    assert 'id="vectors"' not in alice_client.get(address(session)).content.decode()
    put_points(actor=alice, session_id=session.pk, points=[NewPoint(number, [1.0] * 96) for number in range(8)])
    shown = alice_client.get(address(session)).content.decode()
    assert re.search(r'id="vectors">.*8</span> points of 96 numbers, cosine, 3.0\s*KB', shown)
    assert "kept 8 vectors" in shown
