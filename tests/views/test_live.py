"""What open pages ask each second: nothing new is said in one statement; what is new comes in parts."""

import re
from datetime import timedelta
from unittest.mock import patch
from urllib.parse import urlencode

import pytest
from django.contrib.sessions.models import Session as Login
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from researchmind.wsgi import application
from sessions.models import Session, Verb
from sessions.operations.editing import edit_message, set_system_prompt
from sessions.operations.lifecycle import archive_session, purge_session, restore_session, trash_session
from sessions.operations.runs.phases import set_phase
from sessions.operations.runs.reports import NewLine, add_logs
from sessions.operations.sessions import update_session
from sessions.operations.transcript import append_messages
from sessions.views.live import PARTS
from tests.factories import PASSWORD, assistant_message, conversation, make_rows, make_session
from tests.statements import assert_statements, counted_statements

pytestmark = pytest.mark.django_db


class OpenPage:
    """A page as a browser keeps it open: `ask()` asks what its markup says, with the fields that it holds."""

    def __init__(self, client: Client, address: str) -> None:
        self.client, self.address = client, address
        html = client.get(address).content.decode()
        self.question = re.search(r'<div id="live" hx-get="([^"]*)"', html).group(1)
        self.fields = {}
        self.keep(html)

    def keep(self, html: str) -> None:
        for name in ("reader", "seen", "since", "shown"):
            if found := re.search(rf'name="{name}" value="([^"]*)"', html):
                self.fields[name] = found.group(1)

    def ask(self, host: str = "testserver", **changes: str) -> HttpResponse:
        """Through the whole application: what stands in front of Django has the first word."""
        answer = HttpResponse()

        def start(status: str, headers: list[tuple[str, str]], *_: object) -> None:
            answer.status_code, answer.headers = int(status[:3]), dict(headers)

        asked = {"PATH_INFO": self.question, "QUERY_STRING": urlencode(self.fields | changes), "HTTP_HOST": host}
        asked |= {"HTTP_HX_REQUEST": "true", "HTTP_HX_TRIGGER": "live"}
        asked |= {"HTTP_HX_CURRENT_URL": f"http://testserver{self.address}"}
        with patch.object(connection, "close_if_unusable_or_obsolete"):  # the test's transaction is open on it
            answer.content = b"".join(application(self.client._base_environ(**asked), start))
        self.keep(answer.content.decode())
        return answer

    def news(self) -> str:
        response = self.ask()
        assert response.status_code == 200
        assert self.ask().status_code == 204
        return response.content.decode()


@pytest.fixture
def session(alice) -> Session:
    return make_session(alice, messages=4)


@pytest.fixture
def opened(alice_client, session) -> OpenPage:
    return OpenPage(alice_client, session.get_absolute_url())


def indexes(html: str) -> list[int]:
    return [int(index) for index in re.findall(r'id="m-(\d+)"', html)]


class TestNothingNew:
    @pytest.mark.parametrize("page", ["session", "list"])
    def test_is_said_in_one_statement_and_without_a_body(self, alice_client, session, page):
        opened = OpenPage(alice_client, session.get_absolute_url() if page == "session" else "/")
        with assert_statements(exactly=1):
            response = opened.ask()

        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["Cache-Control"] == "private, no-store"
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"

    def test_goes_through_no_login_middleware_and_moves_nothing(self, opened, session):
        before = Session.objects.values().get(pk=session.pk), Login.objects.values().get()
        response = opened.ask()

        assert "Set-Cookie" not in response.headers
        assert (Session.objects.values().get(pk=session.pk), Login.objects.values().get()) == before

    def test_costs_the_same_in_a_full_list(self, alice_client, alice):
        make_rows(alice, 300)
        opened = OpenPage(alice_client, "/")
        with assert_statements(exactly=1) as statements:
            assert opened.ask().status_code == 204
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN QUERY PLAN {statements[0]}")
                plan = [row[3] for row in cursor.fetchall()]
            assert [line for line in plan if "USING COVERING INDEX session_by_updated" in line], plan
            assert not [line for line in plan if line.split()[:2] == ["SCAN", "s"]], plan

    @pytest.mark.parametrize(
        "changes",
        [{"reader": ""}, {"reader": "x"}, {"reader": "٣"}, {"reader": "9" * 40}, {"seen": "9"}, {"seen": "\0"}],
    )
    def test_an_odd_question_is_answered_by_the_view(self, opened, changes):
        assert opened.ask(**changes).status_code in (200, 204)

    def test_another_host_hears_nothing(self, opened):
        assert opened.ask(host="elsewhere.example").status_code == 400

    def test_a_database_that_is_away_is_said_as_to_everybody(self, opened, monkeypatch):
        def fail(*args):
            raise OperationalError("away")

        monkeypatch.setattr("sessions.views.live.look_at_session", fail)
        assert opened.ask().status_code == 204  # by the view, which asks in another way


