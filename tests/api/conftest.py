"""Fixtures of the API's tests."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from sessions.models import Session
from tests.api.contract import ContractClient
from tests.factories import make_session


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
def url(session: Session) -> str:
    """Its address."""
    return f"/api/v1/sessions/{session.pk}"
