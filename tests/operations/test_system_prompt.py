"""set_system_prompt and remove_system_prompt: message 0, without cutting anything."""

import pytest

from sessions.exceptions import Invalid, NoSystemPrompt, SessionNotActive, StaleVersion
from sessions.models import Reason, Session
from sessions.operations.editing import edit_message, remove_system_prompt, restore_revision, set_system_prompt
from sessions.operations.lifecycle import archive_session
from tests.factories import make_session
from tests.whole import assert_whole, transcript

pytestmark = pytest.mark.django_db


def test_set_moves_the_others_up(alice):
    session = make_session(alice, messages=3)
    changed = set_system_prompt(actor=alice, session_id=session.pk, content="Be brief.", source_file="brief.md")
    assert (changed.message_count, changed.version) == (4, 2)
    assert transcript(session) == ["Be brief.", "message 0", "message 1", "message 2"]
    prompt = session.messages.get(index=0)
    assert (prompt.role, prompt.source_file, prompt.author, prompt.edited_at) == ("system", "brief.md", alice, None)
    assert_whole(session)
    assert not session.revisions.exists()


def test_replacing_keeps_the_old_one(alice):
    session = make_session(alice, messages=2, system_prompt="Old", system_prompt_source_file="old.md")
    set_system_prompt(actor=alice, session_id=session.pk, content="New")
    assert transcript(session) == ["New", "message 0", "message 1"]
    assert session.messages.get(index=0).source_file == ""
    revision = session.revisions.get()
    assert (revision.reason, revision.first_index, revision.message_count) == (Reason.SYSTEM_PROMPT, 0, 1)
    assert revision.messages.get().content == "Old"
    restore_revision(actor=alice, session_id=session.pk, number=1)
    assert transcript(session) == ["Old", "message 0", "message 1"]
    assert session.messages.get(index=0).source_file == "old.md"
    assert session.revisions.get(number=2).messages.get().content == "New"


def test_remove_and_bring_back(alice):
    session = make_session(alice, messages=2, system_prompt="Be brief.")
    removed = remove_system_prompt(actor=alice, session_id=session.pk)
    assert (removed.message_count, removed.version) == (2, 2)
    assert transcript(session) == ["message 0", "message 1"]
    assert_whole(session)
    restore_revision(actor=alice, session_id=session.pk, number=1)
    assert transcript(session) == ["Be brief.", "message 0", "message 1"]
    assert_whole(session)


def test_a_session_of_nothing_but_a_prompt(alice):
    session = make_session(alice, system_prompt="Alone")
    remove_system_prompt(actor=alice, session_id=session.pk)
    assert transcript(session) == []
    set_system_prompt(actor=alice, session_id=session.pk, content="Again")
    assert transcript(session) == ["Again"]
    assert_whole(session)


def test_revisions_of_tails_follow_the_shift(alice):
    session = make_session(alice, messages=4)
    edit_message(actor=alice, session_id=session.pk, index=2, content="edited")
    set_system_prompt(actor=alice, session_id=session.pk, content="Prompt")
    assert session.revisions.get().first_index == 3
    restore_revision(actor=alice, session_id=session.pk, number=1)
    assert transcript(session) == ["Prompt", "message 0", "message 1", "message 2", "message 3"]
    remove_system_prompt(actor=alice, session_id=session.pk)
    assert transcript(session) == ["message 0", "message 1", "message 2", "message 3"]
    assert_whole(session)


def test_nothing_to_remove(alice):
    session = make_session(alice, messages=2)
    with pytest.raises(NoSystemPrompt):
        remove_system_prompt(actor=alice, session_id=session.pk)
    assert Session.objects.get().version == 1


def test_when_not(alice):
    session = make_session(alice, messages=1, system_prompt="Old")
    with pytest.raises(StaleVersion):
        set_system_prompt(actor=alice, session_id=session.pk, content="x", expected_version=5)
    with pytest.raises(StaleVersion):
        remove_system_prompt(actor=alice, session_id=session.pk, expected_version=5)
    with pytest.raises(Invalid):
        set_system_prompt(actor=alice, session_id=session.pk, content="x", source_file="x" * 1025)
    archive_session(actor=alice, session_id=session.pk)
    with pytest.raises(SessionNotActive):
        set_system_prompt(actor=alice, session_id=session.pk, content="x")
    with pytest.raises(SessionNotActive):
        remove_system_prompt(actor=alice, session_id=session.pk)
    assert transcript(session) == ["Old", "message 0"]
