"""Fixtures of the API's tests."""

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from sessions.models import Session
from tests.api.contract import ContractClient
from tests.factories import make_session
from tests.model_server import ModelServerStub


@pytest.fixture
def api(db) -> Callable[..., ContractClient]:
    """`api(token)` is a client with that token, `api()` has none; each answer is held against the OpenAPI file."""
    return ContractClient


@pytest.fixture
def owner(alice_token: str) -> ContractClient:
    """Alice's client."""
    return ContractClient(alice_token)


@pytest.fixture
def stranger(mallory_token: str) -> ContractClient:
    """Mallory's client."""
    return ContractClient(mallory_token)


@pytest.fixture
def reader(alice_read_token: str) -> ContractClient:
    """Alice's client with a token that only reads."""
    return ContractClient(alice_read_token)


@pytest.fixture
def anybody(db) -> ContractClient:
    """A client without any credentials."""
    return ContractClient()


@pytest.fixture
def session(alice: User) -> Session:
    """A session of Alice's with four messages."""
    return make_session(alice, messages=4)


@pytest.fixture
def model_server(settings) -> Iterator[ModelServerStub]:
    """A model server that is connected and answers well."""
    with ModelServerStub() as stub:
        settings.MODEL_SERVER = stub.setting
        yield stub


@pytest.fixture
def impatient(settings) -> None:
    """Model servers have little time and may send little."""
    settings.MODEL_SERVER_WAIT_SECONDS = 0.4
    settings.MODEL_SERVER_TOTAL_SECONDS = 1.2
    settings.MODEL_SERVER_MAX_BYTES = 2**20


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


@pytest.fixture
def url(session: Session) -> str:
    """Its address."""
    return f"/api/v1/sessions/{session.pk}"
