"""Sharing: who is in a session, what they may do from then on, and links for everybody."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from sessions.access import Actor
from sessions.exceptions import (
    Invalid,
    LinkNotFound,
    MemberNotFound,
    ReadOnlyToken,
    RoleTooLow,
    SessionNotFound,
    StaleVersion,
)
from sessions.models import Event, Membership, Message, Session, ShareLink
from sessions.operations import sharing
from sessions.operations.editing import edit_message
from sessions.operations.files import put_file
from sessions.operations.lifecycle import archive_session, purge_session, restore_session, trash_session
from sessions.operations.runs.reports import NewLine, add_logs
from sessions.operations.runs.tasks import NewTask, set_tasks
from sessions.operations.sessions import update_session
from sessions.operations.sharing import make_link, remove_member, revoke_link, share_session
from sessions.operations.transcript import append_messages
from tests.factories import make_session, share, user_message

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(alice, bob, vera) -> Session:
    """Alice's session, which Bob edits and Vera views."""
    return share(make_session(alice, messages=3), editor=bob, viewer=vera)


def roles(session: Session) -> dict[str, str]:
    return {member.user.username: member.role for member in Membership.objects.of(session.pk)}


def events(session: Session, verb: str) -> list[dict]:
    return list(Event.objects.filter(session_id=session.pk, verb=verb).order_by("id").values_list("detail", flat=True))


def append(actor, session):
    return append_messages(actor=actor, session_id=session.pk, messages=[user_message("mine")])


