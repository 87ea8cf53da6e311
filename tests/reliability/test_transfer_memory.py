"""A large session goes out and comes back whole, and memory doesn't grow with its size."""

import hashlib
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from sessions.models import Message, Session
from sessions.operations.lifecycle import purge_session
from sessions.operations.loading import SessionDraft, load_sessions
from sessions.operations.transcript import NewMessage
from sessions.operations.transfer.exporting import export_session
from sessions.operations.transfer.importing import SourceFile, import_sessions
from sessions.storage.workspaces import workspace_path
from tests.factories import LONG_AGO

pytestmark = pytest.mark.django_db(transaction=True)
MIB = 2**20
SMALL = (2_500, 48)  # messages, MiB of files


@pytest.mark.parametrize(
    ("messages", "mebibytes", "allowed"),
    [(*SMALL, 24 * MIB), pytest.param(100_000, 1024, 100 * MIB, marks=pytest.mark.soak)],
)
def test_memory_does_not_grow_with_a_session(
    alice: User, tmp_path: Path, request: pytest.FixtureRequest, messages, mebibytes, allowed
):
    session = _large(alice, messages, mebibytes)
    before = _digest(session)
    archive = tmp_path / "session.zip"
    tracemalloc.start()
    request.addfinalizer(tracemalloc.stop)
    with archive.open("wb") as file:
        for chunk in export_session(actor=alice, session_id=session.pk).chunks:
            file.write(chunk)
    assert tracemalloc.get_traced_memory()[1] < allowed
    purge_session(actor=alice, session_id=session.pk)
    tracemalloc.reset_peak()
    with archive.open("rb") as file:
        report = import_sessions(actor=alice, files=[SourceFile("session.zip", file)])
    assert tracemalloc.get_traced_memory()[1] < allowed
    back = Session.objects.get(pk=report.sessions[0].session_id)
    assert back.message_count == messages
    assert _digest(back) == before


def _large(owner: User, messages: int, mebibytes: int) -> Session:
    said = (
        NewMessage(role=("user", "assistant")[number % 2], content=f"message {number} " * 40, created_at=LONG_AGO)
        for number in range(messages)
    )
    for _ in load_sessions(actor=owner, drafts=[SessionDraft(created_at=LONG_AGO, messages=said, name="Large")]):
        pass
    session = Session.objects.get(name="Large")
    block = os.urandom(MIB)
    with (workspace_path(session.pk) / "content" / "large.bin").open("wb") as file:
        for _ in range(mebibytes):
            file.write(block)
    return session


def _digest(session: Session) -> str:
    digest = hashlib.sha256()
    for row in _rows(session):
        digest.update(repr(row).encode())
    with (workspace_path(session.pk) / "content" / "large.bin").open("rb") as file:
        digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _rows(session: Session) -> Iterator[tuple]:
    columns = ("index", "role", "content", "created_at", "author__username")
    for start in range(0, session.message_count, 1_000):
        yield from Message.objects.of(session.pk).filter(index__gte=start)[:1_000].values_list(*columns)
