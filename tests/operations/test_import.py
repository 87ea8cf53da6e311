"""Importing: each session whole or not at all, nothing twice, times kept, everything told."""

import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from sessions.access import Actor
from sessions.exceptions import Invalid, NotAllowed, ReadOnlyToken, UnreadableFile
from sessions.models import Event, Import, ImportSource, Message, Scope, Session, Status
from sessions.operations.lifecycle import purge_session, trash_session
from sessions.operations.transcript import append_messages
from sessions.operations.transfer.importing import SourceFile, import_sessions
from sessions.operations.transfer.undoing import undo_import
from sessions.storage import workspaces
from tests.factories import make_session, user_message
from tests.formats.samples import MOCHI, as_json, as_lines, as_zip, claude_line, openwebui, simple_chatgpt

pytestmark = pytest.mark.django_db


def import_bytes(actor, *files: bytes, **options):
    """The report of importing files with these contents."""
    sources = [SourceFile(f"file {number}", io.BytesIO(data)) for number, data in enumerate(files)]
    return import_sessions(actor=actor, files=sources, **options)


def test_a_session_with_everything(alice):
    chat = openwebui(
        {
            "1": {"parentId": None, "role": "user", "content": "Rain?", "timestamp": 1_700_000_001},
            "2": {
                "parentId": "1",
                "role": "assistant",
                "model": "llama3",
                "content": "No.",
                "timestamp": 1_700_000_002,
            },
        },
        "2",
        archived=True,
        meta={"tags": ["Botany", "a,b", "", "x" * 300]},
    )
    report = import_bytes(alice, as_json([chat]))
    assert (report.created, report.messages, report.files) == (1, 2, [{"name": "file 0", "format": "openwebui"}])
    session = Session.objects.get(pk=report.sessions[0].session_id)
    assert (session.owner, session.name, session.model, session.preview) == (alice, "Lichen", "llama3", "Rain?")
    assert (session.status, session.pinned, session.message_count) == (Status.ARCHIVED, True, 2)
    assert session.created_at == datetime.fromtimestamp(1_700_000_000, UTC)
    assert session.updated_at == session.archived_at == datetime.fromtimestamp(1_700_000_050, UTC)
    assert sorted(session.tags.values_list("name", flat=True)) == ["a b", "botany", "x" * 100]
    question, answer = Message.objects.of(session.pk)
    assert (question.index, question.role, question.content, question.author) == (0, "user", "Rain?", alice)
    assert (answer.index, answer.model, answer.author) == (1, "llama3", None)
    assert answer.created_at == datetime.fromtimestamp(1_700_000_002, UTC)
    assert (workspaces.workspace_path(session.pk) / "content").is_dir()
    (event,) = Event.objects.filter(session_id=session.pk)
    assert (event.verb, event.actor, event.detail["source"]) == ("imported", alice, "openwebui")
    batch = Import.objects.get(pk=report.import_id)
    assert (batch.session_count, batch.message_count, batch.report["created"]) == (1, 2, 1)
    assert batch.finished_at


def test_again_makes_no_doubles_for_anybody_but_others(alice, mallory):
    data = as_json([simple_chatgpt(1), simple_chatgpt(2)])
    assert import_bytes(alice, data).created == 2
    again = import_bytes(alice, data, as_json([simple_chatgpt(3)]))
    assert (again.created, again.skipped) == (1, 2)
    assert {found.name for found in again.already_there} == {"Chat 1", "Chat 2"}
    assert import_bytes(mallory, data).created == 2
    nothing_new = import_bytes(alice, data)
    assert (nothing_new.created, nothing_new.skipped, nothing_new.import_id) == (0, 2, None)
    assert Import.objects.filter(owner=alice).count() == 2, "an import that made nothing leaves no row"
    assert Session.objects.filter(owner=alice).count() == 3


def test_what_is_purged_may_come_again_and_what_is_in_the_trash_is_there(alice):
    data = as_json(MOCHI)
    session_id = import_bytes(alice, data).sessions[0].session_id
    trash_session(actor=alice, session_id=session_id)
    (found,) = import_bytes(alice, data).already_there
    assert (found.session_id, found.in_trash) == (session_id, True)
    purge_session(actor=alice, session_id=session_id)
    assert import_bytes(alice, data).created == 1


