"""SIGKILL in the middle of a change: the doctor leaves no difference, and the change is there or it isn't."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.reliability.server import PROJECT, Server


def kill_halfway(directory: Path, times: int) -> None:
    """Run the program of `killed` over a database without a server, and fail with what it says."""
    database = Server(directory)
    done = subprocess.run(
        [sys.executable, "-m", "tests.reliability.killed", str(times)],
        cwd=PROJECT, env=database.environment, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]


def test_killed_at_three_points_of_create_delete_trash_and_import(tmp_path):
    kill_halfway(tmp_path, 3)


@pytest.mark.soak
def test_killed_at_ten_points_of_each(tmp_path):
    kill_halfway(tmp_path, 10)
