"""POST /sessions/actions/: pin, archive, trash, restore; one session or many; page and fragment; Undo."""

from uuid import uuid4

import pytest
from django.utils import timezone

from sessions.models import Status
from sessions.operations.bulk import MAX_SESSIONS
from sessions.operations.lifecycle import archive_session, trash_session
from sessions.operations.sessions import update_session
from tests.factories import make_rows, make_session
from tests.views.pages import groups, html, htmx, names, toasts

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "/sessions/actions/"


@pytest.fixture
def session(alice):
    return make_session(alice, "Mosses")


def now(session):
    session.refresh_from_db()
    return session.status, session.pinned


@pytest.mark.parametrize(
    ("action", "done", "sentence"),
    [
        ("pin", (Status.ACTIVE, True), "Pinned “Mosses”"),
        ("archive", (Status.ARCHIVED, False), "Archived “Mosses”"),
        ("trash", (Status.DELETED, False), "Moved “Mosses” to the trash"),
    ],
)
def test_without_javascript_each_action_redirects_and_can_be_undone(alice_client, session, action, done, sentence):
    response = alice_client.post(ADDRESS, {action: str(session.pk), "next": "/?sort=name"})
    assert response.status_code == 303
    assert response["Location"] == "/?sort=name"
    assert now(session) == done
    page = alice_client.get("/?sort=name")
    assert toasts(page) == [sentence]
    undo = {"pin": "unpin"}.get(action, "restore")
    assert f'name="bulk" value="{undo}"' in html(page)
    assert f'name="id" value="{session.pk}"' in html(page)
    form = {"bulk": undo, "id": str(session.pk), "undone": "yes", "next": "/?sort=name"}
    page = alice_client.post(ADDRESS, form, follow=True)
    assert toasts(page) == ["Undone"]
    assert now(session) == (Status.ACTIVE, False)
    assert names(page) == ["Mosses"]


@pytest.mark.parametrize(
    ("at", "action", "gone"),
    [
        ("/", "archive", True),
        ("/", "trash", True),
        ("/", "pin", False),
        ("/pinned/", "unpin", True),
        ("/pinned/", "archive", True),
        ("/archived/", "restore", True),
        ("/archived/", "trash", True),
        ("/archived/", "pin", False),
        ("/trash/", "restore", True),
    ],
)
def test_the_fragment_takes_out_the_row_or_shows_the_list_anew(alice, alice_client, session, at, action, gone):
    other = make_session(alice, "Other")
    for one in (session, other):
        if at == "/pinned/":
            update_session(actor=alice, session_id=one.pk, pinned=True)
        if at == "/archived/":
            archive_session(actor=alice, session_id=one.pk)
        if at == "/trash/":
            trash_session(actor=alice, session_id=one.pk)
    response = alice_client.post(ADDRESS, {action: str(session.pk), "next": at}, headers=htmx(at))
    assert response.status_code == 200
    assert "<html" not in html(response)
    assert (f'<li id="s-{session.pk}" hx-swap-oob="delete">' in html(response)) == gone
    assert ('<ul id="rows" class="rows" hx-swap-oob="true">' in html(response)) == (not gone)
    assert 'id="places" class="places" hx-swap-oob="true"' in html(response)
    assert 'hx-swap-oob="beforeend:#toasts"' in html(response)
    assert len(toasts(response)) == 1
    assert toasts(alice_client.get(at)) == [], "said once"


def test_pinning_shows_the_row_under_pinned(alice, alice_client, session, monkeypatch):
    noon = timezone.now().replace(hour=12)  # no midnight comes in between
    monkeypatch.setattr(timezone, "now", lambda: noon)
    make_session(alice, "Newer")
    response = alice_client.post(ADDRESS, {"pin": str(session.pk), "next": "/"}, headers=htmx())
    assert groups(response) == ["Pinned", "Today"]
    assert names(response) == ["Mosses", "Newer"]


@pytest.mark.parametrize(("shown", "rows"), [("120", 120), ("20", 50), ("9999", 130), ("x", 50), ("", 50), ("٣", 50)])
def test_a_list_shown_anew_is_as_long_as_it_was(alice, alice_client, shown, rows):
    first, *_ = make_rows(alice, 130)
    form = {"pin": str(first.pk), "next": "/", "shown": shown}
    assert len(names(alice_client.post(ADDRESS, form, headers=htmx()))) == rows