WRITES = {
    "append": append,
    "edit": lambda actor, session: edit_message(actor=actor, session_id=session.pk, index=0, content="x"),
    "rename": lambda actor, session: update_session(actor=actor, session_id=session.pk, name="Renamed"),
    "tag": lambda actor, session: update_session(actor=actor, session_id=session.pk, tags=["mine"]),
    "log": lambda actor, session: add_logs(actor=actor, session_id=session.pk, lines=[NewLine("x")]),
    "tasks": lambda actor, session: set_tasks(actor=actor, session_id=session.pk, tasks=[NewTask("a")]),
    "file": lambda actor, session: put_file(
        actor=actor, session_id=session.pk, path="content/a", blocks=[b"a"], size=1
    ),
}
OWNING = {
    "archive": lambda actor, session: archive_session(actor=actor, session_id=session.pk),
    "trash": lambda actor, session: trash_session(actor=actor, session_id=session.pk),
    "purge": lambda actor, session: purge_session(actor=actor, session_id=session.pk),
    "restore": lambda actor, session: restore_session(actor=actor, session_id=session.pk),
    "pin": lambda actor, session: update_session(actor=actor, session_id=session.pk, pinned=True),
    "expiry": lambda actor, session: update_session(actor=actor, session_id=session.pk, ttl_seconds=60),
    "share": lambda actor, session: share_session(
        actor=actor, session_id=session.pk, role="editor", usernames=["vera"]
    ),
    "link": lambda actor, session: make_link(actor=actor, session_id=session.pk),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_editors_write_and_viewers_and_strangers_do_not(session, bob, vera, mallory, write):
    session.refresh_from_db()
    for who, refusal in ((vera, RoleTooLow), (mallory, SessionNotFound)):
        with pytest.raises(refusal):
            write(who, session)
    assert Session.objects.get(pk=session.pk).version == session.version
    write(bob, session)
    remove_member(actor=session.owner, session_id=session.pk, user_id=bob.pk)
    with pytest.raises(SessionNotFound):
        write(bob, session)


@pytest.mark.parametrize("own", OWNING.values(), ids=OWNING)
def test_only_the_owner_archives_deletes_and_shares(session, alice, bob, vera, mallory, own):
    for who, refusal in ((bob, RoleTooLow), (vera, RoleTooLow), (mallory, SessionNotFound)):
        with pytest.raises(refusal):
            own(who, session)
    own(alice, session)


def test_demoting_counts_at_once(session, alice, bob):
    append(bob, session)
    share(session, viewer=bob)
    with pytest.raises(RoleTooLow):
        append(bob, session)
    assert events(session, "role_changed") == [
        {"user_id": bob.pk, "username": "bob", "role": "viewer", "before": "editor"}
    ]


def test_what_an_editor_writes_is_theirs_and_tags_are_the_owner_s(session, alice, bob):
    append(bob, session)
    assert Message.objects.get(session=session, index=3).author == bob
    update_session(actor=bob, session_id=session.pk, tags=["Moss"])
    assert [(tag.name, tag.owner) for tag in Session.objects.get(pk=session.pk).tags.all()] == [("moss", alice)]


def test_sharing_moves_the_version_and_not_the_time(alice, bob):
    session = make_session(alice)
    shared = share_session(actor=alice, session_id=session.pk, role="viewer", user_ids=[bob.pk], expected_version=1)
    assert (shared.version, shared.updated_at) == (2, session.updated_at)
    share_session(actor=alice, session_id=session.pk, role="viewer", usernames=["bob"])
    assert Session.objects.get(pk=session.pk).version == 2, "nothing new"
    with pytest.raises(StaleVersion):
        share_session(actor=alice, session_id=session.pk, role="editor", user_ids=[bob.pk], expected_version=1)
    assert roles(session) == {"bob": "viewer"}
    assert events(session, "shared") == [{"user_id": bob.pk, "username": "bob", "role": "viewer"}]


@pytest.mark.parametrize("names", [["bob", "nobody"], ["bob", "dora"], ["bob", "alice"], [], ["bob", ""]])
def test_all_of_them_or_none(alice, bob, names):
    User.objects.create_user("dora", is_active=False)
    session = make_session(alice)
    with pytest.raises(Invalid) as refused:
        share_session(actor=alice, session_id=session.pk, role="viewer", usernames=names)
    assert refused.value.errors
    assert roles(session) == {}


def test_unknown_roles_and_too_many_people(alice, bob, vera, monkeypatch):
    session = make_session(alice)
    with pytest.raises(Invalid, match="role"):
        share_session(actor=alice, session_id=session.pk, role="owner", usernames=["bob"])
    monkeypatch.setattr(sharing, "MAX_MEMBERS", 1)
    with pytest.raises(Invalid, match="Too many"):
        share_session(actor=alice, session_id=session.pk, role="viewer", usernames=["bob", "vera"])


def test_leaving_and_being_taken_out(session, alice, bob, vera, mallory):
    with pytest.raises(RoleTooLow):
        remove_member(actor=vera, session_id=session.pk, user_id=bob.pk)
    with pytest.raises(ReadOnlyToken):
        remove_member(actor=Actor(vera.pk, "vera", scope="read"), session_id=session.pk, user_id=vera.pk)
    remove_member(actor=vera, session_id=session.pk, user_id=vera.pk)
    remove_member(actor=alice, session_id=session.pk, user_id=bob.pk)
    assert roles(session) == {}
    assert [event["username"] for event in events(session, "left") + events(session, "unshared")] == ["vera", "bob"]
    for who, user in ((alice, bob), (alice, alice), (alice, mallory)):
        with pytest.raises(MemberNotFound):
            remove_member(actor=who, session_id=session.pk, user_id=user.pk)
    with pytest.raises(SessionNotFound):
        remove_member(actor=bob, session_id=session.pk, user_id=bob.pk)


def test_what_is_in_the_trash_is_its_owner_s_alone(session, alice, bob):
    trash_session(actor=alice, session_id=session.pk)
    for act in (restore_session, purge_session):
        with pytest.raises(SessionNotFound):
            act(actor=bob, session_id=session.pk)
    restore_session(actor=alice, session_id=session.pk)
    append(bob, session)


def test_a_link_opens_until_it_is_revoked_expires_or_its_session_goes(session, alice):
    link, secret = make_link(actor=alice, session_id=session.pk, expires_at=timezone.now() + timedelta(hours=1))
    assert secret not in str(ShareLink.objects.values())
    assert sharing.linked_session(secret)[0] == session
    archive_session(actor=alice, session_id=session.pk)
    sharing.linked_session(secret)
    for change, undo in (
        (
            lambda: trash_session(actor=alice, session_id=session.pk),
            lambda: restore_session(actor=alice, session_id=session.pk),
        ),
        (lambda: User.objects.filter(pk=alice.pk).update(is_active=False), lambda: User.objects.update(is_active=True)),
        (
            lambda: ShareLink.objects.update(expires_at=timezone.now()),
            lambda: ShareLink.objects.update(expires_at=None),
        ),
    ):
        change()
        with pytest.raises(LinkNotFound):
            sharing.linked_session(secret)
        undo()
        sharing.linked_session(secret)
    revoke_link(actor=alice, session_id=session.pk, link_id=link.pk)
    for wrong in (secret, secret[:-1], "", "é"):
        with pytest.raises(LinkNotFound):
            sharing.linked_session(wrong)
    with pytest.raises(LinkNotFound):
        revoke_link(actor=alice, session_id=session.pk, link_id=link.pk)
    made, gone = events(session, "link_created"), events(session, "link_revoked")
    assert (made, gone) == ([{"link_id": link.pk, "include_files": False}], [{"link_id": link.pk}])


def test_links_that_can_not_be(session, alice, monkeypatch):
    with pytest.raises(Invalid, match="past"):
        make_link(actor=alice, session_id=session.pk, expires_at=timezone.now())
    monkeypatch.setattr(sharing, "MAX_LINKS", 0)
    with pytest.raises(Invalid, match="Too many"):
        make_link(actor=alice, session_id=session.pk)


def test_another_session_s_link_is_none_of_this_one(session, alice):
    link, _ = make_link(actor=alice, session_id=make_session(alice).pk)
    with pytest.raises(LinkNotFound):
        revoke_link(actor=alice, session_id=session.pk, link_id=link.pk)


@pytest.mark.parametrize("gone", ["session", "sessions", "owner", "member"])
def test_nothing_is_left_of_it(session, alice, bob, gone):
    make_link(actor=alice, session_id=session.pk)
    if gone == "session":
        purge_session(actor=alice, session_id=session.pk)
    elif gone == "sessions":
        Session.objects.all().delete()
    else:
        {"owner": alice, "member": bob}[gone].delete()
    if gone == "member":
        assert roles(session) == {"vera": "viewer"}
    else:
        assert (Membership.objects.count(), ShareLink.objects.count()) == (0, 0)


def test_a_rolled_back_share_leaves_nothing(session, alice, mallory):
    before = Event.objects.count()
    with transaction.atomic():
        share_session(actor=alice, session_id=session.pk, role="viewer", usernames=["mallory"])
        transaction.set_rollback(True)
    assert (roles(session), Event.objects.count()) == ({"bob": "editor", "vera": "viewer"}, before)
