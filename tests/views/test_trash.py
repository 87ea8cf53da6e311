"""Deleting for ever: asked first, with what goes; then rows and directories are gone."""

import pytest

from sessions.models import Session
from sessions.operations.lifecycle import trash_session
from sessions.storage import workspaces
from tests.factories import make_rows, make_session
from tests.views.pages import html, htmx, names, toasts

pytestmark = pytest.mark.django_db(transaction=True)

PURGE, EMPTY = "/sessions/delete/", "/trash/empty/"


@pytest.fixture
def session(alice):
    session = make_session(alice, "Old scratch", messages=3)
    (workspaces.workspace_path(session.pk) / "content" / "notes.txt").write_text("x" * 10_000)
    return trash_session(actor=alice, session_id=session.pk)


def test_the_question_names_and_measures_what_goes(alice_client, session):
    page = html(alice_client.get(PURGE, {"id": str(session.pk)}))
    assert "Delete “Old scratch” for ever?" in page
    assert "3 messages and 1 file (" in page
    assert "KB on disk) are deleted with it." in page
    assert Session.objects.count() == 1, "asking deletes nothing"


def test_without_javascript(alice_client, session):
    form = {"id": str(session.pk), "confirmed": "yes", "next": "/trash/"}
    page = alice_client.post(PURGE, form, follow=True)
    assert page.redirect_chain == [("/trash/", 303)]
    assert toasts(page) == ["Deleted 1 session for ever"]
    assert not Session.objects.exists()
    assert not workspaces.exists(session.pk)


def test_nothing_goes_unconfirmed(alice_client, session):
    response = alice_client.post(PURGE, {"id": str(session.pk)})
    assert response.status_code == 200
    assert "for ever?" in html(response)
    assert Session.objects.count() == 1


def test_in_the_dialog(alice_client, session):
    question = alice_client.get(PURGE, {"id": str(session.pk)}, headers=htmx("/trash/"))
    assert question["HX-Retarget"] == "#dialog"
    assert "<html" not in html(question)
    assert "csrfmiddlewaretoken" not in html(question), "the script sends the newest one"
    form = {"id": str(session.pk), "confirmed": "yes", "next": "/trash/"}
    answer = html(alice_client.post(PURGE, form, headers=htmx("/trash/")))
    assert f'<li id="s-{session.pk}" hx-swap-oob="delete">' in answer
    assert (
        '<dialog id="dialog" class="dialog" aria-labelledby="dialog-title" closedby="any" hx-swap-oob="true"></dialog>'
        in answer
    )
    assert not Session.objects.exists()


def test_a_selection_is_asked_about_as_one(alice, alice_client):
    sessions = make_rows(alice, 25, status="deleted", message_count=2)
    ids = [str(session.pk) for session in sessions]
    page = alice_client.post("/sessions/actions/", {"bulk": "purge", "id": ids, "next": "/trash/"})
    assert page.status_code == 200
    assert "Delete 25 sessions for ever?" in html(page)
    assert "and 5 more" in html(page)
    assert "50 messages and no files" in html(page)
    assert Session.objects.count() == 25
    answer = alice_client.post(PURGE, {"id": ids, "confirmed": "yes"}, follow=True)
    assert toasts(answer) == ["Deleted 25 sessions for ever"]
    assert not Session.objects.exists()


def test_a_large_workspace_is_measured_in_part(alice_client, session, monkeypatch):
    monkeypatch.setattr("sessions.views.trash.MOST_MEASURED", 1)
    assert "at least no files" in html(alice_client.get(PURGE, {"id": str(session.pk)}))


@pytest.mark.parametrize("value", ["", "x", "04adb6f2-ba93-43c5-830d-efbe0f8b64d7"])
def test_what_is_not_there_is_not_found(alice_client, value):
    assert alice_client.get(PURGE, {"id": value}).status_code == 404
    assert alice_client.post(PURGE, {"id": value, "confirmed": "yes"}).status_code == 404
    assert alice_client.get(PURGE).status_code == 404
    assert alice_client.post(PURGE, {"confirmed": "yes"}).status_code == 404


def test_strangers_find_nothing(mallory_client, client, session):
    for stranger in (mallory_client, client):
        refused = {404} if stranger is mallory_client else {303}
        assert stranger.get(PURGE, {"id": str(session.pk)}).status_code in refused
        assert stranger.post(PURGE, {"id": str(session.pk), "confirmed": "yes"}).status_code in refused
    assert Session.objects.count() == 1
    assert workspaces.exists(session.pk)


def test_emptying_asks_first(alice, alice_client, session):
    make_session(alice, "Kept")
    page = html(alice_client.get(EMPTY))
    assert "Delete everything in the trash for ever?" in page
    assert "Delete 1 session<" in page
    dialog = alice_client.get(EMPTY, headers=htmx("/trash/"))
    assert dialog["HX-Retarget"] == "#dialog"
    answer = alice_client.post(EMPTY, follow=True)
    assert toasts(answer) == ["Deleted 1 session for ever"]
    assert names(answer) == []
    assert list(Session.objects.values_list("name", flat=True)) == ["Kept"]


def test_emptying_from_the_dialog_goes_to_the_trash(alice_client, session):
    answer = alice_client.post(EMPTY, headers=htmx("/trash/"))
    assert answer["HX-Redirect"] == "/trash/"
    assert toasts(alice_client.get("/trash/")) == ["Deleted 1 session for ever"]


def test_emptying_touches_ones_own_alone(alice, mallory_client, client, session):
    assert mallory_client.post(EMPTY).status_code == 303
    assert client.post(EMPTY)["Location"].startswith("/sign-in/")
    assert Session.objects.count() == 1


def test_an_empty_trash_has_nothing_to_empty(alice_client):
    assert "The trash is empty" in html(alice_client.get("/trash/"))
    assert EMPTY not in html(alice_client.get("/trash/"))
    assert "There is nothing to delete" in html(alice_client.get(EMPTY))
    assert toasts(alice_client.post(EMPTY, follow=True)) == ["Deleted 0 sessions for ever"]
