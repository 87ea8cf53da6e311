"""GET /sessions"""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model

from sessions.models import Session
from sessions.operations.lifecycle import archive_session, trash_session
from sessions.operations.sessions import update_session
from sessions.operations.tokens import create_token
from sessions.storage.workspaces import workspace_path
from tests.api.contract import assert_problem
from tests.factories import make_rows, make_session
from tests.statements import assert_statements, counted_statements

URL = "/api/v1/sessions"


def names(answer):
    return [row["name"] for row in answer.json()["sessions"]]


def listed(client, **parameters):
    return names(client.get(f"{URL}?{urlencode(parameters)}"))


@pytest.fixture
def several(alice):
    """Five sessions of Alice's that differ in everything one can ask for."""
    when = datetime(2026, 5, 1, tzinfo=UTC)
    for number, (name, fields) in enumerate(
        {
            "delta": {"tags": ["red", "blue"], "model": "m1"},
            "alpha": {"tags": ["red"], "phase": "execution"},
            "charlie": {"tags": ["green"], "model": "m1"},
            "bravo": {},
            "echo": {"tags": ["blue"]},
        }.items()
    ):
        session = make_session(alice, name, **fields)
        if name == "alpha":
            update_session(actor=alice, session_id=session.pk, pinned=True)
        times = {
            "created_at": when + timedelta(days=number),
            "updated_at": when - timedelta(days=number),
            "last_accessed": when + timedelta(days=(number * 2) % 5),
        }
        Session.objects.filter(pk=session.pk).update(**times)
        if name == "bravo":
            archive_session(actor=alice, session_id=session.pk)
        if name == "echo":
            trash_session(actor=alice, session_id=session.pk)


def test_active_ones_with_the_pinned_first(owner, several):
    answer = owner.get(URL)
    assert names(answer) == ["alpha", "delta", "charlie"]
    assert answer.json()["count"] == 3
    assert answer.json()["next"] is None


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"status": "active"}, ["alpha", "delta", "charlie"]),
        ({"status": "archived"}, ["bravo"]),
        ({"status": "deleted"}, ["echo"]),
        ({"include_archived": "true"}, ["alpha", "bravo", "delta", "charlie"]),
        ({"include_archived": "false"}, ["alpha", "delta", "charlie"]),
        ({"pinned": "true"}, ["alpha"]),
        ({"pinned": "false"}, ["delta", "charlie"]),
        ({"tags": "red"}, ["alpha", "delta"]),
        ({"tags": " RED , green"}, ["alpha", "delta", "charlie"]),
        ({"tags_all": "red,blue"}, ["delta"]),
        ({"tags": "green", "tags_all": "red"}, []),
        ({"model": "m1"}, ["delta", "charlie"]),
        ({"model": "M1"}, []),
        ({"phase": "Execution"}, ["alpha"]),
        ({"shared": "true"}, []),
        ({"shared": "false"}, ["alpha", "delta", "charlie"]),
        ({"scope": "owned"}, ["alpha", "delta", "charlie"]),
        ({"scope": "all"}, ["alpha", "delta", "charlie"]),
        ({"scope": "shared"}, []),
        ({"sort": "name"}, ["alpha", "charlie", "delta"]),
        ({"sort": "-name"}, ["alpha", "delta", "charlie"]),
        ({"sort": "created_at"}, ["alpha", "delta", "charlie"]),
        ({"sort": "-created_at"}, ["alpha", "charlie", "delta"]),
        ({"sort": "updated_at"}, ["alpha", "charlie", "delta"]),
        ({"sort": "last_accessed"}, ["alpha", "delta", "charlie"]),
        ({"sort": "-last_accessed"}, ["alpha", "charlie", "delta"]),
        ({"limit": 1}, ["alpha"]),
        ({"limit": 2, "offset": 1}, ["delta", "charlie"]),
        ({"offset": 9}, []),
        ({"offset": 2**31 - 1, "limit": 200}, []),
    ],
)
def test_filters_and_orders(owner, several, parameters, expected):
    assert listed(owner, **parameters) == expected


def test_by_owner(owner, several, alice, mallory):
    assert len(listed(owner, owner_id=alice.pk)) == 3
    answer = owner.get(f"{URL}?owner_id={mallory.pk}").json()
    assert answer == {"sessions": [], "next": None, "count": 0}


def test_only_what_one_may_see(stranger, anybody, several, mallory):
    assert listed(stranger) == []
    make_session(mallory, "mine")
    assert listed(stranger) == ["mine"]
    assert_problem(anybody.get(URL), 401, "not_authenticated")


def test_a_token_of_one_session_sees_that(api, alice, several):
    session = Session.objects.get(name="delta")
    limited = api(create_token(actor=alice, name="one", session_id=session.pk)[1])
    assert limited.get(URL).json()["count"] == 1
    assert listed(limited) == ["delta"]


