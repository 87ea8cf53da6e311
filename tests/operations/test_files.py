"""put_file and remove_file while something else happens to their session."""

import os

import pytest

from sessions.exceptions import FileNotFound, SessionNotActive, SessionNotFound
from sessions.models import Event, Verb
from sessions.operations.files import put_file, remove_file
from sessions.operations.lifecycle import archive_session, purge_session, restore_session, trash_session
from sessions.operations.sharing import remove_member
from sessions.storage.workspaces import trashed_path, workspace_path
from tests.factories import make_session, share
from tests.together import behind

pytestmark = pytest.mark.django_db(transaction=True)


def take_out(*, actor, session_id):
    (member,) = actor.research_sessions.get().memberships.all()
    remove_member(actor=actor, session_id=session_id, user_id=member.user_id)


@pytest.mark.parametrize(
    ("happens", "refusal"),
    [
        (archive_session, SessionNotActive),
        (trash_session, SessionNotFound),
        (purge_session, SessionNotFound),
        (take_out, SessionNotFound),
    ],
)
def test_an_upload_is_refused_by_what_happened_while_it_came(alice, bob, happens, refusal):
    session = share(make_session(alice), editor=bob)

    def blocks():
        yield b"he"
        happens(actor=alice, session_id=session.pk)
        yield b"llo"

    with pytest.raises(refusal):
        put_file(actor=bob, session_id=session.pk, path="content/late", blocks=blocks(), size=5)
    assert not Event.objects.filter(session_id=session.pk, verb=Verb.FILE_PUT).exists()
    for place in (workspace_path(session.pk), trashed_path(session.pk)):
        assert [name for _, _, names in os.walk(place) for name in names] == []


@pytest.mark.parametrize("happens", [trash_session, take_out])
def test_a_removal_is_refused_by_what_happened_while_it_waited(alice, bob, happens):
    session = share(make_session(alice), editor=bob)
    put_file(actor=alice, session_id=session.pk, path="content/a", blocks=[b"hello"], size=5)
    with pytest.raises((SessionNotFound, FileNotFound)):  # the trash may have its files a moment before it is told so
        behind(
            lambda: happens(actor=alice, session_id=session.pk),
            lambda: remove_file(actor=bob, session_id=session.pk, path="content/a"),
        )
    restore_session(actor=alice, session_id=session.pk)
    assert (workspace_path(session.pk) / "content" / "a").read_bytes() == b"hello"
    assert os.listdir(workspace_path(session.pk)) == ["content"]
    assert not Event.objects.filter(session_id=session.pk, verb=Verb.FILE_REMOVED).exists()