def test_a_selection(alice, alice_client):
    sessions = [make_session(alice, name) for name in "abc"]
    form = {"bulk": "archive", "id": [str(one.pk) for one in sessions[:2]], "next": "/"}
    page = alice_client.post(ADDRESS, form, follow=True)
    assert toasts(page) == ["Archived 2 sessions"]
    assert names(page) == ["c"]
    assert [now(one)[0] for one in sessions] == [Status.ARCHIVED, Status.ARCHIVED, Status.ACTIVE]


def test_a_rows_own_button_counts_before_the_selection(alice, alice_client, session):
    other = make_session(alice, "Other")
    form = {"archive": str(session.pk), "bulk": "trash", "id": [str(other.pk)], "next": "/"}
    alice_client.post(ADDRESS, form)
    assert now(session)[0] == Status.ARCHIVED
    assert now(other)[0] == Status.ACTIVE


def test_undo_takes_back_what_was_changed_and_no_more(alice, alice_client, session):
    pinned = make_session(alice, "Pinned before")
    update_session(actor=alice, session_id=pinned.pk, pinned=True)
    form = {"bulk": "pin", "id": [str(session.pk), str(pinned.pk)], "next": "/"}
    page = html(alice_client.post(ADDRESS, form, follow=True))
    undo = page[page.index('class="toast') :]
    assert str(session.pk) in undo
    assert str(pinned.pk) not in undo


def test_undo_of_restoring_brings_back_to_where_it_was(alice, alice_client, session):
    trash_session(actor=alice, session_id=session.pk)
    page = html(alice_client.post(ADDRESS, {"restore": str(session.pk), "next": "/trash/"}, follow=True))
    assert 'name="bulk" value="trash"' in page[page.index('class="toast') :]
    archive_session(actor=alice, session_id=session.pk)
    page = html(alice_client.post(ADDRESS, {"restore": str(session.pk), "next": "/archived/"}, follow=True))
    assert 'name="bulk" value="archive"' in page[page.index('class="toast') :]


def test_part_of_a_selection_may_be_refused(alice, alice_client, mallory, session):
    hers = make_session(mallory, "Hers")
    form = {"bulk": "trash", "id": [str(session.pk), str(hers.pk)], "next": "/"}
    page = alice_client.post(ADDRESS, form, follow=True)
    assert toasts(page)[0] == "Moved 1 session to the trash"
    assert toasts(page)[1].startswith("1 session stayed as before: There is no session with this id")
    assert now(hers)[0] == Status.ACTIVE


@pytest.mark.parametrize("action", ["pin", "unpin", "archive", "restore", "trash", "rename", "purge"])
def test_a_strangers_session_looks_like_none(mallory_client, session, action):
    response = mallory_client.post(ADDRESS, {action: str(session.pk)}, headers=htmx())
    assert response.status_code == 404
    assert "Mosses" not in html(response)
    unknown = mallory_client.post(ADDRESS, {action: str(uuid4())}, headers=htmx())
    assert unknown.status_code == 404
    assert now(session) == (Status.ACTIVE, False)


@pytest.mark.parametrize("value", ["", "x", "../../etc", "\x00", "1" * 40])
def test_what_is_no_id_is_not_found(alice_client, value):
    assert alice_client.post(ADDRESS, {"archive": value}).status_code == 404


@pytest.mark.parametrize("form", [{}, {"bulk": ""}, {"bulk": "explode"}, {"unknown": "x"}])
def test_an_unknown_action_is_refused(alice_client, session, form):
    response = alice_client.post(ADDRESS, form | {"id": str(session.pk)})
    assert response.status_code == 422
    assert now(session) == (Status.ACTIVE, False)


def test_an_empty_selection_is_said(alice_client, session):
    page = alice_client.post(ADDRESS, {"bulk": "archive", "next": "/"}, follow=True)
    assert toasts(page) == ["Nothing is selected. Tick the sessions first."]
    fragment = alice_client.post(ADDRESS, {"bulk": "archive", "next": "/"}, headers=htmx())
    assert toasts(fragment) == ["Nothing is selected. Tick the sessions first."]


