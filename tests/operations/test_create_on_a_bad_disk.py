"""create_session on a disk that is full, read-only or in the way: an error of ours, and nothing is left."""

import errno
import os
import subprocess
from pathlib import Path
from uuid import UUID

import pytest

from sessions.exceptions import StorageError, StorageFull
from sessions.models import Event, Session
from sessions.operations.sessions import create_session
from sessions.storage import workspaces

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def disk_with_room_for_one_directory(tmp_path, settings):
    """A real file system with two inodes: its root, and one more."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "nr_inodes=2", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no right to mount here; test_no_room_for_the_second_directory stands in")
    settings.WORKSPACE_ROOT = place
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_full_disk(alice, disk_with_room_for_one_directory):
    with pytest.raises(StorageFull, match="disk is full"):
        create_session(actor=alice, name="One", tags=["a"])
    assert list(disk_with_room_for_one_directory.iterdir()) == []
    assert not Session.objects.exists()
    assert not Event.objects.exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_no_room_for_the_second_directory(alice, workspace_root, monkeypatch, number):
    real = Path.mkdir

    def mkdir(self, *args, **kwargs):
        if self.name == workspaces.CONTENT:
            raise OSError(number, os.strerror(number))
        real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with pytest.raises(StorageFull):
        create_session(actor=alice, name="One")
    assert list(workspace_root.iterdir()) == []
    assert not Session.objects.exists()


def test_root_that_is_a_file(alice, workspace_root):
    workspace_root.write_text("in the way")
    with pytest.raises(StorageError, match="Could not make the workspace"):
        create_session(actor=alice, name="One")
    assert not Session.objects.exists()
    assert workspace_root.read_text() == "in the way"


def test_a_directory_that_is_there_already_is_neither_taken_nor_removed(alice, workspace_root, monkeypatch):
    taken = UUID("11111111-2222-4333-8444-555555555555")
    monkeypatch.setattr("sessions.operations.sessions.uuid4", lambda: taken)
    (workspace_root / str(taken)).mkdir(parents=True)
    (workspace_root / str(taken) / "somebody's.txt").write_text("kept")
    with pytest.raises(StorageError):
        create_session(actor=alice, name="One")
    assert not Session.objects.exists()
    assert (workspace_root / str(taken) / "somebody's.txt").read_text() == "kept"