@pytest.mark.parametrize("sort", ["-updated_at", "updated_at", "name", "-name", "-created_at", "last_accessed"])
def test_walking_by_cursor_shows_each_once(owner, alice, sort):
    make_rows(alice, 7)
    make_rows(alice, 3, pinned=True)
    whole = listed(owner, sort=sort)
    walked, cursor, pages = [], None, 0
    while cursor is not None or not pages:
        answer = owner.get(
            f"{URL}?{urlencode({'sort': sort, 'limit': 3} | ({'cursor': cursor} if cursor else {}))}"
        ).json()
        assert ("count" in answer) == (cursor is None)
        walked += [row["name"] for row in answer["sessions"]]
        cursor, pages = answer["next"], pages + 1
    assert pages == 4
    assert walked == whole
    assert len(whole) == 10


def test_counts_are_exact_and_can_be_left_out(owner, alice):
    make_rows(alice, 12, tags=["a"])
    assert owner.get(f"{URL}?limit=5").json()["count"] == 12
    assert owner.get(f"{URL}?limit=5&tags=a").json()["count"] == 12
    assert "count" not in owner.get(f"{URL}?limit=5&count=false").json()


@pytest.mark.parametrize(
    ("query", "loc"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=five", "limit"),
        ("limit=5.5", "limit"),
        ("limit=%205", "limit"),
        ("limit=1_0", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("offset=-1", "offset"),
        ("cursor=x", "cursor"),
        ("cursor=bnVsbA", "cursor"),
        ("cursor=&limit=2", "cursor"),
        ("status=gone", "status"),
        ("pinned=yes", "pinned"),
        ("sort=colour", "sort"),
        ("tags=", "tags"),
        ("tags=a,,b", "tags"),
        ("tags_all=%20", "tags_all"),
        ("phase=lunch", "phase"),
        ("scope=world", "scope"),
        ("owner_id=alice", "owner_id"),
        ("model=a%00b", "model"),
        ("limt=5", "limt"),
        ("limit=5&limit=6", "limit"),
    ],
)
def test_bad_parameters(owner, query, loc):
    problem = assert_problem(owner.get(f"{URL}?{query}"), 422, "invalid")
    assert [error["loc"] for error in problem["errors"]] == [loc]


def test_a_cursor_belongs_to_its_order(owner, alice):
    make_rows(alice, 3)
    cursor = owner.get(f"{URL}?limit=1&sort=name").json()["next"]
    assert_problem(owner.get(f"{URL}?limit=1&sort=-name&cursor={cursor}"), 422)
    assert_problem(owner.get(f"{URL}?limit=1&sort=name&cursor={cursor}&offset=2"), 422)


def test_statements_do_not_grow_with_rows(owner, alice):
    make_rows(alice, 2, tags=["a"])
    owner.get(URL)  # the token's last use is noted once a minute
    with counted_statements() as few:
        owner.get(URL)
    make_rows(alice, 60, tags=["a", "b"])
    with assert_statements(at_most=4) as many:
        assert owner.get(f"{URL}?limit=200").json()["count"] == 62
    assert len(many) == len(few)


def test_a_row_that_was_listed_before_follows_every_change(owner, alice, session):
    def listed_row():
        (row,) = owner.get(URL).json()["sessions"]
        single = owner.get(f"{URL}/{session.pk}?messages_limit=0").json()
        assert row == {name: value for name, value in single.items() if not name.startswith("messages")}
        return row

    rows = [listed_row()]
    (workspace_path(session.pk) / "content" / "notes.md").write_text("x")
    rows.append(listed_row())
    (workspace_path(session.pk) / ".mcp-vector-search").mkdir()
    rows.append(listed_row())
    update_session(actor=alice, session_id=session.pk, tags=["red"], metadata={"long": "x" * 5_000})
    rows.append(listed_row())
    Session.objects.filter(pk=session.pk).update(ttl_seconds=60)  # without a new version
    rows.append(listed_row())
    get_user_model().objects.filter(pk=alice.pk).update(username="Alicia")
    rows.append(listed_row())
    assert [row["content_count"] for row in rows] == [0, 1, 1, 1, 1, 1]
    assert [row["is_indexed"] for row in rows] == [False, False, True, True, True, True]
    assert [row["tags"] for row in rows] == [[], [], [], ["red"], ["red"], ["red"]]
    assert [row["expires_at"] is None for row in rows] == [True] * 4 + [False] * 2
    assert [row["owner"] for row in rows] == ["alice"] * 5 + ["Alicia"]


def test_the_count_stands_on_an_empty_page_too(owner, alice):
    make_rows(alice, 3)
    assert owner.get(f"{URL}?offset=7").json() == {"sessions": [], "next": None, "count": 3}


def test_wrong_method(owner):
    answer = owner.delete(URL)
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD, POST"
