"""Settings from the environment: read strictly, and a secret key that is made once."""

import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from researchmind import env
from tests.together import together


def test_without_anything_the_defaults():
    assert env.read({}) == {setting.name: setting.default for setting in env.SETTINGS}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("DATA_DIR", "/srv/data/../x", Path("/srv/x")),
        ("DATA_DIR", "~/data", Path.home() / "data"),
        ("SECRET_KEY", "$not a variable=, but a key", "$not a variable=, but a key"),
        ("ALLOWED_HOSTS", "a.example, b.example,", ["a.example", "b.example"]),
        ("HTTPS", "true", True),
        ("HTTPS", "ON", True),
        ("HTTPS", "0", False),
        ("DEBUG", "no", False),
        ("WORKERS", "12", 12),
        ("RUN_SILENT_MINUTES", "0", 0),
        ("HTTPS", "", False),
        ("THREADS", "", 4),
    ],
)
def test_values(name, text, value):
    assert env.read({f"RESEARCHMIND_{name}": text})[name] == value


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("HTTPS", "treu", "true or false"),
        ("HTTPS", "2", "true or false"),
        ("WORKERS", "many", "a whole number"),
        ("WORKERS", "-1", "a whole number"),
        ("WORKERS", "1.5", "a whole number"),
        ("WORKERS", "٣", "a whole number"),
        ("WORKERS", "9" * 5000, "a whole number"),
    ],
)
def test_values_that_cannot_be_read(name, text, kind):
    with pytest.raises(ImproperlyConfigured, match=f"RESEARCHMIND_{name} must be {kind}") as refused:
        env.read({f"RESEARCHMIND_{name}": text})
    assert "\n" not in str(refused.value)


def test_a_misspelt_name_stops_the_start():
    with pytest.raises(ImproperlyConfigured, match="RESEARCHMIND_ALOWED_HOSTS, RESEARCHMIND_HTPS"):
        env.read({"RESEARCHMIND_HTPS": "1", "RESEARCHMIND_ALOWED_HOSTS": "x", "RESEARCHMIND_HTTPS": "1"})


def test_the_secret_key_is_made_once_and_for_its_owner_alone(tmp_path):
    key = env.secret_key(tmp_path / "deep" / "data")
    assert len(key) > 80
    assert env.secret_key(tmp_path / "deep" / "data") == key
    assert stat.S_IMODE((tmp_path / "deep" / "data" / "secret_key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "deep" / "data").stat().st_mode) == 0o700


def test_processes_that_start_at_once_have_one_key(tmp_path):
    keys = together(*[lambda: env.secret_key(tmp_path)] * 8)
    assert len(set(keys)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_a_data_directory_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ImproperlyConfigured, match="Set RESEARCHMIND_DATA_DIR to a directory"):
        env.secret_key(tmp_path / "file" / "data")
