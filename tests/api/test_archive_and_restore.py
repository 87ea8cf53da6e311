"""POST /sessions/{id}/archive and /restore"""

import pytest

from sessions.operations.lifecycle import archive_session, purge_session, trash_session
from sessions.storage import workspaces
from tests.api.contract import assert_problem
from tests.statements import assert_statements


def test_there_and_back(owner, url):
    archived = owner.post(f"{url}/archive")
    assert archived.status_code == 200
    assert (archived.json()["status"], archived.headers["ETag"]) == ("archived", '"2"')
    assert archived.json()["archived_at"]
    assert owner.post(f"{url}/archive").json()["version"] == 2
    restored = owner.post(f"{url}/restore").json()
    assert (restored["status"], restored["archived_at"], restored["version"]) == ("active", None, 3)
    assert owner.post(f"{url}/restore").json()["version"] == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("key", [None, "once"])
def test_out_of_the_trash(owner, session, url, alice, key):
    (workspaces.workspace_path(session.pk) / "content" / "a.txt").touch()
    (workspaces.workspace_path(session.pk) / ".mcp-vector-search").mkdir()
    trash_session(actor=alice, session_id=session.pk)
    restored = owner.post(f"{url}/restore", headers={"Idempotency-Key": key} if key else {}).json()
    assert restored["status"] == "active"
    assert restored["workspace_path"] == str(workspaces.workspace_path(session.pk))
    assert (restored["is_indexed"], restored["content_count"]) == (True, 1)
    assert workspaces.workspace_path(session.pk).is_dir()


def test_out_of_the_trash_as_it_was(owner, session, url, alice):
    archive_session(actor=alice, session_id=session.pk)
    trash_session(actor=alice, session_id=session.pk)
    assert_problem(owner.post(f"{url}/archive"), 404)
    assert owner.post(f"{url}/restore").json()["status"] == "archived"


@pytest.mark.parametrize("verb", ["archive", "restore"])
def test_who_may(anybody, stranger, reader, url, verb):
    assert_problem(anybody.post(f"{url}/{verb}"), 401)
    assert_problem(stranger.post(f"{url}/{verb}"), 404)
    assert_problem(reader.post(f"{url}/{verb}"), 403)


@pytest.mark.parametrize("verb", ["archive", "restore"])
def test_bad_requests(owner, session, url, verb, alice):
    assert_problem(owner.post(f"{url}/{verb}", headers={"If-Match": '"9"'}), 412)
    assert_problem(owner.post(f"{url}/{verb}", {"why": "?"}), 422)
    assert_problem(owner.post(f"{url}/{verb}?why=1"), 422)
    assert_problem(owner.get(f"{url}/{verb}"), 405)
    purge_session(actor=alice, session_id=session.pk)
    assert_problem(owner.post(f"{url}/{verb}"), 404)


def test_statements(owner, url):
    owner.get(url)
    for verb in ("archive", "restore"):
        with assert_statements(at_most=4):
            owner.post(f"{url}/{verb}")
