"""PATCH and PUT /sessions/{id}"""

import pytest
from django.db import connection

from sessions.models import Session
from sessions.operations.lifecycle import archive_session, trash_session
from sessions.storage import workspaces
from tests.api.contract import ContractClient, assert_problem
from tests.factories import make_session
from tests.statements import assert_statements


@pytest.fixture(params=["patch", "put"])
def change(request, owner, url):
    """Sends a change by either method."""
    return lambda body, **more: getattr(owner, request.param)(url, body, **more)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"name": " New "}, {"name": "New"}),
        ({"description": "d"}, {"description": "d"}),
        ({"pinned": True}, {"pinned": True}),
        ({"tags": ["B", "a"]}, {"tags": ["a", "b"]}),
        ({"model": "m"}, {"model": "m"}),
        ({"tool_settings": {"tools": []}}, {"tool_settings": {"tools": []}}),
        ({"agent_settings": {"enabled_agents": ["x"]}}, {"agent_settings": {"enabled_agents": ["x"]}}),
        ({"context_window_config": {"x": [1]}}, {"context_window_config": {"x": [1]}}),
        ({"configuration": {"llm_model": None}}, {"configuration": {"llm_model": None}}),
        ({"metadata": {"a": 1}}, {"metadata": {"a": 1}}),
        ({"ttl_seconds": 60}, {"ttl_seconds": 60}),
        ({"summary": "It is short."}, {"summary": "It is short."}),
        ({"summary": {"summary": "s", "topics": ["t"]}}, {"summary": {"summary": "s", "topics": ["t"]}}),
        ({"summary_model": "m"}, {"summary_model": "m"}),
        ({"phase": "VERIFICATION"}, {"phase": "verification"}),
        ({"archived": True}, {"archived": True, "status": "archived"}),
        ({"status": "archived"}, {"archived": True, "status": "archived"}),
        ({"status": "archived", "archived": True}, {"archived": True, "status": "archived"}),
        ({"archived": False}, {"archived": False, "status": "active"}),
        ({"status": "active"}, {"archived": False, "status": "active"}),
    ],
)
def test_only_what_is_sent_changes(owner, session, url, change, body, expected):
    before = owner.get(f"{url}?messages_limit=0").json()
    answer = change(body)
    assert answer.status_code == 200
    after = answer.json()
    assert {name: after[name] for name in expected} == expected
    assert answer.headers["ETag"] == f'"{after["version"]}"'
    moving = {*expected, "version", "updated_at", "archived_at", "expires_at"}
    assert {name: value for name, value in after.items() if name not in moving} == {
        name: value for name, value in before.items() if name in after and name not in moving
    }
    read = owner.get(f"{url}?messages_limit=0").json()
    assert {name: read[name] for name in after} == after


def test_many_things_at_once(change):
    body = {"name": "New", "tags": ["a"], "pinned": True, "archived": True}
    after = change(body).json()
    assert (after["name"], after["tags"], after["pinned"], after["status"]) == ("New", ["a"], True, "archived")


@pytest.mark.parametrize(
    ("field", "value", "empty"),
    [
        ("description", "d", ""),
        ("model", "m", None),
        ("phase", "idea", None),
        ("summary", "s", None),
        ("summary_model", "m", None),
        ("ttl_seconds", 5, None),
        ("tags", ["a"], []),
        ("tool_settings", {"tools": ["a"]}, {}),
        ("agent_settings", {"enabled_agents": ["a"]}, {}),
        ("context_window_config", {"a": 1}, {}),
        ("configuration", {"llm_model": "a"}, {}),
    ],
)
def test_null_clears(change, field, value, empty):
    assert change({field: value}).json()[field] == value
    assert change({field: None}).json()[field] == empty


def test_metadata_is_merged(change):
    change({"metadata": {"a": 1, "b": {"x": 1}}})
    assert change({"metadata": {"b": {"y": 2}, "c": 3}}).json()["metadata"] == {"a": 1, "b": {"y": 2}, "c": 3}
    assert change({"metadata": {"a": None, "nowhere": None}}).json()["metadata"] == {"b": {"y": 2}, "c": 3}


def test_nothing_to_change_keeps_the_version(owner, url, change):
    before = owner.get(f"{url}?messages_limit=0").json()
    for body in ({}, {"name": before["name"]}, {"archived": False}, {"tags": []}, {"metadata": {}}):
        assert change(body).json()["version"] == before["version"]


def test_to_the_trash_and_no_further(owner, session, url, change):
    assert change({"status": "deleted", "name": "Bin"}).json()["workspace_path"] is None
    session.refresh_from_db()
    assert (session.status, session.name) == ("deleted", "Bin")
    for body in ({"status": "active"}, {"archived": True}, {"name": "x"}, {}):
        assert_problem(change(body), 404, "session_not_found")


