"""GET /me, /version, /health, and the probes beside the API."""

import threading

import pytest
from django.test import Client

from researchmind import __version__
from sessions.storage import health
from tests.api.contract import BASE, assert_problem


@pytest.fixture(autouse=True)
def nothing_running():
    """Each test has an examination of its own."""
    yield
    for examination in health._running:
        examination.join(60)
    health._running.clear()


def test_version(anybody):
    assert anybody.get(f"{BASE}/version").json() == {"version": __version__, "api": "v1"}


@pytest.mark.django_db(transaction=True)
def test_health(anybody, owner, api):
    assert anybody.get(f"{BASE}/health").json() == {"status": "ok"}
    assert owner.get(f"{BASE}/health").json() == {"status": "ok", "database": "ok", "workspaces": "ok"}
    assert api("rm_wrong").get(f"{BASE}/health").json() == {"status": "ok"}


@pytest.mark.django_db(transaction=True)
def test_health_without_workspaces(anybody, owner, workspace_root):
    workspace_root.write_text("not a directory")
    assert "state" not in assert_problem(anybody.get(f"{BASE}/health"), 503, "unhealthy")
    problem = assert_problem(owner.get(f"{BASE}/health"), 503, "unhealthy")
    assert problem["state"] == {"database": "ok", "workspaces": "unavailable"}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.django_db(transaction=True)
def test_probes(path):
    client = Client()
    answer = client.get(path)
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert "no-store" in answer.headers["Cache-Control"]
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405
    assert client.get(path, headers={"Host": "10.0.0.7:8000"}).status_code == 200  # a supervisor knows no other name
    assert client.get("/metrics", headers={"Host": "10.0.0.7:8000"}).status_code == 400


def test_the_process_lives_without_a_database():
    """No `db` here: pytest-django refuses every access."""
    assert Client().get("/healthz").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_not_ready_without_workspaces(workspace_root):
    workspace_root.write_text("not a directory")
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.content) == (503, b"not ready\n")
    assert answer.headers["Retry-After"] == "2"
    workspace_root.unlink()
    assert Client().get("/readyz").status_code == 200
    assert workspace_root.is_dir()


@pytest.mark.django_db(transaction=True)
def test_a_disk_that_hangs(workspace_root, monkeypatch):
    """Asked again and again, one examination waits for it, and each who asks hears so in time."""
    released = threading.Event()
    monkeypatch.setattr(health, "_workspaces", lambda: released.wait(60) and "ok")
    monkeypatch.setattr(health, "SECONDS", 0.2)
    assert Client().get("/readyz").status_code == 503
    waiting = health._running[0]
    assert waiting.is_alive(), "whoever asked didn't wait for it"
    assert not health.examine(0.01).is_ok
    assert health._running == [waiting]
    released.set()
    waiting.join(60)
    assert health.examine(60).is_ok
