"""GET /sessions/{id}"""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from sessions.models import Session
from sessions.operations.lifecycle import archive_session, trash_session
from sessions.operations.sessions import update_session
from sessions.storage import workspaces
from tests.api.contract import assert_problem
from tests.factories import make_session
from tests.statements import assert_statements, counted_statements

UNKNOWN = "/api/v1/sessions/00000000-0000-4000-8000-000000000000"


def test_the_session_with_its_messages(owner, session, url):
    answer = owner.get(url)
    body = answer.json()
    assert answer.headers["ETag"] == f'"{session.version}"'
    assert body["session_id"] == str(session.pk)
    assert [message["index"] for message in body["messages"]] == [0, 1, 2, 3]
    assert [message["content"] for message in body["messages"]] == [f"message {number}" for number in range(4)]
    assert body["messages_next"] is None


@pytest.mark.parametrize("spelling", ["{0}", "{1}", "{2}", "{3}"])
def test_every_spelling_of_the_id(owner, session, spelling):
    whole = str(session.pk)
    written = spelling.format(whole, session.pk.hex, session.short_id, whole.upper())
    assert owner.get(f"/api/v1/sessions/{written}").json()["session_id"] == whole


def test_a_short_id_that_fits_two(owner, alice):
    for last in (1, 2):
        Session.objects.create(owner=alice, name=f"twin {last}", pk=UUID(f"abcdef01-2345-4000-8000-00000000000{last}"))
    problem = assert_problem(owner.get("/api/v1/sessions/abcdef0123"), 409, "ambiguous_id")
    assert len(problem["state"]["session_ids"]) == 2


@pytest.mark.parametrize(("limit", "expected", "following"), [(0, 0, None), (1, 1, "0"), (3, 3, "2"), (4, 4, None)])
def test_only_so_many_messages(owner, url, limit, expected, following):
    body = owner.get(f"{url}?messages_limit={limit}").json()
    assert len(body["messages"]) == expected
    assert body["messages_next"] == following
    if following:
        rest = owner.get(f"{url}/messages?cursor={following}").json()
        assert len(rest["messages"]) == 4 - expected


def test_a_thousand_messages_come_at_once(owner, alice):
    session = make_session(alice, messages=1000)
    body = owner.get(f"/api/v1/sessions/{session.pk}").json()
    assert len(body["messages"]) == 1000
    assert body["messages_next"] is None


def test_in_the_trash(owner, session, url, alice):
    trash_session(actor=alice, session_id=session.pk)
    assert_problem(owner.get(url), 404, "session_not_found")
    body = owner.get(f"{url}?include_deleted=true").json()
    assert body["status"] == "deleted"
    assert body["workspace_path"] is None
    assert body["deleted_at"] is not None
    assert len(body["messages"]) == 4


def test_archived(owner, session, url, alice):
    archive_session(actor=alice, session_id=session.pk)
    body = owner.get(url).json()
    assert (body["status"], body["archived"]) == ("archived", True)
    assert body["archived_at"] is not None


def test_who_may(anybody, stranger, reader, api, ada_token, url):
    assert_problem(anybody.get(url), 401)
    assert assert_problem(stranger.get(url), 404)["detail"] == assert_problem(stranger.get(UNKNOWN), 404)["detail"]
    assert reader.get(url).status_code == 200
    assert_problem(api(ada_token).get(url), 404)


@pytest.mark.parametrize("session_id", ["x", "123", "abcdef012g", "..", "%00", "a" * 5000])
def test_what_can_not_be_an_id(owner, session_id):
    assert_problem(owner.get(f"/api/v1/sessions/{session_id}"), 404)


def test_the_workspace_is_asked_each_time(owner, session, url):
    path = workspaces.workspace_path(session.pk)
    assert (owner.get(url).json()["is_indexed"], owner.get(url).json()["content_count"]) == (False, 0)
    (path / ".mcp-vector-search").mkdir()
    for number in range(3):
        (path / "content" / f"{number}.txt").touch()
    assert (owner.get(url).json()["is_indexed"], owner.get(url).json()["content_count"]) == (True, 3)
    (path / "content" / "0.txt").unlink()
    assert owner.get(url).json()["content_count"] == 2


def test_reading_moves_last_accessed_once_a_minute(owner, session, url):
    before = timezone.now() - timedelta(hours=1)
    Session.objects.filter(pk=session.pk).update(last_accessed=before, ttl_seconds=60)
    body = owner.get(url).json()
    session.refresh_from_db()
    assert session.last_accessed > before + timedelta(minutes=59)
    assert body["last_accessed"][:19] == session.last_accessed.isoformat()[:19]
    assert body["version"] == session.version == 1
    first = session.last_accessed
    owner.get(url)
    session.refresh_from_db()
    assert session.last_accessed == first


def test_the_trash_keeps_its_time(owner, session, url, alice):
    trash_session(actor=alice, session_id=session.pk)
    before = timezone.now() - timedelta(hours=1)
    Session.objects.filter(pk=session.pk).update(last_accessed=before)
    owner.get(f"{url}?include_deleted=true")
    session.refresh_from_db()
    assert session.last_accessed == before


@pytest.mark.parametrize("tag", ['"1"', 'W/"1"', '"0", "1"', "*"])
def test_not_modified(owner, url, tag):
    answer = owner.get(url, headers={"If-None-Match": tag})
    assert answer.status_code == 304
    assert answer.headers["ETag"] == '"1"'
    assert answer.content == b""


@pytest.mark.parametrize("tag", ['"0"', "1", "", "nonsense"])
def test_modified(owner, url, tag):
    assert owner.get(url, headers={"If-None-Match": tag}).status_code == 200


def test_modified_after_a_change(owner, session, url, alice):
    update_session(actor=alice, session_id=session.pk, name="Another")
    assert owner.get(url, headers={"If-None-Match": '"1"'}).json()["name"] == "Another"


def test_head(owner, url):
    answer = owner.head(url)
    assert answer.status_code == 200
    assert answer.headers["ETag"] == '"1"'
    assert answer.content == b""


@pytest.mark.parametrize(
    ("query", "loc"),
    [("messages_limit=1001", "messages_limit"), ("messages_limit=-1", "messages_limit"), ("deleted=1", "deleted")],
)
def test_bad_parameters(owner, url, query, loc):
    problem = assert_problem(owner.get(f"{url}?{query}"), 422)
    assert [error["loc"] for error in problem["errors"]] == [loc]


def test_statements_do_not_grow_with_messages(owner, alice, url):
    owner.get(url)
    with counted_statements() as few:
        owner.get(url)
    long = make_session(alice, messages=300, tags=["a", "b", "c"])
    with assert_statements(at_most=4) as many:
        owner.get(f"/api/v1/sessions/{long.pk}")
    assert len(many) == len(few)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_takes_no_writes_is_read(owner, url):
    """Neither the token's last use nor last_accessed can be noted: no reason to answer nothing."""
    Session.objects.update(last_accessed=timezone.now() - timedelta(hours=1))
    read_only = {
        "sqlite": ("PRAGMA query_only = ON", "PRAGMA query_only = OFF"),
        "postgresql": ("SET default_transaction_read_only = on", "SET default_transaction_read_only = off"),
    }
    begin, end = read_only[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(begin)
        try:
            assert owner.get(url).status_code == 200
        finally:
            cursor.execute(end)