def test_too_many_at_once_are_refused_whole(alice_client):
    form = {"bulk": "archive", "id": [str(uuid4()) for _ in range(MAX_SESSIONS + 1)]}
    response = alice_client.post(ADDRESS, form)
    assert response.status_code == 422
    assert f"at most {MAX_SESSIONS}" in html(response)


def test_needs_a_login_and_nothing_typed_is_lost(client, session):
    response = client.post(ADDRESS, {"archive": str(session.pk)})
    assert response.status_code == 303
    assert response["Location"] == "/sign-in/?next=%2F"
    response = client.post(ADDRESS, {"archive": str(session.pk)}, headers=htmx("/?sort=name"))
    assert response.status_code == 401
    assert "HX-Redirect" not in response
    assert "You have been signed out" in toasts(response)[0]
    assert "/sign-in/?next=%2F%3Fsort%3Dname" in html(response)
    assert "<form" not in html(response)
    assert now(session) == (Status.ACTIVE, False)


def test_is_post_alone(alice_client):
    response = alice_client.get(ADDRESS)
    assert response.status_code == 405
    assert response["Allow"] == "POST"


def test_needs_the_proof_of_origin(alice, session):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    response = client.post(ADDRESS, {"archive": str(session.pk)})
    assert response.status_code == 403
    assert "The form is out of date" in html(response)
    assert now(session) == (Status.ACTIVE, False)


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "", "evil"]
)
def test_next_stays_on_the_site(alice_client, session, elsewhere):
    response = alice_client.post(ADDRESS, {"archive": str(session.pk), "next": elsewhere})
    assert response["Location"] == "/"


def test_from_a_sessions_own_page(alice_client, session):
    page = f"/sessions/{session.pk}/"
    assert alice_client.post(ADDRESS, {"pin": str(session.pk), "next": page})["Location"] == page
    fragment = alice_client.post(ADDRESS, {"unpin": str(session.pk), "next": page}, headers=htmx(page))
    assert fragment["HX-Refresh"] == "true"
    assert alice_client.post(ADDRESS, {"trash": str(session.pk), "next": page})["Location"] == "/"


def test_rename_leads_to_the_form(alice_client, session):
    response = alice_client.post(ADDRESS, {"rename": str(session.pk), "next": "/?sort=name"})
    assert response["Location"] == f"/sessions/{session.pk}/rename/?next=%2F%3Fsort%3Dname"
    response = alice_client.post(ADDRESS, {"bulk": "rename", "id": str(session.pk), "next": "/"}, headers=htmx())
    assert response["HX-Retarget"] == f"#s-{session.pk}"
    assert response["HX-Reswap"] == "afterbegin"
    assert 'value="Mosses"' in html(response)


def test_hostile_names_stay_text_in_toasts(alice, alice_client):
    evil = "<img src=x onerror=alert(1)>"
    session = make_session(alice, evil)
    response = alice_client.post(ADDRESS, {"archive": str(session.pk), "next": "/"}, headers=htmx())
    assert toasts(response) == [f"Archived “{evil}”"]
    assert "<img" not in html(response)


def test_what_one_action_cannot_take_back_has_no_undo(alice, alice_client, session):
    trashed = make_session(alice, "Trashed")
    trash_session(actor=alice, session_id=trashed.pk)
    archive_session(actor=alice, session_id=session.pk)
    form = {"bulk": "restore", "id": [str(session.pk), str(trashed.pk)], "next": "/"}
    page = alice_client.post(ADDRESS, form, follow=True)
    assert toasts(page) == ["Restored 2 sessions"]
    assert "Undo" not in html(page)[html(page).index('class="toast') :]


def test_all_of_a_selection_may_be_refused(mallory_client, session):
    form = {"bulk": "archive", "id": [str(session.pk), str(uuid4())], "next": "/nowhere/"}
    response = mallory_client.post(ADDRESS, form)
    assert response["Location"] == "/nowhere/"
    assert toasts(mallory_client.get("/"))[0].startswith("2 sessions stayed as before")
    assert now(session)[0] == Status.ACTIVE