class TestWhoAsks:
    def test_a_login_that_expired_is_told_to_stop_and_gets_no_page(self, opened):
        Login.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
        response = opened.ask()

        assert response.status_code == 401
        html = response.content.decode()
        assert 'id="live"' in html
        assert 'hx-swap-oob="true"' in html
        assert "hx-get" not in html
        assert "/sign-in/?next=%2Fsessions%2F" in html
        assert "password" not in html.lower()
        assert "HX-Redirect" not in response.headers

    @pytest.mark.parametrize("how", ["signed out", "password", "closed", "no cookie"])
    def test_refused_from_the_next_question_on(self, opened, alice, how):
        if how == "signed out":
            Login.objects.all().delete()
        elif how == "no cookie":
            opened.client.cookies.clear()
        else:
            alice.set_password("another") if how == "password" else setattr(alice, "is_active", False)
            alice.save()
        assert opened.ask().status_code == 401

    def test_a_stranger_gets_what_is_not_there(self, opened, mallory_client, mallory):
        opened.client = mallory_client
        for reader in (opened.fields["reader"], str(mallory.pk)):
            response = opened.ask(reader=reader)
            assert response.status_code == 404
            assert "Mosses" not in response.content.decode()

    def test_nobody_looks_with_anothers_number(self, alice_client, mallory_client, mallory, alice):
        """The number in the question is no proof: a list asked for in another's name is the asker's own."""
        make_session(alice, "Secret")
        opened = OpenPage(alice_client, "/")
        opened.client = mallory_client
        response = opened.ask()
        assert response.status_code == 200
        assert "Secret" not in response.content.decode()

    def test_a_browser_that_opens_the_address_gets_the_page(self, alice_client, session):
        response = alice_client.get(reverse("session_live", args=[session.pk]))
        assert (response.status_code, response.headers["Location"]) == (303, session.get_absolute_url())
        assert alice_client.get(reverse("list_live")).headers["Location"] == "/"


class TestSession:
    def test_new_messages_come_alone(self, opened, alice, session):
        append_messages(actor=alice, session_id=session.pk, messages=[assistant_message("*one*"), assistant_message()])
        html = opened.news()

        assert indexes(html) == [4, 5]
        assert "<em>one</em>" in html
        assert '<data id="count" value="6"' in html
        assert opened.fields["shown"] == "5"
        assert "innerHTML:#bar" not in html
        assert "innerHTML:#panel" not in html
        assert "You appended 2 messages." in html

    def test_what_is_new_takes_few_statements_however_much_it_is(self, opened, alice, session):
        append_messages(actor=alice, session_id=session.pk, messages=conversation(40))
        with counted_statements() as statements:
            opened.ask()
        assert len(statements) <= 8

    def test_more_than_a_page_goes_on_where_it_ends(self, opened, alice, session):
        append_messages(actor=alice, session_id=session.pk, messages=conversation(80))
        html = opened.news()

        assert indexes(html) == list(range(4, 54))
        assert 'id="later"' in html
        assert opened.fields["shown"] == ""

    def test_where_the_end_is_not_shown_only_the_number_moves(self, alice_client, alice):
        session = make_session(alice, messages=80)
        opened = OpenPage(alice_client, f"{session.get_absolute_url()}?at=0")
        append_messages(actor=alice, session_id=session.pk, messages=conversation(3))
        html = opened.news()

        assert indexes(html) == []
        assert '<data id="count" value="83"' in html

    def test_another_name_changes_the_bar_and_the_title(self, opened, alice, session):
        update_session(actor=alice, session_id=session.pk, name="Lichens <b>")
        html = opened.news()

        assert "<title>Lichens &lt;b&gt; · ResearchMind</title>" in html
        assert "innerHTML:#bar" in html
        assert "innerHTML:#panel" not in html

    def test_a_name_from_the_first_message_changes_the_bar_too(self, alice_client, alice):
        session = make_session(alice, name="")
        opened = OpenPage(alice_client, session.get_absolute_url())
        append_messages(actor=alice, session_id=session.pk, messages=conversation(1))

        assert "<title>message 0 · ResearchMind</title>" in opened.news()

    def test_archive_trash_and_restore_are_said(self, opened, alice, session):
        archive_session(actor=alice, session_id=session.pk)
        assert "This session is archived." in opened.news()
        trash_session(actor=alice, session_id=session.pk)
        html = opened.news()
        assert "This session is in the trash." in html
        assert "In the trash" in html
        for said in ("This session is archived.", 'name="content"'):
            restore_session(actor=alice, session_id=session.pk)
            assert said in opened.news()

    def test_deleted_for_ever_it_stops_asking(self, opened, alice, session):
        purge_session(actor=alice, session_id=session.pk)
        response = opened.ask()

        assert response.status_code == 404
        assert "deleted for ever" in response.content.decode()
        assert "hx-get" not in response.content.decode()

    def test_what_was_changed_elsewhere_is_said_and_nothing_is_added_to_it(self, opened, alice, session):
        edit_message(actor=alice, session_id=session.pk, index=0, content="better")
        html = opened.news()
        assert "was changed elsewhere" in html
        assert indexes(html) == []
        append_messages(actor=alice, session_id=session.pk, messages=conversation(9))
        assert indexes(opened.news()) == []

    def test_a_system_prompt_moves_every_message(self, opened, alice, session):
        set_system_prompt(actor=alice, session_id=session.pk, content="Be brief.")
        assert "was changed elsewhere" in opened.news()

    def test_tags_and_details_change_the_panel(self, opened, alice, session):
        update_session(actor=alice, session_id=session.pk, tags=["peat"], description="Of the north")
        html = opened.news()
        assert "innerHTML:#panel" in html
        assert "Of the north" in html
        assert "innerHTML:#bar" not in html

    def test_a_change_without_an_event_changes_everything(self, opened, session):
        Session.objects.filter(pk=session.pk).update(name="By hand", version=session.version + 1)
        html = opened.news()
        assert "By hand" in html
        assert "was changed elsewhere" in html

    def test_a_run_that_begins_brings_its_section_and_leaves_the_panel(self, opened, alice, session):
        set_phase(actor=alice, session_id=session.pk, phase="execution")
        html = opened.news()
        assert 'hx-swap-oob="innerHTML:#run:not(' in html
        assert 'id="run-now"' in html
        assert "innerHTML:#panel" not in html

    def test_a_run_that_begins_with_a_line_of_its_log_brings_its_section(self, opened, alice, session):
        add_logs(actor=alice, session_id=session.pk, lines=[NewLine("begun")])
        html = opened.news()
        assert 'id="run-now"' in html
        assert "begun" in html
        add_logs(actor=alice, session_id=session.pk, lines=[NewLine("goes on")])
        assert opened.ask().status_code == 204, "the section follows by itself"

    def test_every_part_is_one_that_the_page_has(self):
        assert set().union(*PARTS.values()) == {"bar", "panel", "run", "composer", "transcript"}
        assert set(PARTS) <= set(Verb)


