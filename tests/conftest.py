"""Fixtures that every layer's tests share: standing actors, their clients and tokens, workspaces of each test's own."""

import gc
import os
import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from coverage import Coverage
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client, TransactionTestCase

import researchmind
import sessions
from sessions.models import Scope
from sessions.operations import chat
from sessions.operations.tokens import create_token
from sessions.storage import health
from tests import emptying
from tests.clients import ApiClient
from tests.factories import PASSWORD
from tests.indexer import install
from tests.model_server import ModelServerStub

# Without one of these, and without the mark, a test can't ask the database (pytest-django sees to it).
DATABASE_FIXTURES = {"db", "transactional_db", "live_server"}
SERVERS = ("tests/reliability/",)  # which start programs over a database of their own
# What one sees and does, and what is refused before a database is asked; a few walk through both (`each_database`).
ALIKE = (
    "tests/browser/",
    *(f"tests/api/test_{name}.py" for name in ("docs", "openapi", "strict_bodies")),
    *(f"tests/api/test_errors.py::test_{name}" for name in ("wrong_m", "nowhere", "bodies_that_are_none", "unknown_p")),
    "tests/api/test_files.py::test_hostile_names",
    *(f"tests/views/test_{name}.py" for name in ("toasts", "times", "errors")),
)
# What goes over the same ground often: the tracer of coverage would double its time, and see nothing new.
SAME_GROUND = (
    "tests/browser/",
    "tests/reliability/",
    *(f"tests/api/test_{name}" for name in ("fuzz.py", "files.py::test_hostile_names")),
    *(f"tests/rendering/test_limits.py::test_{name}" for name in ("no_language", "repeating")),
    "tests/rendering/test_hostile.py::test_hostile_texts",
)
measured: list[Coverage] = []  # while a test is prepared and cleaned up after it is switched off


