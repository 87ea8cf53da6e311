"""A backup is taken while four writers append and others make, delete and trash sessions; restored, it is whole."""

import json
import subprocess
import sys
import threading
from pathlib import Path

from sessions.storage.workspaces import TRASH
from tests.reliability.server import PROJECT, Server, new_database, wait_until
from tests.reliability.writers import Writers, in_order

_LOOK = """
import json
from django.core.management import call_command
from sessions.models import Message, Session, SessionCount, Job
from sessions.operations.sessions import create_session
from django.contrib.auth.models import User
try:
    call_command("doctor")
except SystemExit:
    pass
new = create_session(actor=User.objects.get(), name="A new one", messages=())
print(json.dumps([[str(s.pk), s.name, s.status, list(Message.objects.of(s.pk).values_list("content", flat=True))]
                  for s in Session.objects.exclude(pk=new.pk)]))
"""


class Changing:
    """Makes, trashes and deletes sessions until it is told to stop."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._change)
        self.rounds = 0

    def __enter__(self) -> "Changing":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(300)

    def _change(self) -> None:
        client = self._server.client()
        while not self._stop.is_set():
            kept, trashed, gone = (client.new_session(name=name) for name in ("kept", "trashed", "gone"))
            for session_id in (kept, trashed, gone):
                client.request("PUT", f"/api/v1/sessions/{session_id}/files/content/n.txt", session_id)
            client.request("DELETE", f"/api/v1/sessions/{trashed}")
            client.request("DELETE", f"/api/v1/sessions/{gone}?permanent=true")
            self.rounds += 1


def manage(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a management command in an environment."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def test_taken_under_writers_and_restored_elsewhere(own_server, tmp_path):
    own_server.start()
    session_id = own_server.client().new_session(name="Written to")
    writers, backup = Writers(own_server, session_id, 4), tmp_path / "backup"
    before = []

    def take():
        wait_until(lambda: writers.count() >= 20 and changing.rounds, what="all of them get on")
        before.append([list(own) for own in writers.acknowledged])
        own_server.manage("backup", str(backup))

    with Changing(own_server) as changing:
        writers.run_until(take)
    own_server.kill()
    assert writers.refused == []
    elsewhere = own_server.environment | {
        "RESEARCHMIND_DATA_DIR": str(tmp_path / "elsewhere"),
        "DATABASE_URL": new_database(),
    }
    restored = manage(elsewhere, "restore", str(backup))
    assert restored.returncode == 0, restored.stderr
    looked = manage(elsewhere, "shell", "-v", "0", "-c", _LOOK)
    said, _, listed = looked.stdout.strip().rpartition("\n")
    assert said == "0 differences.", looked.stdout + looked.stderr
    sessions = json.loads(listed)
    transcript = next(contents for pk, _, _, contents in sessions if pk == session_id)
    assert in_order(transcript)
    for own in before[0]:
        assert set(own) <= set(transcript), "what was acknowledged before is there"
    assert len({name for _, name, _, _ in sessions}) > 1
    check_files(tmp_path / "elsewhere" / "workspaces", sessions)


def check_files(root: Path, sessions: list[tuple[str, str, str, list[str]]]) -> None:
    """Each session has its directory in its place, and files that are there hold what was written."""
    for pk, _, status, _ in sessions:
        place = root / TRASH / pk if status == "deleted" else root / pk
        assert (place / "content").is_dir()
        for file in (place / "content").iterdir():
            assert pk in file.read_text()
