"""Fixtures that every layer's tests share."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User


@pytest.fixture(autouse=True)
def workspace_root(tmp_path: Path, settings) -> Path:
    """Each test has workspaces of its own."""
    settings.WORKSPACE_ROOT = tmp_path / "workspaces"
    return settings.WORKSPACE_ROOT


def _user(name: str, **values: object) -> User:
    return User.objects.create_user(name, password="a long enough pass phrase", **values)


@pytest.fixture
def alice(db) -> User:
    """Alice owns."""
    return _user("alice")


@pytest.fixture
def mallory(db) -> User:
    """Mallory is a stranger."""
    return _user("mallory")


@pytest.fixture
def ada(db) -> User:
    """Ada administers."""
    return _user("ada", is_staff=True, is_superuser=True)