class TestList:
    @pytest.fixture
    def opened(self, alice_client, session) -> OpenPage:
        return OpenPage(alice_client, "/")

    @pytest.mark.parametrize("what", ["append", "rename", "tag", "pin", "archive", "trash", "purge", "create"])
    def test_whatever_happens_to_a_session_shows(self, opened, alice, session, what):
        other = make_session(alice, "Newer than it")
        assert "Newer than it" in opened.news()
        {
            "append": lambda: append_messages(actor=alice, session_id=session.pk, messages=conversation(1)),
            "rename": lambda: update_session(actor=alice, session_id=session.pk, name="Lichens"),
            "tag": lambda: update_session(actor=alice, session_id=session.pk, tags=["peat"]),
            "pin": lambda: update_session(actor=alice, session_id=session.pk, pinned=True),
            "archive": lambda: archive_session(actor=alice, session_id=session.pk),
            "trash": lambda: trash_session(actor=alice, session_id=session.pk),
            "purge": lambda: purge_session(actor=alice, session_id=session.pk),
            "create": lambda: make_session(alice, "One more"),
        }[what]()
        html = opened.news()

        rows = re.findall(r'id="s-([0-9a-f-]{36})"', html)
        expected = {"archive": 1, "trash": 1, "purge": 1, "create": 3}.get(what, 2)
        assert len(rows) == expected
        if what in ("append", "rename", "tag", "pin"):
            assert rows == [str(session.pk), str(other.pk)], "it has moved up"
        assert 'id="places"' in html

    def test_a_list_asks_about_its_own_kind(self, alice_client, alice, session):
        archive_session(actor=alice, session_id=make_session(alice, "Old").pk)
        opened = OpenPage(alice_client, "/archived/?sort=name")
        update_session(actor=alice, session_id=session.pk, name="Active")
        assert re.findall(r'class="name"[^>]*>([^<]*)<', opened.news()) == ["Old"]

    def test_as_many_rows_as_were_loaded_come_back(self, alice_client, alice):
        make_rows(alice, 120)
        opened = OpenPage(alice_client, "/")
        make_session(alice, "Newest")
        response = opened.ask(shown="100")
        assert response.content.decode().count('<li class="row"') == 100

    def test_who_has_loaded_more_than_is_shown_anew_keeps_the_rows(self, alice_client, alice):
        opened = OpenPage(alice_client, "/")
        make_session(alice, "Newest")
        html = opened.ask(shown="501").content.decode()
        assert 'id="rows"' not in html
        assert 'id="places"' in html
        assert opened.ask().status_code == 204

    def test_others_sessions_are_nothing_new(self, opened, mallory):
        make_session(mallory, "Hers")
        assert opened.ask().status_code == 204


def test_a_login_by_the_form_is_good_for_asking(alice):
    client = Client()
    client.post(reverse("sign_in"), {"username": "alice", "password": PASSWORD})
    opened = OpenPage(client, "/")
    with assert_statements(exactly=1):
        assert opened.ask().status_code == 204
