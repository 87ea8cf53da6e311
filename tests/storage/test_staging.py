"""Workspaces in the making, and reading all files of one."""

import fcntl
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from uuid import uuid4

import pytest

from sessions.exceptions import UnsafeArchive
from sessions.storage import held, inventory, workspaces
from sessions.storage.reading import workspace_files
from sessions.storage.staging import MAKING, STAGING, remove_abandoned, staged_workspace


def staged() -> list[str]:
    """What lies in the staging directory."""
    return os.listdir(workspaces.root() / STAGING)


def test_it_is_there_as_a_whole_or_not_at_all():
    session_id = uuid4()
    with staged_workspace() as workspace:
        workspace.add_file(b"content/a/b.txt", [b"one ", b"two"])
        workspace.add_directory(b"content/empty")
        assert not workspaces.exists(session_id)
        workspace.settle(session_id, in_trash=False)
    path = workspaces.workspace_path(session_id)
    assert (path / "content" / "a" / "b.txt").read_bytes() == b"one two"
    assert (path / "content" / "empty").is_dir()
    assert (path.stat().st_mode & 0o777, (path / "content" / "a" / "b.txt").stat().st_mode & 0o777) == (0o700, 0o600)
    with staged_workspace() as workspace:
        workspace.add_file(b"content/x", [b"x"])
        assert len(staged()) == 1
    assert staged() == []


@pytest.mark.parametrize("path", [b"content", b"content/a", b"content/a/b", b"content/a/b/c", b"/".join([b"x"] * 120)])
def test_nothing_is_written_over(path):
    with staged_workspace() as workspace:
        workspace.add_file(b"content/a", [b"first"])
        with pytest.raises(UnsafeArchive, match="in its way"):
            workspace.add_file(path, [b"second"])


def test_what_a_killed_import_left_goes_after_a_day_and_what_is_under_way_stays():
    with staged_workspace():
        killed = workspaces.root() / STAGING / "killed"
        killed.mkdir()
        (killed / MAKING).touch()
        assert remove_abandoned() == 0
        old = time.time() - 25 * 3600
        for name in staged():
            os.utime(workspaces.root() / STAGING / name, (old, old))
        assert remove_abandoned() == 1
        assert "killed" not in staged()
        assert len(staged()) == 1
    assert staged() == []


@pytest.mark.parametrize("kind", ["staged", "held"])
def test_what_is_just_being_begun_is_not_abandoned(kind, monkeypatch):
    """Somebody looks between the directory and its mark, or before the mark is locked."""
    lock, asked = fcntl.flock, []
    monkeypatch.setattr(inventory, "YOUNG_SECONDS", 0.0)  # however long it takes

    def look() -> list[object]:
        return list(inventory.abandoned_staging()) if kind == "staged" else held.abandoned()

    def held_up(descriptor: int, how: int) -> None:
        if threading.current_thread() is threading.main_thread() and how & fcntl.LOCK_EX and not asked:
            asked.append(beside.submit(look))
            wait([asked[0]], 0.3)  # who looks waits for us
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", held_up)
    with ThreadPoolExecutor(1) as beside, staged_workspace() if kind == "staged" else held.being_held(uuid4(), []):
        assert asked[0].result(60) == []


def test_files_are_read_without_following_a_link(tmp_path):
    session_id = uuid4()
    content = workspaces.create(session_id) / "content"
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (content / "b").mkdir()
    (content / "b" / "file").write_text("text")
    (content / "a-link").symlink_to(outside)
    (content / "c-link").symlink_to(outside / "secret")
    os.mkfifo(content / "pipe")
    (content / "empty").mkdir()
    (workspaces.workspace_path(session_id) / ".mcp-vector-search").mkdir()
    found = [(each.path, each.size, each.left_out) for each in workspace_files(session_id)]
    assert found == [
        (b"content/a-link", 0, "link"),
        (b"content/b/file", 4, ""),
        (b"content/c-link", 0, "link"),
        (b"content/empty", 0, ""),
        (b"content/pipe", 0, "special"),
    ]
    workspaces.workspace_path(session_id).rename(outside / "moved")
    workspaces.workspace_path(session_id).symlink_to(outside / "moved")
    assert list(workspace_files(session_id)) == []
