"""Workspace directories: where they are, what the disk says of them, and that no link is followed."""

import os
import socket
import time
from uuid import UUID, uuid4

import pytest

from sessions.exceptions import StorageError
from sessions.storage import workspaces
from sessions.storage.workspaces import WorkspaceState, state


@pytest.fixture
def session_id() -> UUID:
    """A session with a workspace."""
    session_id = uuid4()
    workspaces.create(session_id)
    return session_id


@pytest.fixture
def path(session_id):
    """Its workspace."""
    return workspaces.workspace_path(session_id)


@pytest.fixture
def outside(tmp_path):
    """A directory with an index and three files, not to be seen through a link."""
    place = tmp_path / "outside"
    (place / ".mcp-vector-search").mkdir(parents=True)
    (place / "content").mkdir()
    for number in range(3):
        (place / "content" / str(number)).write_text("kept")
    return place


def settled(directory):
    """A time at which the directory's last change is long ago: change times can't be set, so the clock is."""
    return directory.stat().st_ctime_ns + workspaces._States.SETTLED_NS + 1


def test_paths_are_derived(workspace_root):
    one = UUID("11111111-2222-4333-8444-555555555555")
    assert workspaces.workspace_path(one) == workspace_root / "11111111-2222-4333-8444-555555555555"
    assert workspaces.trashed_path(one) == workspace_root / ".trash" / "11111111-2222-4333-8444-555555555555"


def test_empty_and_missing(session_id):
    assert state(session_id) == WorkspaceState(is_indexed=False, content_count=0)
    assert state(uuid4()) == WorkspaceState(is_indexed=False, content_count=0)


def test_index_and_entries(session_id, path):
    (path / ".mcp-vector-search").mkdir()
    for name in ("a", ".hidden", "b\n"):
        (path / "content" / name).write_text("x")
    (path / "content" / "directory" / "inner").mkdir(parents=True)
    (path / "beside content").write_text("x")
    assert state(session_id) == WorkspaceState(is_indexed=True, content_count=4)
    assert state(str(session_id)) == state(session_id)


def test_asked_of_the_disk_each_time(session_id, path):
    (path / ".mcp-vector-search").mkdir()
    assert state(session_id).is_indexed
    (path / ".mcp-vector-search").rmdir()
    assert not state(session_id).is_indexed


def test_an_index_that_is_a_file_is_none(session_id, path):
    (path / ".mcp-vector-search").write_text("x")
    assert not state(session_id).is_indexed


def test_in_the_trash(session_id, path):
    (path / "content" / "a").write_text("x")
    workspaces.move_to_trash(session_id)
    assert state(session_id, in_trash=True) == WorkspaceState(content_count=1)


def test_on_its_way_it_is_found_in_the_other_place(session_id, path):
    """The row says trashed a moment before the directory moves, and the other way round."""
    (path / "content" / "a").write_text("x")
    assert state(session_id, in_trash=True) == WorkspaceState(content_count=1)
    workspaces.move_to_trash(session_id)
    assert state(session_id) == WorkspaceState(content_count=1)


def test_links_are_not_followed(session_id, path, outside, tmp_path):
    (path / ".mcp-vector-search").symlink_to(outside / ".mcp-vector-search")
    (path / "content").rmdir()
    (path / "content").symlink_to(outside / "content")
    assert state(session_id) == WorkspaceState()
    (path / "content").unlink()
    (path / "content").mkdir()
    (path / "content" / "link").symlink_to(outside)
    assert state(session_id).content_count == 1, "the link is an entry"


def test_a_workspace_that_is_a_link(session_id, path, outside):
    workspaces.remove(session_id)
    path.symlink_to(outside)
    assert state(session_id) == WorkspaceState()
    workspaces.move_to_trash(session_id)
    assert workspaces.trashed_path(session_id).is_symlink()
    workspaces.restore_from_trash(session_id)
    assert path.is_symlink()
    workspaces.remove(session_id)
    assert not workspaces.exists(session_id)
    assert len(list((outside / "content").iterdir())) == 3


@pytest.mark.parametrize("kind", ["file", "fifo", "socket", "loop"])
def test_odd_things_in_the_place_of_content_or_workspace(session_id, path, kind):
    def put(place):
        if kind == "file":
            place.write_text("x")
        elif kind == "fifo":
            os.mkfifo(place)
        elif kind == "loop":
            place.symlink_to(place.name)
        else:
            with socket.socket(socket.AF_UNIX) as server:
                here = os.open(place.parent, os.O_RDONLY)
                server.bind(f"/proc/self/fd/{here}/{place.name[:20]}")
                os.rename(place.parent / place.name[:20], place)
                os.close(here)

    (path / "content").rmdir()
    put(path / "content")
    assert state(session_id) == WorkspaceState()
    workspaces.remove(session_id)
    put(path)
    assert state(session_id) == WorkspaceState()
    workspaces.remove(session_id)
    assert not workspaces.exists(session_id)


