"""A merge whose process is killed at some point of it: after `doctor --repair` all of it is there, or nothing."""

import json

import pytest

from tests.reliability.server import Server

_PREPARE = """
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from sessions.operations.loading import SessionDraft, load_sessions
from sessions.operations.transcript import NewMessage
from sessions.models import Session
from sessions.operations.statistics import add_statistics, note_model_use
from sessions.storage.workspaces import workspace_path
alice, begun = User.objects.get(username="alice"), timezone.now() - timedelta(days=9)
def draft(name, place):
    said = (
        NewMessage(
            role="assistant", content=f"{name} {number}", model="m", eval_count=1,
            created_at=begun + timedelta(seconds=3 * number + place),
        )
        for number in range(MESSAGES)
    )
    return SessionDraft(created_at=begun, name=name, messages=said)
for _ in load_sessions(actor=alice, drafts=[draft(name, place) for place, name in enumerate("abc")]):
    pass
for session in Session.objects.all():
    for number in range(4):
        (workspace_path(session.pk) / "content" / f"{number}.bin").write_bytes(bytes(100_000))
    add_statistics(actor=alice, session_id=session.pk, counts={"urls_processed": 5, "embeddings_created": 7})
    note_model_use(actor=alice, session_id=session.pk, kind="embedding", name="nomic")
"""
# Each point: what is called, the how manyeth call, and whether the process dies before or after it.
_MERGE = """
import json, os, signal
from importlib import import_module
from django.contrib.auth.models import User
from django.core.management import call_command
from sessions.models import Event, Lineage, Message, ModelUsage, ProcessingStats, Session
from sessions.models.statistics import read_statistics
from sessions.operations.restructure import merging
from sessions.storage.workspaces import root
from tests.reliability.killed import in_a_child
def merge(path, nth, when):
    module, _, name = path.partition(":")
    holder = import_module(module)
    *owners, name = name.split(".")
    for owner in owners:
        holder = getattr(holder, owner)
    whole, calls = getattr(holder, name), []
    def dying(*args, **values):
        calls.append(1)
        if len(calls) == nth and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = whole(*args, **values)
        if len(calls) == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(holder, name, dying)
    sources = Session.objects.filter(name__in="abc").order_by("name").values_list("pk", flat=True)
    merging.merge_sessions(
        actor=User.objects.get(username="alice"),
        source_session_ids=list(sources),
        target_name="All",
        order=merging.Order.TIME,
    )
def look():
    call_command("doctor", repair=True, verbosity=0)
    merged = Session.objects.filter(name="All").first()
    texts = list(Message.objects.of(merged.pk).values_list("content", flat=True)) if merged else []
    places = {str(pk): name for pk, name in Session.objects.values_list("pk", "name")}
    origins = [f"{places[str(pk)]} {number}" for pk, number in Message.objects.of(merged.pk).values_list(
        "origin_session", "origin_index")] if merged else []
    told = read_statistics(merged.pk) if merged else None
    files = sorted(path.name for path in (root() / str(merged.pk)).rglob("*.bin")) if merged else []
    print(json.dumps({
        "texts": texts,
        "origins": origins,
        "statistics": told and [
            told.counters["urls_processed"], told.counters["embeddings_created"], told.answer_tokens,
            {usage.name: usage.uses for usage in told.usage},
        ],
        "counted": [ProcessingStats.objects.count(), ModelUsage.objects.count()],
        "files": len(files),
        "lineage": Lineage.objects.count(),
        "events": Event.objects.filter(verb="merged").count(),
        "statuses": sorted(Session.objects.filter(name__in="abc").values_list("status", flat=True)),
        "messages": Message.objects.count(),
        "directories": len([path for path in root().iterdir() if not path.name.startswith(".")]),
    }))
    return 0
for point in POINTS:
    assert in_a_child(lambda: merge(*point)) == -signal.SIGKILL, point
    assert in_a_child(look) == 0, point
"""
_HALF_OF_THE_FILES = ("sessions.storage.staging:StagedWorkspace.add_file", 6, "after")
_ROWS_WRITTEN = ("sessions.operations.restructure.merging:note_lineage", 1, "after")
_IN_PLACE_NOT_COMMITTED = ("sessions.storage.staging:StagedWorkspace.settle", 1, "after")
_COMMITTED = ("sessions.operations.workspaces:finish", 1, "before")
_MORE = [
    ("sessions.storage.staging:StagedWorkspace.make", 1, "after"),
    ("sessions.storage.staging:StagedWorkspace.flush", 1, "after"),
    ("sessions.operations.restructure.merging:copy_interleaved", 1, "after"),
    ("sessions.operations.restructure.merging:insert_session", 1, "after"),
    ("sessions.operations.restructure.merging:archive_session", 2, "after"),
    ("sessions.storage.staging:StagedWorkspace.settle", 1, "before"),
]


def killed_at(server: Server, points: list[tuple[str, int, str]]) -> list[dict]:
    """Merge in processes that die at these points; return what is left after a repair of each."""
    said = server.manage("shell", "-v", "0", "-c", f"POINTS = {points!r}\n{_MERGE}")
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]  # after what the doctor says


_FEW = [_HALF_OF_THE_FILES, _IN_PLACE_NOT_COMMITTED]


@pytest.mark.parametrize(
    ("messages", "points"),
    [(300, _FEW), pytest.param(10_000, [*_FEW, _ROWS_WRITTEN, *_MORE], marks=pytest.mark.soak)],
)
def test_a_merge_that_is_killed(tmp_path, messages, points):
    server = Server(tmp_path)
    server.manage("shell", "-v", "0", "-c", f"MESSAGES = {messages}\n{_PREPARE}")
    nothing = {
        "texts": [], "origins": [], "statistics": None, "counted": [3, 3], "files": 0, "lineage": 0, "events": 0,
        "statuses": ["active"] * 3, "messages": 3 * messages, "directories": 3,
    }  # fmt: skip
    *unfinished, found = killed_at(server, [*points, _COMMITTED])
    for point, left in zip(points, unfinished, strict=True):
        assert left == nothing, point
    assert found["texts"] == found["origins"] == [f"{name} {number}" for number in range(messages) for name in "abc"]
    assert found["statistics"] == [15, 21, 3 * messages, {"m": 3 * messages, "nomic": 3}]
    assert found["counted"] == [4, 4]
    assert (found["files"], found["lineage"], found["events"], found["directories"]) == (12, 3, 4, 4)
    assert (found["statuses"], found["messages"]) == (["archived"] * 3, 6 * messages)
