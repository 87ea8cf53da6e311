"""Export, purge, import: the session is as it was, to the byte. And whatever the operations can make survives."""

import io
import os
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.formats import researchmind
from sessions.formats.document import Document
from sessions.models import Event, Message, ModelUsage, ProcessingStats, Revision, Role, Session, SessionTag
from sessions.models.statistics import read_statistics
from sessions.models.transcript_page import read_messages
from sessions.models.vector_rows import read_collection
from sessions.operations.editing import edit_message, set_system_prompt
from sessions.operations.lifecycle import archive_session, purge_session, trash_session
from sessions.operations.restructure.forking import fork_session
from sessions.operations.restructure.merging import merge_sessions
from sessions.operations.runs import answers, artifacts, clarifications, phases, reports, tasks
from sessions.operations.sessions import create_session, update_session
from sessions.operations.sharing import share_session
from sessions.operations.statistics import add_statistics, note_model_use
from sessions.operations.transcript import NewMessage
from sessions.operations.transfer.exporting import export_session, export_sessions
from sessions.operations.transfer.importing import SourceFile, import_sessions
from sessions.operations.transfer.progress import progress_of
from sessions.operations.vectors.copying import each_point
from sessions.operations.vectors.points import put_points
from sessions.operations.vectors.values import NewPoint
from sessions.storage import workspaces
from tests.factories import LONG_AGO, assistant_message, make_session, user_message
from tests.formats.reading import read_one

pytestmark = pytest.mark.django_db(transaction=True)
NOT_COMPARED = {"id", "version", "last_accessed"}


def exported(actor, session, form="researchmind") -> bytes:
    """The bytes of an export."""
    return b"".join(export_session(actor=actor, session_id=session.pk, format=form).chunks)


def imported(actor, data: bytes) -> Session:
    """The session that a file becomes."""
    report = import_sessions(actor=actor, files=[SourceFile("f", io.BytesIO(data))])
    assert (report.created, report.failures) == (1, [])
    return Session.objects.get(pk=report.sessions[0].session_id)


def state(session: Session) -> dict:
    """All of a session but for what its new row has of its own."""
    row = Session.objects.values().get(pk=session.pk)
    messages = [
        {
            key: orjson.loads(orjson.dumps(value)) if key in ("metadata", "tool_calls") else value
            for key, value in found.items()
        }
        for found in read_messages(session.pk, limit=10_000)
    ]
    return {
        "session": {key: value for key, value in row.items() if key not in NOT_COMPARED},
        "messages": [{key: value for key, value in message.items() if key != "id"} for message in messages],
        "revisions": [_revision(found) for found in Revision.objects.filter(session=session).order_by("number")],
        "vectors": _vectors(session),
        "statistics": _statistics(session),
        "tags": sorted(SessionTag.objects.filter(session=session).values_list("tag__name", flat=True)),
    }


def _statistics(session: Session) -> tuple:
    """All that the statistics say, as they are kept too. What they say of vectors is compared with these."""
    found = read_statistics(session.pk)
    counted = list(ProcessingStats.objects.filter(pk=session.pk).values_list()[:1])
    used = ModelUsage.objects.filter(session=session).order_by("kind", "name")
    columns = ("kind", "name", "uses", "switches", "first_used_at", "last_used_at")
    return replace(found, collection=None), [row[1:] for row in counted], list(used.values_list(*columns))


def _vectors(session: Session) -> tuple | None:
    """The collection with its points, to the byte."""
    found = read_collection(session.pk)
    return found and (found.size, found.distance, list(each_point(found)))


def _revision(found: Revision) -> tuple:
    """A revision with its messages."""
    columns = ("role", "content", "created_at", "edited_at", "author_id", "metadata", "tool_calls")
    kept = list(found.messages.order_by("position").values_list("position", *columns))
    return found.number, found.first_index, found.message_count, found.reason, found.created_at, found.actor_id, kept


def events(session_id) -> list[tuple]:
    """A session's history."""
    rows = Event.objects.filter(session_id=session_id).order_by("id")
    return [(row.verb, row.at, row.actor_name, row.token_name, row.detail) for row in rows]


def tree(root: Path) -> dict[bytes, bytes | None]:
    """Every file of a directory with its content; None for a directory."""
    found: dict[bytes, bytes | None] = {}
    for folder, folders, names in os.walk(os.fsencode(root)):
        for name in folders + names:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, os.fsencode(root))] = (
                None if name in folders else Path(os.fsdecode(path)).read_bytes()
            )
    return found