def test_counting_is_remembered_once_it_is_settled_and_never_stale(session_id, path, monkeypatch):
    content = path / "content"
    (content / "a").write_text("x")
    reads = []
    real = os.scandir
    monkeypatch.setattr(os, "scandir", lambda where: reads.append(where) or real(where))
    monkeypatch.setattr(time, "time_ns", lambda: settled(content))
    assert [state(session_id).content_count for _ in range(3)] == [1, 1, 1]
    assert len(reads) == 1
    (content / "b").write_text("x")
    assert state(session_id).content_count == 2


def test_counting_anew_while_time_stamps_cannot_be_trusted(session_id, path, monkeypatch):
    monkeypatch.setattr(time, "time_ns", lambda: settled(path / "content") - 2)
    reads = []
    real = os.scandir
    monkeypatch.setattr(os, "scandir", lambda where: reads.append(where) or real(where))
    assert [state(session_id).content_count for _ in range(3)] == [0, 0, 0]
    assert len(reads) == 3


def test_a_count_that_took_long_is_not_remembered_of_a_directory_changed_just_before(session_id, path, monkeypatch):
    """What changed while it was counted may have the same time stamp."""
    count, changed = workspaces._content, (path / "content").stat().st_ctime_ns
    clock = [changed + 1]

    def held_up(workspace):
        found = count(workspace)
        clock[0] = settled(path)
        return found

    monkeypatch.setattr(time, "time_ns", lambda: clock[0])
    monkeypatch.setattr(workspaces, "_content", held_up)
    assert state(session_id).content_count == 0
    assert str(path) not in workspaces._states._known


def test_an_index_that_appears_is_seen_although_the_count_is_remembered(session_id, path, monkeypatch):
    monkeypatch.setattr(time, "time_ns", lambda: settled(path))
    assert not state(session_id).is_indexed
    (path / ".mcp-vector-search").mkdir()
    assert state(session_id).is_indexed


def test_a_link_put_in_the_place_of_a_remembered_workspace_is_not_followed(session_id, path, outside, monkeypatch):
    monkeypatch.setattr(time, "time_ns", lambda: settled(path))
    assert state(session_id) == state(session_id) == WorkspaceState()
    workspaces.remove(session_id)
    path.symlink_to(outside)
    assert state(session_id) == WorkspaceState()


def test_what_is_remembered_is_bounded(monkeypatch):
    states = workspaces._States()
    monkeypatch.setattr(states, "CAPACITY", 2)
    monkeypatch.setattr(states, "SETTLED_NS", -(10**18))
    monkeypatch.setattr(workspaces, "_states", states)
    for _ in range(4):
        session_id = uuid4()
        workspaces.create(session_id)
        assert state(session_id).content_count == 0
    assert len(states._known) == 2


def test_moving_twice_is_moving_once(session_id, path):
    (path / "content" / "a").write_text("kept")
    for _ in range(2):
        workspaces.move_to_trash(session_id)
    for _ in range(2):
        workspaces.restore_from_trash(session_id)
    assert (path / "content" / "a").read_text() == "kept"


def test_moving_what_is_not_there():
    with pytest.raises(StorageError, match="move the workspace to the trash: No such file"):
        workspaces.move_to_trash(uuid4())
    with pytest.raises(StorageError, match="restore the workspace: No such file"):
        workspaces.restore_from_trash(uuid4())


def test_restoring_over_something_destroys_neither(session_id, path):
    (path / "content" / "a").write_text("kept")
    workspaces.move_to_trash(session_id)
    (path / "content").mkdir(parents=True)
    (path / "content" / "b").write_text("kept")
    with pytest.raises(StorageError):
        workspaces.restore_from_trash(session_id)
    assert (path / "content" / "b").read_text() == "kept"
    assert (workspaces.trashed_path(session_id) / "content" / "a").read_text() == "kept"


def test_remove_takes_both_places(session_id, path, workspace_root):
    workspaces.move_to_trash(session_id)
    workspaces.create(session_id)
    workspaces.remove(session_id)
    assert not workspaces.exists(session_id)
    assert [entry.name for entry in workspace_root.iterdir()] == [".trash"]


def test_a_neighbour_that_shares_the_beginning_of_the_name_stays(session_id, path, workspace_root):
    neighbour = workspace_root / f"{session_id}-2"
    neighbour.mkdir()
    workspaces.remove(session_id)
    assert neighbour.is_dir()
