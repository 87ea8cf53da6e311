"""The first administrator: made once, by whoever has the address that the first start printed."""

import stat

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from sessions.exceptions import NotAllowed
from sessions.operations.accounts import create_first_administrator, first_run_token
from sessions.storage import first_run
from tests.factories import PASSWORD
from tests.together import together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def data_dir(tmp_path, settings):
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    return settings.DATA_DIR


def create(token, username="root"):
    return create_first_administrator(token=token, username=username, password=PASSWORD)


def test_makes_an_administrator_once(data_dir):
    token = first_run_token()
    assert first_run_token() == token, "a second start prints the same address"
    assert len(token) == 43
    assert stat.S_IMODE((data_dir / "first_run_token").stat().st_mode) == 0o600
    user = create(token)
    assert user.is_superuser
    assert user.is_staff
    assert user.check_password(PASSWORD)
    assert list(data_dir.iterdir()) == []
    assert first_run_token() is None
    with pytest.raises(NotAllowed):
        create(token, "second")
    assert User.objects.count() == 1


@pytest.mark.parametrize("wrong", ["", "x", "é", "\ud800", "\x00"])
def test_wrong_tokens(wrong):
    token = first_run_token()
    for attempt in (wrong, token + wrong + " ", token[:-1]):
        with pytest.raises(NotAllowed):
            create(attempt)
    assert not User.objects.exists()


@pytest.mark.parametrize("attempt", ["", "x"])
def test_without_a_token_there_is_nothing_to_match(attempt):
    with pytest.raises(NotAllowed):
        create(attempt)


def test_an_empty_file_opens_nothing(data_dir):
    """A disk that was full when the secret was written must not make the empty secret the right one."""
    (data_dir / "first_run_token").touch()
    with pytest.raises(NotAllowed):
        create("")
    assert not first_run.matches("")


def test_not_when_somebody_exists_already(alice):
    first_run.issue()
    assert first_run_token() is None
    with pytest.raises(NotAllowed):
        create((first_run._path()).read_text())
    assert User.objects.get() == alice


def test_rolled_back_the_address_still_works():
    token = first_run_token()
    with transaction.atomic():
        create(token)
        transaction.set_rollback(True)
    assert create(token).is_superuser


def test_two_at_once_make_one():
    token = first_run_token()
    results = together(*[lambda name=name: create(token, name) for name in ("first", "second", "third", "fourth")])
    assert sorted(type(result).__name__ for result in results) == ["NotAllowed"] * 3 + ["User"]
    assert User.objects.count() == 1


def test_two_starts_at_once_print_one_address(data_dir):
    tokens = together(*[first_run.issue] * 8)
    assert len(set(tokens)) == 1
    assert len(tokens[0]) == 43
    assert [path.name for path in data_dir.iterdir()] == ["first_run_token"]
