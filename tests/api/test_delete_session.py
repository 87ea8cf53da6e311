"""DELETE /sessions/{id}"""

import pytest

from sessions.models import Message, Session, WorkspaceRemoval
from sessions.storage import workspaces
from tests.api.contract import assert_problem

pytestmark = pytest.mark.django_db(transaction=True)


def test_to_the_trash(owner, session, url):
    answer = owner.delete(url)
    assert answer.status_code == 204
    assert answer.content == b""
    assert "Content-Type" not in answer.headers
    assert workspaces.trashed_path(session.pk).is_dir()
    assert not workspaces.workspace_path(session.pk).exists()
    assert_problem(owner.get(url), 404)
    assert_problem(owner.delete(url), 404)
    assert owner.get("/api/v1/sessions?status=deleted").json()["count"] == 1


def test_for_ever(owner, session, url):
    assert owner.delete(f"{url}?permanent=true").status_code == 204
    assert not Session.objects.exists()
    assert not Message.objects.exists()
    assert not WorkspaceRemoval.objects.exists()
    assert not workspaces.exists(session.pk)
    assert_problem(owner.get(f"{url}?include_deleted=true"), 404)


def test_for_ever_out_of_the_trash(owner, session, url):
    owner.delete(url)
    assert_problem(owner.delete(f"{url}?permanent=false"), 404)
    assert owner.delete(f"{url}?permanent=true").status_code == 204
    assert not workspaces.exists(session.pk)


@pytest.mark.parametrize("query", ["", "?permanent=true"])
def test_who_may(anybody, stranger, reader, session, url, query):
    assert_problem(anybody.delete(url + query), 401)
    assert_problem(stranger.delete(url + query), 404)
    assert_problem(reader.delete(url + query), 403)
    assert workspaces.workspace_path(session.pk).is_dir()


@pytest.mark.parametrize("query", ["", "?permanent=true"])
def test_if_match(owner, session, url, query):
    assert_problem(owner.delete(url + query, headers={"If-Match": '"7"'}), 412)
    assert owner.delete(url + query, headers={"If-Match": '"1"'}).status_code == 204


def test_bad_parameters(owner, session, url):
    assert_problem(owner.delete(f"{url}?permanent=yes"), 422)
    assert_problem(owner.delete(f"{url}?force=true"), 422)
    assert_problem(owner.delete(url, {"permanent": True}), 422)
    session.refresh_from_db()
    assert session.status == "active"
