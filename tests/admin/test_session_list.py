"""The admin's list of everybody's sessions."""

import re

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from sessions.models import Session, Status, session_count
from sessions.operations.lifecycle import archive_session, trash_session
from sessions.operations.sessions import update_session
from tests.factories import make_rows, make_session
from tests.statements import assert_statements, counted_statements

pytestmark = pytest.mark.django_db
LIST = "/admin/research/session/"


@pytest.fixture
def listed(ada_client):
    """`listed(status="archived")` is the list with these parameters, as text."""

    def get(**parameters: str) -> str:
        answer = ada_client.get(LIST, parameters)
        assert answer.status_code == 200, answer.headers.get("Location")
        return answer.content.decode()

    return get


def names(page: str) -> list[str]:
    """The names in the list, in order."""
    return re.findall(r'<th class="field-name"><a [^>]*>([^<]*)</a>', page)


def test_everybodys_sessions_are_there_newest_change_first(listed, alice, mallory):
    make_session(alice, "First")
    make_session(mallory, "Second")
    assert names(listed()) == ["Second", "First"]
    assert reverse("admin:research_session_changelist") == LIST


def test_filters(listed, alice, mallory):
    active, archived, trashed = (make_session(alice, name) for name in ("Active", "Archived", "Trashed"))
    make_session(mallory, "Other", model="gpt")
    update_session(actor=alice, session_id=active.pk, pinned=True)
    archive_session(actor=alice, session_id=archived.pk)
    trash_session(actor=alice, session_id=trashed.pk)
    assert names(listed(status="archived")) == ["Archived"]
    assert names(listed(status="deleted")) == ["Trashed"]
    assert names(listed(pinned="yes")) == ["Active"]
    assert names(listed(pinned="no", status="active")) == ["Other"]
    assert names(listed(owner=str(mallory.pk))) == ["Other"]
    assert names(listed(model="gpt")) == ["Other"]
    assert (
        len(names(listed(created_at__gte="2026-01-01 00:00:00+00:00", created_at__lt="2100-01-01 00:00:00+00:00"))) == 4
    )
    assert names(listed(created_at__gte="2100-01-01 00:00:00+00:00", created_at__lt="2101-01-01 00:00:00+00:00")) == []


def test_choices_say_how_many_they_let_through(listed, alice, mallory):
    make_rows(alice, 3)
    make_rows(mallory, 2, status=Status.ARCHIVED)
    text = listed()
    for choice in ("Active (3)", "Archived (2)", "In the trash (0)", "alice (3)", "mallory (2)", "Not pinned (5)"):
        assert choice in text


@pytest.mark.parametrize("parameters", [{"status": "x"}, {"pinned": "maybe"}, {"owner": "me"}, {"owner": "999999"}])
def test_a_choice_that_does_not_exist_shows_nothing(listed, alice, parameters):
    make_rows(alice, 3)
    assert names(listed(**parameters)) == []


def test_search_finds_names_ids_and_short_ids(listed, alice):
    moss = make_session(alice, "Mosses of the north")
    make_session(alice, "Lichens")
    for query in (
        "moss",
        "OF THE",
        str(moss.pk),
        moss.pk.hex,
        moss.short_id,
        moss.short_id.upper(),
        f" {moss.short_id} ",
    ):
        assert names(listed(q=query)) == ["Mosses of the north"], query
    assert names(listed(q="0000000000")) == []
    assert names(listed(q="100%")) == []


def test_pages_come_from_the_kept_count(listed, alice):
    make_rows(alice, 120)
    with counted_statements() as statements:
        assert len(names(listed(p="3"))) == 20
    assert not [
        sql for sql in statements if "COUNT(" in sql.upper() and 'research_session"' in sql and "LIMIT" not in sql
    ]
    assert "120 sessions" in listed()
    session_count.compact()
    assert "120 sessions" in listed()


def test_a_search_counts_no_further_than_a_limit(listed, alice, monkeypatch):
    for module in ("counts", "filters"):
        monkeypatch.setattr(f"sessions.admin.{module}.MOST_COUNTED", 100)
    make_rows(alice, 110)
    assert "100 sessions" in listed(q="Session")
    assert names(listed(q="Session"))[0] == "Session 0109"
    assert names(listed(q="Session 0005")) == ["Session 0005"]
    assert names(listed(owner=str(alice.pk)))[:2] == ["Session 0109", "Session 0108"]


def test_pages_beyond_the_last_one_lead_to_the_first(listed, ada_client, alice, monkeypatch):
    monkeypatch.setattr("sessions.admin.counts.MOST_PAGES", 2)
    make_rows(alice, 120)
    assert "120 sessions" in listed()
    assert len(names(listed(p="2"))) == 50
    assert ada_client.get(LIST, {"p": "3"}).headers["Location"] == f"{LIST}?e=1"


def test_the_number_of_statements_does_not_grow_with_rows(listed, alice, mallory):
    make_rows(alice, 2)
    with assert_statements(at_most=7):
        listed()
    for number in range(5):
        make_rows(User.objects.create(username=f"user {number}"), 20)
    with assert_statements(at_most=7):
        listed()


def test_many_sessions_are_sorted_by_the_index_alone(listed, alice, monkeypatch):
    make_rows(alice, 3)
    assert re.search(r'column-name">\s*<div class="sort', listed()) or "?o=1" in listed()
    monkeypatch.setattr("sessions.admin.sessions._SORTED_FREELY", 2)
    text = listed()
    assert "?o=1" not in text
    assert "?o=" in text
    with counted_statements() as statements:
        listed(o="1")
    assert not [sql for sql in statements if 'ORDER BY "research_session"."name"' in sql]


def test_hostile_names_are_text(listed, alice):
    make_session(alice, "<script>alert(1)</script>", model="<img src=x onerror=alert(1)>")
    text = listed()
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text
    assert "<img src=x" not in text


def test_who_may_see_it(client, alice_client, sam_client, alice):
    make_session(alice, "Private")
    answer = client.get(LIST)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/admin/login/")
    assert alice_client.get(LIST, follow=True).status_code == 403
    assert sam_client().get(LIST).status_code == 403
    assert "Private" in sam_client("view_session").get(LIST).content.decode()


def test_one_page_for_everybody_to_sign_in(client, db):
    answer = client.get("/admin/login/", {"next": LIST})
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"{reverse('sign_in')}?next={LIST}"


def test_sessions_in_the_admin_are_every_status(ada_client, alice):
    make_rows(alice, 1, status=Status.DELETED)
    assert Session.objects.count() == 1
    assert len(names(ada_client.get(LIST).content.decode())) == 1