@pytest.mark.django_db(transaction=True)
def test_the_workspace_follows_into_the_trash(owner, session, url):
    owner.patch(url, {"status": "deleted"})
    assert workspaces.trashed_path(session.pk).is_dir()
    assert not workspaces.workspace_path(session.pk).exists()


def test_an_archived_one_is_renamed_and_brought_back(owner, session, url, alice):
    archive_session(actor=alice, session_id=session.pk)
    assert owner.patch(url, {"name": "x"}).json()["status"] == "archived"
    assert owner.patch(url, {"archived": False}).json()["archived_at"] is None


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"pinned": None}, "pinned"),
        ({"pinned": 1}, "pinned"),
        ({"archived": "true"}, "archived"),
        ({"archived": True, "status": "active"}, "archived"),
        ({"archived": True, "status": "deleted"}, "archived"),
        ({"archived": False, "status": "archived"}, "archived"),
        ({"status": "trashed"}, "status"),
        ({"metadata": None}, "metadata"),
        ({"summary": 5}, "summary"),
        ({"summary": {"topics": []}}, "summary.summary"),
        ({"summary": {"summary": "s", "mood": "m"}}, "summary.mood"),
        ({"tags": ["a", 5]}, "tags[1]"),
        ({"messages": []}, "messages"),
        ({"owner_id": 1}, "owner_id"),
        ({"version": 9}, "version"),
        ({"preview": "p"}, "preview"),
    ],
)
def test_bad_values_change_nothing(change, session, body, loc):
    problem = assert_problem(change({"description": "changed"} | body), 422, "invalid")
    assert [error["loc"] for error in problem["errors"]] == [loc]
    session.refresh_from_db()
    assert (session.description, session.version) == ("", 1)


REFUSE_A_STATUS = {
    "sqlite": [
        "CREATE TRIGGER refuse BEFORE UPDATE OF status ON research_session WHEN OLD.status <> NEW.status "
        "BEGIN SELECT RAISE(ABORT, 'refused'); END"
    ],
    "postgresql": [
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE integrity_constraint_violation; END $$",
        "CREATE TRIGGER refuse BEFORE UPDATE OF status ON research_session FOR EACH ROW "
        "WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION refuse()",
    ],
}


def test_all_or_nothing(alice_token, session, url):
    """The name is changed first; the database then refuses the status."""
    with connection.cursor() as cursor:
        for statement in REFUSE_A_STATUS[connection.vendor]:
            cursor.execute(statement)
    client = ContractClient(alice_token, raise_request_exception=False)
    assert_problem(client.patch(url, {"name": "changed", "archived": True}), 500, "server_error")
    session.refresh_from_db()
    assert (session.status, session.version, session.name) == ("active", 1, "Mosses of the north")


def test_if_match(change, session):
    assert change({"name": "a"}, headers={"If-Match": '"1"'}).json()["version"] == 2
    problem = assert_problem(change({"name": "b", "archived": True}, headers={"If-Match": '"1"'}), 412, "stale_version")
    assert problem["state"] == {"session_id": str(session.pk), "version": 2}
    assert change({"archived": True}, headers={"If-Match": 'W/"2"'}).json()["version"] == 3
    assert change({"name": "b"}, headers={"If-Match": "*"}).json()["version"] == 4
    for tag in ('"x"', '"99999999999999999999"', '""'):
        assert_problem(change({"name": "c"}, headers={"If-Match": tag}), 412)
    for tag in ('"4", "5"', "4", "", '"'):
        assert_problem(change({"name": "c"}, headers={"If-Match": tag}), 422)
    session.refresh_from_db()
    assert (session.name, session.status) == ("b", "archived")


def test_who_may(anybody, stranger, reader, url, session):
    assert_problem(anybody.patch(url, {"name": "x"}), 401)
    assert_problem(stranger.patch(url, {"name": "x"}), 404)
    assert_problem(reader.patch(url, {"name": "x"}), 403, "read_only_token")
    session.refresh_from_db()
    assert session.version == 1


def test_by_the_short_id(owner, session):
    assert owner.patch(f"/api/v1/sessions/{session.short_id}", {"name": "x", "archived": True}).json()["archived"]


def test_statements(owner, alice, url):
    owner.get(url)
    with assert_statements(at_most=4):
        owner.patch(url, {"name": "A name"})
    tagged = make_session(alice, tags=["a", "b", "c"])
    with assert_statements(at_most=4):
        owner.patch(f"/api/v1/sessions/{tagged.pk}", {"pinned": True})
    assert Session.objects.get(pk=tagged.pk).pinned


def test_a_trashed_one_is_not_there(owner, session, url, alice):
    trash_session(actor=alice, session_id=session.pk)
    assert_problem(owner.patch(url, {"name": "x"}), 404)
