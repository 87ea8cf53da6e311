"""/sessions/new/."""

import pytest

from sessions.exceptions import StorageFull
from sessions.models import Message, Session
from tests.views.pages import html

pytestmark = pytest.mark.django_db

ADDRESS = "/sessions/new/"
FORM = {
    "name": "Mosses",
    "description": "Of the north",
    "tags": "Red, field  work,",
    "model": "llama3:8b",
    "system_prompt": "",
}


def test_the_form_offers_the_tag_one_came_from(alice_client):
    assert 'value="field work"' in html(alice_client.get(ADDRESS, {"tags": "field work"}))


def test_makes_a_session_and_goes_to_it(alice, alice_client):
    response = alice_client.post(ADDRESS, FORM)
    session = Session.objects.get()
    assert (response.status_code, response["Location"]) == (303, f"/sessions/{session.pk}/")
    assert (session.owner, session.name, session.description, session.model) == (
        alice,
        "Mosses",
        "Of the north",
        "llama3:8b",
    )
    assert list(session.tags.values_list("name", flat=True)) == ["field work", "red"]
    assert session.message_count == 0


def test_nothing_is_needed(alice_client):
    alice_client.post(ADDRESS, {})
    assert Session.objects.get().name == "Untitled session"


def test_a_system_prompt_becomes_the_first_message(alice_client):
    alice_client.post(ADDRESS, FORM | {"system_prompt": "  Be brief.\r\n"})
    message = Message.objects.get()
    assert (message.index, message.role, message.content) == (0, "system", "  Be brief.\r\n")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "x" * 256}, "at most 255 characters"),
        ({"description": "x" * 1025}, "at most 1024 characters"),
        ({"tags": "x" * 101}, "At most 100 characters"),
        ({"tags": ",".join(map(str, range(51)))}, "At most 50 tags"),
        ({"model": "x" * 256}, "at most 255 characters"),
        ({"name": "a\x00"}, "Null characters are not allowed"),
        ({"system_prompt": "a\x00"}, "Null characters are not allowed"),
    ],
)
def test_a_refusal_keeps_what_was_typed(alice_client, changes, said):
    response = alice_client.post(ADDRESS, FORM | changes)
    assert response.status_code == 422
    page = html(response)
    assert said in page
    (refused,) = changes
    field = next(tag for tag in page.split("<") if f'name="{refused}"' in tag)
    assert 'aria-invalid="true"' in field
    assert "autofocus" in field
    assert page.count("autofocus") == 1
    kept = FORM | changes
    assert f'value="{kept["name"]}"' in page
    assert kept["description"] in page
    assert not Session.objects.exists()


def test_a_prompt_beyond_the_limit(alice_client, settings):
    settings.MAX_MESSAGE_BYTES = 1000
    response = alice_client.post(ADDRESS, FORM | {"system_prompt": "x" * 1001})
    assert response.status_code == 413
    assert "x" * 1001 in html(response)


def test_a_full_disk_keeps_what_was_typed(alice_client, monkeypatch):
    def full(**fields):
        raise StorageFull("Could not make the workspace: the disk is full. Free some space and try again.")

    monkeypatch.setattr("sessions.views.new_session.create_session", full)
    response = alice_client.post(ADDRESS, FORM)
    assert response.status_code == 507
    assert "the disk is full" in html(response)
    assert 'value="Mosses"' in html(response)


def test_needs_a_login(client):
    assert client.get(ADDRESS)["Location"] == "/sign-in/?next=%2Fsessions%2Fnew%2F"
    assert client.post(ADDRESS, FORM)["Location"] == "/sign-in/?next=%2F"
    assert not Session.objects.exists()


def test_other_methods(alice_client):
    assert alice_client.put(ADDRESS).status_code == 405
