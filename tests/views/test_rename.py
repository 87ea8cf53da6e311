"""/sessions/<id>/rename/: in its row, or on a page of its own."""

import pytest

from sessions.operations.lifecycle import trash_session
from tests.factories import make_session
from tests.views.pages import html, htmx, names, toasts

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(alice):
    return make_session(alice, "Mosses")


@pytest.fixture
def address(session):
    return f"/sessions/{session.pk}/rename/"


def test_a_page_of_its_own(alice_client, session, address):
    page = html(alice_client.get(f"{address}?next=/%3Fsort=name"))
    assert 'value="Mosses"' in page
    assert 'name="next" value="/?sort=name"' in page
    page = alice_client.post(address, {"name": "  Lichens ", "next": "/?sort=name"}, follow=True)
    assert page.redirect_chain == [("/?sort=name", 303)]
    assert toasts(page) == ["Renamed"]
    assert names(page) == ["Lichens"]


def test_in_its_row(alice_client, session, address):
    form = html(alice_client.get(address, headers=htmx()))
    assert "<html" not in form
    assert f'hx-post="{address}"' in form
    response = alice_client.post(address, {"name": "<b>Lichens</b>"}, headers=htmx("/?sort=name"))
    assert response.status_code == 200
    assert names(response) == ["<b>Lichens</b>"]
    assert f'id="s-{session.pk}"' in html(response)
    assert response["HX-Push-Url"] == "false"


def test_from_a_page_that_is_no_list_it_is_loaded_anew(alice_client, session, address):
    response = alice_client.post(address, {"name": "Lichens"}, headers=htmx(f"/sessions/{session.pk}/"))
    assert response["HX-Refresh"] == "true"


@pytest.mark.parametrize("name", ["", "   ", "x" * 256, "a\x00b"])
def test_a_refusal_keeps_what_was_typed(alice_client, session, address, name):
    page = alice_client.post(address, {"name": name})
    assert page.status_code == 422
    assert "<html" in html(page)
    part = alice_client.post(address, {"name": name}, headers=htmx())
    assert part.status_code == 422
    assert part["HX-Retarget"] == "this"
    for response in (page, part):
        assert f'value="{name}"' in html(response)
        assert 'aria-invalid="true"' in html(response)
    session.refresh_from_db()
    assert session.name == "Mosses"


def test_a_name_of_255_characters_without_a_space(alice_client, address):
    assert names(alice_client.post(address, {"name": "x" * 255, "next": "/"}, follow=True)) == ["x" * 255]


def test_strangers_find_nothing(mallory_client, client, session, address):
    assert mallory_client.get(address).status_code == 404
    assert mallory_client.post(address, {"name": "Mine"}).status_code == 404
    assert client.get(address)["Location"].startswith("/sign-in/")
    refused = client.get(address, headers=htmx())
    assert refused.status_code == 401
    assert refused["HX-Redirect"] == "/sign-in/?next=%2F"
    assert refused.content == b""
    session.refresh_from_db()
    assert session.name == "Mosses"


@pytest.mark.django_db(transaction=True)
def test_not_in_the_trash(alice, alice_client, session, address):
    trash_session(actor=alice, session_id=session.pk)
    assert alice_client.get(address).status_code == 404
    assert alice_client.post(address, {"name": "x"}, headers=htmx()).status_code == 404


def test_other_methods(alice_client, address):
    response = alice_client.delete(address)
    assert response.status_code == 405
    assert response["Allow"] == "GET, POST, HEAD"


def test_a_short_id_works(alice_client, session):
    assert alice_client.get(f"/sessions/{session.short_id}/rename/").status_code == 200
