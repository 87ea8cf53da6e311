"""Backups: what is refused, what can't be copied is told, and removals wait. The whole is in tests/reliability."""

import os
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from sessions.exceptions import BackupRefused
from sessions.models import Session, WorkspaceRemoval
from sessions.operations.backup.manifest import NAME, Manifest
from sessions.operations.backup.taking import take_backup
from sessions.operations.lifecycle import purge_session, trash_session
from sessions.operations.workspaces import retry_workspace_removals
from sessions.storage import removal_pause, workspaces
from tests.factories import make_session

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_is_in_it_and_what_is_not(alice, tmp_path):
    session, trashed, lost = make_session(alice), make_session(alice), make_session(alice)
    trash_session(actor=alice, session_id=trashed.pk)
    workspaces.remove(lost.pk)
    content = workspaces.workspace_path(session.pk) / "content"
    (content / "notes.txt").write_text("kept")
    (content / "link").symlink_to("/etc/passwd")
    (content / "empty").mkdir()
    os.utime(content / "notes.txt", (1_000_000, 1_000_000))
    os.mkfifo(content / "pipe")
    out, told = StringIO(), StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("backup", str(tmp_path / "b"), stdout=out, stderr=told)
    assert end.value.code == 2
    assert "3 sessions, 1 files" in out.getvalue()
    assert sorted(line.rpartition("/")[2] for line in told.getvalue().splitlines()) == [
        "pipe: left out, it can't be copied",
        f"workspace {lost.pk}: it was missing before (see `manage.py doctor`)",
    ]
    copy = tmp_path / "b" / "workspaces" / str(session.pk) / "content"
    assert ((copy / "notes.txt").read_text(), (copy / "notes.txt").stat().st_mtime) == ("kept", 1_000_000)
    assert os.readlink(copy / "link") == "/etc/passwd"
    assert (copy / "empty").is_dir()
    assert (tmp_path / "b" / "workspaces" / ".trash" / str(trashed.pk) / "content").is_dir()
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o700


def test_nothing_is_overwritten(alice, tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "somebodys").write_text("x")
    with pytest.raises(CommandError, match="isn't empty"):
        call_command("backup", str(tmp_path / "b"))
    take_backup(tmp_path / "c", version="1")
    with pytest.raises(CommandError, match="tables in the database already"):
        call_command("restore", str(tmp_path / "c"))
    assert Session.objects.count() == 0


def test_half_a_backup_is_not_restored(alice, tmp_path):
    make_session(alice)
    take_backup(tmp_path / "b", version="1")
    copied = tmp_path / "b" / max(Manifest.read(tmp_path / "b").sizes)
    copied.write_bytes(copied.read_bytes() + b"x")
    with pytest.raises(BackupRefused, match="damaged"):
        Manifest.read(tmp_path / "b")
    (tmp_path / "b" / NAME).unlink()
    with pytest.raises(CommandError, match="no whole backup"):
        call_command("restore", str(tmp_path / "b"))


def test_removals_wait_for_a_backup(alice):
    session = make_session(alice)
    with removal_pause.no_removals():
        purge_session(actor=alice, session_id=session.pk)
        assert workspaces.exists(session.pk)
        assert "A backup is being taken" in WorkspaceRemoval.objects.get().last_error
    assert retry_workspace_removals() == 1
    assert not workspaces.exists(session.pk)
