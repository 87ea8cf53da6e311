"""fork_session: a session goes on from one of its messages, elsewhere."""

import os

import pytest

from sessions.exceptions import MessageNotFound, NotAUserMessage, SessionNotFound, StaleVersion
from sessions.models import Event, Lineage, LineageKind, Message, Session, SessionTag
from sessions.operations.editing import edit_message
from sessions.operations.lifecycle import archive_session, purge_session, trash_session
from sessions.operations.restructure.forking import fork_session
from sessions.operations.transcript import append_messages
from sessions.storage.workspaces import INDEX, workspace_path
from tests.factories import assistant_message, make_session, user_message
from tests.whole import assert_counts_right, assert_in_place, assert_whole, transcript

pytestmark = pytest.mark.django_db(transaction=True)


def origins(session: Session) -> list[tuple]:
    return list(Message.objects.of(session.pk).values_list("origin_session", "origin_index"))


def files(session: Session) -> dict[str, bytes]:
    """Every file of the workspace by its path."""
    root = workspace_path(session.pk)
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def session(alice) -> Session:
    made = make_session(
        alice, messages=6, tags=["b", "a"], model="m", metadata={"k": 1}, description="About mosses", ttl_seconds=60
    )
    content = workspace_path(made.pk) / "content"
    (content / "notes").mkdir()
    (content / "notes" / "one.txt").write_bytes(b"one")
    (content / "empty").mkdir()
    return made


def test_up_to_a_message(alice, session):
    fork = fork_session(actor=alice, session_id=session.short_id, at_index=2)
    assert transcript(fork) == ["message 0", "message 1", "message 2"]
    assert (fork.name, fork.preview, fork.message_count, fork.version) == (
        "Mosses of the north (fork)",
        "message 0",
        3,
        1,
    )
    assert (fork.model, fork.metadata, fork.description, fork.ttl_seconds) == ("m", {"k": 1}, "About mosses", 60)
    assert origins(fork) == [(session.pk, index) for index in range(3)]
    assert set(SessionTag.objects.filter(session=fork).values_list("tag__name", flat=True)) == {"a", "b"}
    assert files(fork) == {"content/notes/one.txt": b"one"}
    assert (workspace_path(fork.pk) / "content" / "empty").is_dir()
    lineage = Lineage.objects.get()
    assert (lineage.parent, lineage.child, lineage.kind) == (session, fork, LineageKind.FORK)
    assert set(Event.objects.filter(verb="forked").values_list("session_id", flat=True)) == {session.pk, fork.pk}
    for one in (session, fork):
        assert_whole(one)
        assert_in_place(one)
    assert_counts_right()
    assert Session.objects.get(pk=session.pk).version == session.version


def test_a_fork_of_a_fork_keeps_the_first_origin(alice, session):
    fork = fork_session(actor=alice, session_id=session.pk, name="One")
    append_messages(actor=alice, session_id=fork.pk, messages=[user_message("new")])
    second = fork_session(actor=alice, session_id=fork.pk, name="Two")
    purge_session(actor=alice, session_id=fork.pk)
    assert origins(second) == [*((session.pk, index) for index in range(6)), (fork.pk, 6)]
    assert Lineage.objects.get(child=second).parent_id == fork.pk
    assert not Lineage.objects.filter(child_id=fork.pk).exists()


def test_what_stays_behind(alice, session, tmp_path):
    """Links lead out, a FIFO would hang, an index names another place, an upload isn't done."""
    place = workspace_path(session.pk)
    (place / "content" / "out").symlink_to(tmp_path)
    (place / "content" / "passwd").symlink_to("/etc/passwd")
    os.mkfifo(place / "content" / "pipe")
    (place / INDEX).mkdir()
    (place / INDEX / "config.json").write_text(str(place))
    (place / ".upload-1").write_text("half")
    fork = fork_session(actor=alice, session_id=session.pk)
    assert files(fork) == {"content/notes/one.txt": b"one"}
    assert not (workspace_path(fork.pk) / INDEX).exists()
    bare = fork_session(actor=alice, session_id=session.pk, files=False)
    assert files(bare) == {}
    assert_in_place(bare)


def test_an_archived_one_and_an_empty_one(alice, session):
    archive_session(actor=alice, session_id=session.pk)
    fork = fork_session(actor=alice, session_id=session.pk, name="Alive")
    assert (fork.name, fork.status) == ("Alive", "active")
    empty = make_session(alice, "x" * 255)
    fork = fork_session(actor=alice, session_id=empty.pk)
    assert (len(fork.name), fork.name[-8:], fork.message_count) == (255, "… (fork)", 0)


def test_refusals_leave_nothing(alice, mallory, session, workspace_root):
    trashed = make_session(alice)
    trash_session(actor=alice, session_id=trashed.pk)
    before = set(Session.objects.values_list("pk", flat=True))
    for problem, values in (
        (SessionNotFound, {"actor": mallory}),
        (SessionNotFound, {"session_id": trashed.pk}),
        (MessageNotFound, {"at_index": 6}),
        (StaleVersion, {"expected_version": 9}),
    ):
        with pytest.raises(problem):
            fork_session(**({"actor": alice, "session_id": session.pk} | values))
    assert set(Session.objects.values_list("pk", flat=True)) == before
    assert list((workspace_root / ".staging").iterdir()) == []
    assert Lineage.objects.count() == 0


def test_edit_in_a_fork(alice, session):
    fork = fork_session(actor=alice, session_id=session.pk, at_index=2, content="other")
    assert transcript(fork) == ["message 0", "message 1", "other"]
    assert len(transcript(session)) == 6
    assert_whole(fork)
    assert [kept.message_count for kept in fork.revisions.all()] == [1]
    with pytest.raises(NotAUserMessage):
        fork_session(actor=alice, session_id=session.pk, at_index=1, content="other")
    assert Session.objects.count() == 2


def test_the_summary_tells_of_the_whole(alice, session):
    Session.objects.filter(pk=session.pk).update(summary="All of it", summary_model="m")
    assert fork_session(actor=alice, session_id=session.pk).summary == "All of it"
    assert fork_session(actor=alice, session_id=session.pk, at_index=1).summary is None


def test_messages_come_whole(alice):
    said = [
        user_message("q", metadata={"a": [1]}),
        assistant_message("", tool_calls=[{"id": "1"}], thinking="hm", model="m"),
    ]
    session = make_session(alice, messages=said)
    edit_message(actor=alice, session_id=session.pk, index=0, content="q2")
    append_messages(actor=alice, session_id=session.pk, messages=said[1:])
    fork = fork_session(actor=alice, session_id=session.pk)
    columns = (
        "index",
        "role",
        "content",
        "created_at",
        "edited_at",
        "author",
        "model",
        "thinking",
        "tool_calls",
        "metadata",
    )
    rows = [list(Message.objects.of(one.pk).values_list(*columns)) for one in (session, fork)]
    assert rows[0] == rows[1]
    assert fork.revisions.count() == 0