def pytest_configure(config: pytest.Config) -> None:
    """What hypothesis makes up is the same in each run, however slow the machine; `make soak` draws anew."""
    hypothesis.settings.register_profile(
        "ours",
        deadline=None,
        database=None,
        derandomize="soak" not in config.option.markexpr.replace("not soak", ""),
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    hypothesis.settings.load_profile("ours")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out of the part on PostgreSQL what cannot tell the databases apart: it runs once, in the part on SQLite."""
    if os.environ.get("TEST_DATABASE", "sqlite") == "sqlite":
        return
    same = [item for item in items if _is_same_on_every_database(item)]
    config.hook.pytest_deselected(items=same)
    left_out = set(same)
    items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish(session: pytest.Session) -> None:
    """From here on coverage is measured in the tests alone: what only prepares them is tested elsewhere."""
    # What importing runs counts, whoever would import it first; and hypothesis tries the constants of what is imported.
    for package in (sessions, researchmind):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                import_module(module.name)
    measuring = Coverage.current()
    if measuring is not None:
        measuring.stop()
        measured.append(measuring)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Measure no coverage in tests that go over the same ground often: the tracer would double their time."""
    if not measured or _goes_over_the_same_ground(item):
        return (yield)
    measured[0].start()
    try:
        return (yield)
    finally:
        measured[0].stop()


def _goes_over_the_same_ground(item: pytest.Item) -> bool:
    is_property = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    return item.nodeid.startswith(SAME_GROUND) or is_property


def _is_same_on_every_database(item: pytest.Item) -> bool:
    if item.nodeid.startswith(ALIKE):
        return item.get_closest_marker("each_database") is None
    uses = DATABASE_FIXTURES & set(getattr(item, "fixturenames", ()))
    return not uses and item.get_closest_marker("django_db") is None and not item.nodeid.startswith(SERVERS)


@pytest.fixture(autouse=True, scope="session")
def quick_emptying() -> Iterator[None]:
    """Tests with real transactions leave an empty database, quickly."""

    def empty(self: TransactionTestCase) -> None:
        for alias in self._databases_names(include_mirrors=False):
            emptying.empty(alias)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield


@pytest.fixture(autouse=True, scope="session")
def patient_probes() -> Iterator[None]:
    """A machine that is busy with other tests is slow; nothing on it hangs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(health, "SECONDS", 60.0)
        yield


@pytest.fixture(autouse=True)
def workspace_root(tmp_path: Path, settings) -> Path:
    """Each test has workspaces of its own."""
    settings.WORKSPACE_ROOT = tmp_path / "workspaces"
    return settings.WORKSPACE_ROOT


def _user(name: str, **values: object) -> User:
    return User.objects.create_user(name, password=PASSWORD, **values)


@pytest.fixture
def alice(db) -> User:
    """Alice owns."""
    return _user("alice")


@pytest.fixture
def bob(db) -> User:
    """Bob edits, once a session is shared with him."""
    return _user("bob")


@pytest.fixture
def vera(db) -> User:
    """Vera views, once a session is shared with her."""
    return _user("vera")


@pytest.fixture
def mallory(db) -> User:
    """Mallory is a stranger."""
    return _user("mallory")


@pytest.fixture
def ada(db) -> User:
    """Ada administers."""
    return _user("ada", is_staff=True, is_superuser=True)


def _token(user: User, scope: str = Scope.WRITE) -> str:
    return create_token(actor=user, name=f"{user.username}'s token", scope=scope)[1]


@pytest.fixture
def alice_token(alice: User) -> str:
    """A token with which Alice reads and writes."""
    return _token(alice)


@pytest.fixture
def alice_read_token(alice: User) -> str:
    """A token with which Alice only reads."""
    return _token(alice, Scope.READ)


@pytest.fixture
def mallory_token(mallory: User) -> str:
    """Mallory's own token, good for her own sessions."""
    return _token(mallory)


@pytest.fixture
def ada_token(ada: User) -> str:
    """The administrator's token."""
    return _token(ada)


@pytest.fixture
def api(db) -> Callable[..., ApiClient]:
    """`api(token)` is a client of the JSON API with that token; `api()` has none."""
    return ApiClient


def _signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def alice_client(alice: User) -> Client:
    """A browser in which Alice is signed in."""
    return _signed_in(alice)


@pytest.fixture
def bob_client(bob: User) -> Client:
    """A browser in which Bob is signed in."""
    return _signed_in(bob)


@pytest.fixture
def vera_client(vera: User) -> Client:
    """A browser in which Vera is signed in."""
    return _signed_in(vera)


@pytest.fixture
def mallory_client(mallory: User) -> Client:
    """A browser in which Mallory is signed in."""
    return _signed_in(mallory)


@pytest.fixture
def ada_client(ada: User) -> Client:
    """A browser in which Ada is signed in."""
    return _signed_in(ada)


@pytest.fixture
def model_server(settings) -> Iterator[ModelServerStub]:
    """A model server that is connected and answers well."""
    with ModelServerStub() as stub:
        settings.MODEL_SERVER = stub.setting
        yield stub


@pytest.fixture
def nothing_is_collected(monkeypatch) -> Iterator[None]:
    """Somebody holds on to the answers of models, and no garbage is collected: what isn't closed stays open."""
    held, answers = [], chat.answers

    def hold(*args: Any, **options: Any) -> Iterator[Any]:
        held.append(answers(*args, **options))
        return held[-1]

    monkeypatch.setattr(chat, "answers", hold)
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def indexer(settings, tmp_path: Path) -> Path:
    """`mcp-vector-search` is installed: a stand-in for it."""
    path = install(tmp_path)
    settings.INDEX_COMMAND = str(path)
    return path


@pytest.fixture
def qdrant(settings, monkeypatch) -> Iterator[Any]:
    """A Qdrant that is connected and works well; its client is imported here, so that others do without it."""
    from sessions.storage.qdrant import transport
    from tests.qdrant_server import QdrantStub

    monkeypatch.setattr(transport, "_gate", transport._Gate())  # another test's Qdrant may be away
    with QdrantStub() as stub:
        settings.QDRANT_URL = stub.url
        yield stub


@pytest.fixture
def connection_stays(monkeypatch) -> Iterator[None]:
    """A response that is closed early would close the test's own connection to the database."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    monkeypatch.setattr("django.test.client.close_old_connections", lambda **kwargs: None)
    yield
    for signal in signals:
        signal.connect(close_old_connections)
