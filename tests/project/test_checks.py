"""System checks, each with what is wrong and without."""

import pytest

from sessions import checks


def test_old_sqlite(monkeypatch, settings):
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "researchmind.sqlite3")
    assert checks.sqlite_is_new_enough() == []
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 37, 2))
    (error,) = checks.sqlite_is_new_enough()
    assert error.id == "research.E001"
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "researchmind.postgresql")
    assert checks.sqlite_is_new_enough() == []


def test_workspaces_that_can_be_made(settings, tmp_path):
    settings.WORKSPACE_ROOT = tmp_path / "not" / "yet" / "there"
    assert checks.workspace_root_is_usable() == []


def test_workspaces_in_a_file(settings, tmp_path):
    (tmp_path / "file").touch()
    settings.WORKSPACE_ROOT = tmp_path / "file" / "workspaces"
    (error,) = checks.workspace_root_is_usable()
    assert error.id == "research.E002"
    assert "RESEARCHMIND_WORKSPACE_ROOT" in error.hint


@pytest.mark.parametrize(
    ("workers", "threads", "ids"), [(1, 1, []), (0, 1, ["research.E004"]), (1, 0, ["research.E004"])]
)
def test_workers_and_threads(settings, workers, threads, ids):
    settings.SERVER_WORKERS, settings.SERVER_THREADS = workers, threads
    assert [error.id for error in checks.limits_are_sensible()] == ids


@pytest.mark.parametrize(
    ("name", "value", "ids"),
    [
        ("MODEL_SERVER", "ollama:http://127.0.0.1:11434", []),
        ("MODEL_SERVER", "", []),
        ("MODEL_SERVER", "http://127.0.0.1:11434", ["research.E005"]),
        ("MODEL_SERVER_KEY", "two words", ["research.E005"]),
        ("MODEL_SERVER_WAIT_SECONDS", 0, ["research.E006"]),
    ],
)
def test_the_model_server(settings, name, value, ids):
    settings.MODEL_SERVER = "openai:http://127.0.0.1:8000"
    setattr(settings, name, value)
    assert [error.id for error in checks.model_server_is_usable()] == ids


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        ({}, []),
        ({"QDRANT_URL": "https://qdrant:6333", "QDRANT_KEY": "secret"}, []),
        ({"QDRANT_URL": "qdrant:6333"}, ["research.E010"]),
        ({"QDRANT_URL": "http://key@qdrant"}, ["research.E010"]),
        ({"QDRANT_URL": "http://qdrant", "QDRANT_KEY": "two\nlines"}, ["research.E010"]),
        ({"QDRANT_SECONDS": 0}, ["research.E009"]),
        ({"MAX_POINTS": 0}, ["research.E009"]),
    ],
)
def test_qdrant(settings, values, ids):
    for name, value in values.items():
        setattr(settings, name, value)
    assert [error.id for error in checks.qdrant_is_usable()] == ids
