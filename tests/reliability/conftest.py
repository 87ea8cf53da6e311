"""Real servers for the tests of what they survive."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.server import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that tests share, with the settings that it has by itself, and more patience."""
    with Server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server that the test may kill; it isn't started yet."""
    server = Server(tmp_path, WORKERS=2)
    yield server
    server.kill()