def test_one_bad_session_among_many_is_told_with_its_place(alice):
    bad = simple_chatgpt(2)
    bad["mapping"]["a"]["message"]["content"]["parts"] = ["x" * (17 * 2**20)]
    empty = simple_chatgpt(4, mapping={})
    report = import_bytes(alice, as_json([simple_chatgpt(1), bad, {"title": "No"}, empty, simple_chatgpt(5)]))
    assert (report.created, report.failed) == (2, 3)
    assert [failure.place for failure in report.failures] == ["file 0 [1]", "file 0 [2]", "file 0 [3]"]
    assert "messages[1]" in report.failures[0].message
    assert Session.objects.count() == ImportSource.objects.count() == 2
    assert len(list(workspaces.root().iterdir())) == 2, "nothing is left of the bad one"
    assert Message.objects.count() == 4


def test_nothing_to_import_raises_why(alice):
    with pytest.raises(UnreadableFile, match="no messages"):
        import_bytes(alice, as_json([{"title": "No", "mapping": None}]))
    with pytest.raises(UnreadableFile, match="None of these") as caught:
        import_bytes(alice, as_json([{"mapping": 1}, {"mapping": 2}]))
    assert [place for place, _ in caught.value.errors] == ["file 0 [0]", "file 0 [1]"]
    with pytest.raises(UnreadableFile):
        import_bytes(alice, b"nonsense")
    assert not Import.objects.exists()


def test_new_name_is_for_a_single_session(alice):
    report = import_bytes(alice, as_json(MOCHI), new_name="  Mine  ")
    assert report.sessions[0].name == "Mine"
    with pytest.raises(Invalid, match="new_name"):
        import_bytes(alice, as_json([simple_chatgpt(1), simple_chatgpt(2)]), new_name="Mine")
    assert Session.objects.count() == 1


def test_without_a_title_it_is_called_after_the_first_question(alice):
    import_bytes(alice, as_json(MOCHI))
    session = Session.objects.get()
    assert (session.name, session.name_is_automatic) == ("Hello", True)
    assert session.updated_at == datetime(2024, 1, 1, 10, 5, tzinfo=UTC)


def test_a_zip_of_several_files_and_of_chatgpt(alice):
    chats = as_zip({"user.json": b"{}", "conversations.json": as_json([simple_chatgpt(1)]), "chat.html": b"<html>"})
    assert import_bytes(alice, chats).files == [{"name": "file 0 conversations.json", "format": "chatgpt"}]
    several = as_zip({"a/x.json": as_json(MOCHI), "b.jsonl": as_lines(claude_line("user", "Q", 1)), "c.json": b"{}"})
    report = import_bytes(alice, several)
    assert (report.created, report.failed) == (2, 1)
    assert report.failures[0].place == "file 0 c.json"


def test_a_dry_run_stores_nothing(alice):
    import_bytes(alice, as_json([simple_chatgpt(1)]))
    report = import_bytes(alice, as_json([simple_chatgpt(1), simple_chatgpt(2)]), dry_run=True)
    assert (report.created, report.skipped, report.messages, report.import_id) == (1, 1, 2, None)
    assert Session.objects.count() == 1


def test_times_of_the_future_are_not_believed(alice):
    import_bytes(alice, as_json([simple_chatgpt(1, create_time=9e10, update_time=9e10)]))
    session = Session.objects.get()
    assert session.created_at <= timezone.now()
    assert session.updated_at <= timezone.now()


def test_undo_purges_what_nobody_touched_and_trashes_the_rest(alice):
    report = import_bytes(alice, as_json([simple_chatgpt(1), simple_chatgpt(2)]))
    first, second = (found.session_id for found in report.sessions)
    append_messages(actor=alice, session_id=second, messages=[user_message()])
    other = make_session(alice)
    undone = undo_import(actor=alice, import_id=report.import_id)
    assert (undone.purged, undone.trashed) == (1, 1)
    assert not Session.objects.filter(pk=first).exists()
    assert Session.objects.get(pk=second).status == Status.DELETED
    assert Session.objects.get(pk=other.pk).status == Status.ACTIVE
    assert undo_import(actor=alice, import_id=report.import_id) == type(undone)(0, 0), "twice does no more"
    assert import_bytes(alice, as_json([simple_chatgpt(1)])).created == 1


def test_tokens_that_may_not(alice):
    actor = Actor.of(alice)
    with pytest.raises(ReadOnlyToken):
        import_bytes(replace(actor, scope=Scope.READ), as_json(MOCHI))
    with pytest.raises(NotAllowed):
        import_bytes(replace(actor, only_session=make_session(alice).pk), as_json(MOCHI))
