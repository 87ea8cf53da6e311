"""A workspace on a real disk, and something outside of it."""

from pathlib import Path
from uuid import uuid4

import pytest

from sessions.storage import workspaces


@pytest.fixture
def session_id():
    session_id = uuid4()
    workspaces.create(session_id)
    return session_id


@pytest.fixture
def place(session_id) -> Path:
    return workspaces.workspace_path(session_id)


@pytest.fixture
def secret(tmp_path) -> Path:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    return outside / "secret"
