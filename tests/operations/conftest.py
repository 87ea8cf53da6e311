"""What several operations' tests need."""

import subprocess

import pytest

from sessions.storage import staging


@pytest.fixture
def small_disk(tmp_path, settings, monkeypatch):
    """A real file system with room for two megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    monkeypatch.setattr(staging.os, "sync", lambda: None)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no right to mount here")
    settings.WORKSPACE_ROOT = place
    yield place
    subprocess.run(["umount", str(place)], check=True)
