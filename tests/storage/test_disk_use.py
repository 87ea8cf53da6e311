"""How much of the disk a workspace takes: nothing outside counts, and nothing makes it hang."""

import os
from uuid import UUID

import pytest

from sessions.storage.disk_use import disk_use
from sessions.storage.workspaces import create, move_to_trash, workspace_path

ID = UUID(int=7)


@pytest.fixture
def content(workspace_root):
    workspace_root.mkdir()
    return create(ID) / "content"


def test_files_at_any_depth_count(content):
    (content / "a").write_bytes(b"x" * 10_000)
    (content / "deep" / "er").mkdir(parents=True)
    (content / "deep" / "er" / "b").write_bytes(b"x" * 20_000)
    use = disk_use(ID)
    assert use.files == 2
    assert use.bytes >= 30_000
    assert use.is_whole


def test_it_is_found_in_the_trash(content):
    (content / "a").write_bytes(b"x" * 10_000)
    move_to_trash(ID)
    assert disk_use(ID, in_trash=True).files == 1
    assert disk_use(ID).files == 1, "while it moves, it may be in the other place"


def test_a_missing_workspace_is_empty(workspace_root):
    use = disk_use(ID)
    assert (use.bytes, use.files, use.is_whole) == (0, 0, True)


def test_links_and_strange_files_are_not_followed(content, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "large").write_bytes(b"x" * 500_000)
    (content / "file").symlink_to(outside / "large")
    (content / "directory").symlink_to(outside)
    (content / "loop").symlink_to(content)
    (content / "parent").symlink_to("..")
    os.mkfifo(content / "pipe")
    use = disk_use(ID)
    assert use.files == 5
    assert use.bytes < 100_000


def test_a_workspace_that_is_a_link_is_not_followed(workspace_root, tmp_path):
    workspace_root.mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "large").write_bytes(b"x" * 500_000)
    workspace_path(ID).symlink_to(outside)
    assert disk_use(ID).files == 0


def test_a_large_one_is_measured_in_part(content):
    for number in range(20):
        (content / str(number)).touch()
    use = disk_use(ID, most=10)
    assert not use.is_whole
    assert use.files < 10


def test_a_very_deep_one_too(content):
    place = content
    for _ in range(80):
        place = place / "d"
        place.mkdir()
    (place / "file").touch()
    use = disk_use(ID)
    assert not use.is_whole
    assert use.files == 0


def test_what_goes_meanwhile_counts_nothing(content, monkeypatch):
    (content / "a").mkdir()

    def gone(*args, **kwargs):
        raise FileNotFoundError

    real_open = os.open
    monkeypatch.setattr(
        os, "open", lambda path, *args, **kwargs: gone() if path == "a" else real_open(path, *args, **kwargs)
    )
    assert not disk_use(ID).is_whole
