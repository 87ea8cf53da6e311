"""People and links in the panel, what is shared with one, and what each role is offered."""

import re

import pytest
from django.test import Client

from sessions.models import Membership, Session, ShareLink
from sessions.operations.lifecycle import archive_session, trash_session
from tests.factories import make_session, share
from tests.statements import assert_statements
from tests.views.pages import HTMX, html, names, toasts

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(alice, bob, vera) -> Session:
    """Alice's session, which Bob edits and Vera views."""
    return share(make_session(alice, "Lichens", messages=4, tags=["moss"], phase="idea"), editor=bob, viewer=vera)


def address(session: Session, part: str = "") -> str:
    return f"/sessions/{session.pk}/{part}"


def roles(session: Session) -> dict[str, str]:
    return dict(Membership.objects.filter(session=session).values_list("user__username", "role"))


def test_sharing_changing_and_taking_back(alice, bob, alice_client):
    session = make_session(alice, "Lichens")
    people = address(session, "people/")
    assert alice_client.post(people, {"username": " bob ", "role": "editor"}).status_code == 303
    panel = html(alice_client.post(people, {"username": "bob", "role": "viewer"}, headers=HTMX))
    assert roles(session) == {"bob": "viewer"}
    assert '<option value="viewer" selected>' in panel
    for wrong in ("nobody", "alice", ""):
        refused = alice_client.post(people, {"username": wrong, "role": "editor"}, headers=HTMX)
        assert refused.status_code == 422
        assert 'id="people-error"' in html(refused)
        assert f'value="{wrong}"' in html(refused), "what was typed stays"
    assert alice_client.post(people, {"username": "nobody"}).status_code == 422, "without JavaScript too"
    alice_client.post(people, {"remove": bob.pk})
    assert roles(session) == {}


def test_a_link_s_address_is_shown_once(session, alice_client):
    made = html(alice_client.post(address(session, "links/"), {"days": "1", "files": "yes"}, headers=HTMX))
    path = re.search(r"http://testserver(/shared/[^<]+)", made)[1]
    assert Client().get(path).status_code == 200
    link = ShareLink.objects.get()
    assert link.include_files
    assert (link.expires_at - link.created_at).total_seconds() == pytest.approx(86_400, abs=60)
    page = html(alice_client.get(address(session)))
    assert "/shared/" not in page
    assert "Public link with files" in page
    assert "/shared/" in html(alice_client.post(address(session, "links/"), {"days": ""})), "without JavaScript too"
    revoked = alice_client.post(address(session, "links/"), {"revoke": link.pk}, headers=HTMX)
    assert toasts(revoked) == ["Revoked the link. It leads nowhere any more."]
    assert Client().get(path).status_code == 404
    assert alice_client.post(address(session, "links/"), {"days": "9999999"}, headers=HTMX).status_code == 422


def test_leaving(session, vera_client, mallory_client):
    answer = vera_client.post(address(session, "leave/"), follow=True)
    assert roles(session) == {"bob": "editor"}
    assert toasts(answer) == ["You left “Lichens”."]
    assert vera_client.get(address(session)).status_code == 404


@pytest.mark.parametrize("status", ["active", "archived"])
def test_nobody_is_offered_what_they_may_not(session, alice, alice_client, bob_client, vera_client, status):
    if status == "archived":
        archive_session(actor=alice, session_id=session.pk)
    offers = {
        "textarea": 'id="content"', "rename": 'id="rename"', "tag": 'id="add-tag"', "edit": "/edit/",
        "prompt": "/system-prompt/", "stop": "/run/stop/", "upload": 'type="file"', "archive": 'name="archive"',
        "restore": 'name="restore"', "trash": 'name="trash"', "pin": 'name="pin"', "expiry": 'name="ttl_seconds"',
        "purge": "/sessions/delete/", "share": 'name="username"', "link": 'name="days"', "leave": "/leave/",
    }  # fmt: skip

    def offered(client) -> set[str]:
        page = html(client.get(address(session)))
        return {name for name, mark in offers.items() if mark in page}

    written = {"textarea", "edit", "prompt", "stop", "upload"} if status == "active" else set()
    kept = {"archive" if status == "active" else "restore", "trash", "pin", "expiry", "purge", "share", "link"}
    assert offered(alice_client) == written | kept | {"rename", "tag"}
    assert offered(bob_client) == written | {"rename", "tag", "leave"}
    assert offered(vera_client) == {"leave"}


def test_an_editor_changes_details_and_leaves_the_expiry(session, bob_client):
    Session.objects.filter(pk=session.pk).update(ttl_seconds=60)
    assert bob_client.post(address(session, "details/"), {"description": "Better", "model": ""}).status_code == 303
    session.refresh_from_db()
    assert (session.description, session.ttl_seconds) == ("Better", 60)


def test_shared_with_me(session, alice, bob, bob_client, alice_client, mallory_client):
    make_session(bob, "Mine")
    old = share(make_session(alice, "Old"), viewer=bob)
    archive_session(actor=alice, session_id=old.pk)
    trash_session(actor=alice, session_id=share(make_session(alice, "Gone"), viewer=bob).pk)
    page = bob_client.get("/shared-with-me/")
    assert sorted(names(page)) == ["Lichens", "Old"]
    assert 'title="Shared by alice">alice<' in html(page)
    assert 'name="archive"' not in html(page)
    assert "Shared with me<b>2</b>" in html(page)
    assert names(bob_client.get("/")) == ["Mine"]
    assert names(bob_client.get("/shared-with-me/", {"q": "lich"})) == ["Lichens"]
    assert names(bob_client.get("/shared-with-me/", {"tag": "moss"})) == ["Lichens"]
    assert 'title="Shared with bob, vera">bob, vera<' in html(alice_client.get("/"))
    assert "Nobody shares with you yet" in html(mallory_client.get("/shared-with-me/"))


def test_few_statements(session, alice, bob, bob_client):
    bob_client.get("/shared-with-me/")
    with assert_statements(at_most=6) as few:
        bob_client.get("/shared-with-me/")
    for number in range(20):
        share(make_session(alice, f"Session {number}"), viewer=bob)
    with assert_statements(exactly=len(few)):
        bob_client.get("/shared-with-me/")
    bob_client.get(address(session))
    with assert_statements(at_most=8):
        bob_client.get(address(session))


def test_the_palette_offers_what_one_may(session, bob_client, vera_client):
    asked = HTMX | {"HX-Current-URL": f"http://testserver{address(session)}"}
    assert "Lichens" in html(vera_client.get("/palette/", {"q": "lich"}, headers=HTMX))
    assert "Rename this session" in html(bob_client.get("/palette/", headers=asked))
    for client in (bob_client, vera_client):
        assert "Archive this session" not in html(client.get("/palette/", headers=asked))