@pytest.fixture
def rich(alice) -> Session:
    """A session with all that there is."""
    session = create_session(
        actor=alice,
        name="Ünïcode ☃ name",
        description="Described",
        tags=["botany", "north"],
        model="qwen3:14b",
        summary={"summary": "s", "topics": ["a"]},
        metadata={"n": 1.5, "deep": {"list": [1, None, "x"]}},
        tool_settings={"tools": ["a"], "tool_policies": {"x": "y"}},
        configuration={"llm_model": "m"},
        phase="execution",
        system_prompt="Be brief.",
        system_prompt_source_file="brief.md",
        messages=[
            user_message("Question\n\n```\ncode\n```", created_at=LONG_AGO, metadata={"a": [1]}),
            assistant_message(
                "", thinking="Hm", model="m", tool_calls=[{"id": "k", "name": "t", "arguments": {}}], eval_count=2**40
            ),
            NewMessage(role="tool", content="result", tool_name="t", tool_call_id="k"),
            user_message("Last", created_at=datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        ],
    )
    update_session(actor=alice, session_id=session.pk, pinned=True)
    edit_message(actor=alice, session_id=session.pk, index=4, content="Last, but better")
    content = workspaces.workspace_path(session.pk) / "content"
    (content / "data").mkdir()
    (content / "empty").mkdir()
    (content / "data" / "big.bin").write_bytes(os.urandom(300_000) + bytes(3_000_000))
    for name in ("A.txt", "a.txt", "-rf", "back\\slash", "naïve ☃", "$(id)", ".hidden", "C:"):
        (content / name).write_text(name)
    Path(os.fsdecode(os.fsencode(content) + b"/\xff\xfe.bin")).write_bytes(b"odd")
    (content / "empty.txt").touch()
    points = [NewPoint(number, [0.1, 1 / 3, number / 7, -1e-20], {"n": number, "ü": [1.5, None]}) for number in (2, 1)]
    put_points(actor=alice, session_id=session.pk, points=[*points, NewPoint(UUID(int=5), [0, 0, 1, 0])])
    add_statistics(actor=alice, session_id=session.pk, counts={"urls_processed": 3, "embeddings_created": 2**31 - 1})
    for name in ("m", "n", "m"):
        note_model_use(actor=alice, session_id=session.pk, kind="llm", name=name)
    note_model_use(actor=alice, session_id=session.pk, kind="embedding", name="m")
    return archive_session(actor=alice, session_id=session.pk)


def test_the_archive_brings_everything_back(alice, rich, tmp_path):
    outside = tmp_path / "secret"
    outside.write_text("secret")
    workspace = workspaces.workspace_path(rich.pk)
    before_files, before, history = tree(workspace), state(rich), events(rich.pk)
    (workspace / "content" / "link").symlink_to(outside)
    (workspace / "content" / "folder").symlink_to(tmp_path)
    os.mkfifo(workspace / "content" / "pipe")
    (workspace / ".mcp-vector-search").mkdir()
    data = exported(alice, rich)
    assert b"secret" not in data
    manifest = orjson.loads(zipfile.ZipFile(io.BytesIO(data)).read("manifest.json"))
    assert manifest["left_out"] == {"link": 2, "special": 1}
    purge_session(actor=alice, session_id=rich.pk)
    back = imported(alice, data)
    assert state(back) == before
    assert tree(workspaces.workspace_path(back.pk)) == before_files
    *found, last = events(back.pk)
    assert found == history
    assert last[0] == "imported"
    assert back.pk != rich.pk
    assert not any((workspaces.root() / ".staging").iterdir())


def test_the_history_of_everything_comes_along(alice, vera, rich):
    """Whichever operation wrote an event: the history is the same, and the copy has one line more."""
    session = fork_session(actor=alice, session_id=rich.pk)
    who = {"actor": alice, "session_id": session.pk}
    share_session(**who, usernames=[vera.username], role="viewer")
    add_statistics(**who, counts={"clusters_generated": 1})
    phases.set_phase(**who, phase="execution")
    merge_sessions(actor=alice, source_session_ids=[session.pk, rich.pk], archive_sources=False, vectors=False)
    edit_message(**who, index=1, content="Again")
    trash_session(**who)
    before, statistics = events(session.pk), _statistics(session)
    assert {"forked", "shared", "merged", "edited", "trashed", "statistics_added"} <= {event[0] for event in before}
    data = b"".join(export_sessions(actor=alice, session_ids=None).chunks)
    purge_session(**who)
    purge_session(actor=alice, session_id=rich.pk)
    import_sessions(actor=alice, files=[SourceFile("all.zip", io.BytesIO(data))])
    back = Session.objects.get(name=session.name)
    assert events(back.pk)[:-1] == before
    assert _statistics(back)[1:] == statistics[1:]


def run_of(session: Session) -> dict:
    """All that a session's run has told."""
    found = progress_of(session.pk)
    assert found is not None
    found["logs"] = list(found["logs"])
    return found | {"state": Session.objects.get(pk=session.pk).run.state}


def test_the_run_comes_along(alice):
    session = make_session(alice)
    who = {"actor": alice, "session_id": session.pk}
    phases.set_phase(**who, phase="execution")
    answers.add_answer(**who, question_id="scope", answer={"regions": ["Alps", None]}, current_question_index=3)
    artifacts.set_artifact(**who, kind="concept", data=[1, {"x": "y"}])
    artifacts.set_artifact(**who, kind="concept", path="content/concept.md")
    tasks.set_tasks(**who, tasks=[tasks.NewTask("1", "Gather", "completed"), tasks.NewTask("2", "Read", "active")])
    reports.add_error(**who, error_message="Lost the thread", task_id="2")
    reports.add_logs(**who, lines=[reports.NewLine("one"), reports.NewLine("two")])
    clarifications.ask(**who, question="Which region?", options=["Alps", "Jura"])
    clarifications.answer_clarification(**who, answer="Jura")
    clarifications.ask(**who, question="Sure?")
    before = run_of(session)
    assert before["state"] == "waiting"
    data = exported(alice, session)
    purge_session(actor=alice, session_id=session.pk)
    back = imported(alice, data)
    assert run_of(back) == before
    phases.abort_run(actor=alice, session_id=back.pk)


def test_a_run_that_does_not_fit_its_tables_comes_as_far_as_it_does(alice, alice_client):
    session = make_session(alice)
    phases.set_phase(actor=alice, session_id=session.pk, phase="execution")
    progress = {
        "run": {"version": -5, "started_at": "yesterday", "is_aborted": "no"},
        "phases": [{"phase": "lunch", "entered_at": "2026-01-01T00:00:00Z"}, 7],
        "tasks": [
            {"task_id": "1", "position": 0, "status": "active"},
            {"task_id": "2", "position": 1, "status": "active"},
            {"task_id": "1", "position": 2, "status": "pending"},
            {"task_id": "a/b", "position": 3, "status": "pending"},
            {"task_id": "4", "position": 10**15, "status": "pending"},
        ],
        "artifacts": [{"kind": "x", "version": 1, "path": "../../etc/passwd", "created_at": "2026-01-01T00:00:00Z"}],
        "clarifications": [{"question": "?", "options": [[]], "asked_at": "2026-01-01T00:00:00Z"}],
        "logs": {"message": "not a list"},
    }
    document = Document("researchmind", "other", name="N", phase="execution", progress=progress)
    back = imported(alice, b"".join(researchmind.write(document)))
    found = run_of(back)
    assert [task["task_id"] for task in found["tasks"]] == ["1"]
    assert (found["state"], found["phases"], found["artifacts"], found["clarifications"]) == ("going", [], [], [])
    assert alice_client.get(f"/sessions/{back.pk}/").status_code == 200


def test_everything_of_an_owner_trash_included(alice, mallory, rich):
    make_session(mallory, "Not Alice's")
    plain = make_session(alice, "Plain", messages=3)
    trashed = make_session(alice, "Trashed", messages=1)
    (workspaces.workspace_path(trashed.pk) / "content" / "kept.txt").write_text("kept")
    trash_session(actor=alice, session_id=trashed.pk)
    before = {session.name: state(session) for session in (rich, plain, trashed)}
    data = b"".join(export_sessions(actor=alice).chunks)
    for session in (rich, plain, trashed):
        purge_session(actor=alice, session_id=session.pk)
    report = import_sessions(actor=alice, files=[SourceFile("all.zip", io.BytesIO(data))])
    assert (report.created, report.failures) == (3, [])
    assert {session.name: state(session) for session in Session.objects.filter(owner=alice)} == before
    back = Session.objects.get(name="Trashed")
    assert (workspaces.trashed_path(back.pk) / "content" / "kept.txt").read_text() == "kept"
    assert not workspaces.workspace_path(back.pk).exists()


def test_names_in_a_file_prove_nothing(alice, mallory):
    data = exported(alice, make_session(alice, messages=2))
    back = imported(mallory, data)
    assert back.owner == mallory
    assert not Message.objects.filter(session=back, author__isnull=False).exists()
    assert {event.actor for event in Event.objects.filter(session_id=back.pk)} == {None, mallory}


def test_events_of_a_file_that_would_break_their_readers_are_left_out(alice, alice_client):
    session = make_session(alice)
    odd = [
        {"verb": "appended", "messages": "many"},
        {"verb": "updated", "fields": [[1]]},
        {"verb": "tagged", "tags": 5},
    ]
    for detail in odd:
        row = {"verb": detail.pop("verb"), "detail": detail, "actor_name": "alice", "session_id": session.pk}
        Event.objects.bulk_create([Event(**row)])
    data = exported(alice, session)
    purge_session(actor=alice, session_id=session.pk)
    back = imported(alice, data)
    assert [found[0] for found in events(back.pk)] == ["created", "imported"]
    assert "imported it from ResearchMind" in alice_client.get(f"/sessions/{back.pk}/").content.decode()


def test_markdown_is_for_reading(alice, rich):
    text = exported(alice, rich, "markdown").decode()
    assert text.startswith('---\ntitle: "Ünïcode ☃ name"\n')
    assert "\n## 1. User · alice · 2026-01-02 03:04:05 UTC\n" in text
    assert "**Calls `t`**" in text
    assert "> **Thinking**\n>\n> Hm" in text


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
COUNTS = st.none() | st.integers(0, 2**63 - 1)
TIMES = st.datetimes(datetime(1970, 1, 2), datetime(2026, 1, 1), timezones=st.just(UTC))
MESSAGES = st.builds(
    NewMessage,
    role=st.sampled_from(Role.values),
    content=TEXT,
    created_at=TIMES,
    model=TEXT,
    thinking=TEXT,
    tool_name=TEXT,
    tool_calls=st.none() | st.lists(st.dictionaries(TEXT, JSON, max_size=2), max_size=2),
    tool_call_id=TEXT,
    source_file=TEXT,
    prompt_eval_count=COUNTS,
    eval_count=COUNTS,
    metadata=st.dictionaries(TEXT, JSON, max_size=3),
)
VISIBLE = TEXT.filter(lambda text: text.strip())
SESSIONS = st.fixed_dictionaries(
    {"name": VISIBLE, "messages": st.lists(MESSAGES, max_size=5)},
    optional={
        "description": TEXT,
        "tags": st.lists(VISIBLE.filter(lambda text: "," not in text), max_size=3),
        "model": TEXT,
        "metadata": st.dictionaries(TEXT, JSON, max_size=3),
        "summary": st.none() | TEXT | st.fixed_dictionaries({"summary": TEXT}),
        "tool_settings": st.fixed_dictionaries({"tools": st.lists(TEXT, max_size=2)}),
        "context_window_config": st.dictionaries(TEXT, JSON, max_size=2),
        "system_prompt": TEXT,
    },
)
OF_MOCHI = {
    "system": ("role", "content", "created_at", "source_file"),
    "user": ("role", "content", "created_at"),
    "assistant": (
        "role",
        "content",
        "created_at",
        "model",
        "thinking",
        "eval_count",
        "prompt_eval_count",
        "tool_calls",
    ),
    "tool": ("role", "content", "created_at", "tool_name", "tool_call_id"),
}


@settings(max_examples=25)
@given(fields=SESSIONS)
def test_any_session_survives_every_format_that_goes_both_ways(alice, fields):
    session = create_session(actor=alice, **fields)
    before = state(session)
    files = {form: exported(alice, session, form) for form in ("researchmind", "json", "mochi", "markdown")}
    purge_session(actor=alice, session_id=session.pk)
    for form in ("researchmind", "json"):
        back = imported(alice, files[form])
        assert state(back) == before, form
        purge_session(actor=alice, session_id=back.pk)
    document, messages = read_one(files["mochi"], "mochi")
    for message, kept in zip(messages, before["messages"], strict=True):
        for name in OF_MOCHI[kept["role"]]:
            value = kept[name]
            assert getattr(message, name) == (None if value == [] else value), name
    assert document.context_window_config == before["session"]["context_window_config"]
    assert files["markdown"].decode()


def test_the_snapshot_is_of_one_moment(alice):
    session = make_session(alice, messages=1_000)
    chunks = export_session(actor=alice, session_id=session.pk, format="json").chunks
    next(chunks)
    set_system_prompt(actor=alice, session_id=session.pk, content="In between")
    edit_message(actor=alice, session_id=session.pk, index=1, content="Cut")
    rest = b"".join(chunks)
    assert rest.count(b'"role"') == 1_000
    assert b"In between" not in rest
