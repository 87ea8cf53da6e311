"""People and links over the API, and what everybody sees of sessions that are shared."""

from datetime import timedelta

import pytest
from django.utils import timezone

from sessions.models import Scope, ShareLink
from sessions.operations.lifecycle import archive_session, trash_session
from sessions.operations.runs.phases import set_phase
from sessions.operations.sharing import remove_member
from sessions.operations.tokens import create_token
from tests.api.contract import BASE, ContractClient, assert_problem
from tests.factories import make_session, share, user_message
from tests.statements import assert_statements

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(alice, bob, vera):
    """Alice's session, which Bob edits and Vera views."""
    made = make_session(alice, "Lichens", messages=[user_message("about kelp")], tags=["moss"])
    return share(made, editor=bob, viewer=vera)


@pytest.fixture
def as_user():
    """`as_user(bob)` is a client with a token of his."""
    return lambda user, **options: ContractClient(create_token(actor=user, name="t", **options)[1])


def names(answer) -> list[str]:
    return sorted(session["name"] for session in answer.json()["sessions"])


def test_sharing_by_name_and_id(as_user, alice, bob, vera, mallory):
    session = make_session(alice)
    client, path = as_user(alice), f"{BASE}/sessions/{session.pk}"
    answer = client.post(
        f"{path}/share",
        {"usernames": ["bob"], "user_ids": [vera.pk], "permissions": ["read", "write"]},
        headers={"If-Match": '"1"'},
    )
    assert answer.status_code == 200
    people = [(person["username"], person["role"]) for person in answer.json()["collaborators"]]
    assert people == [("bob", "editor"), ("vera", "editor")]
    demoted = client.post(f"{path}/share", {"usernames": ["vera"], "permissions": ["read"]}).json()
    assert demoted["collaborators"][1] == {"user_id": vera.pk, "username": "vera", "role": "viewer"}
    seen = as_user(vera).get(f"{path}/collaborators").json()
    assert (seen["owner"], seen["owner_id"], seen["total"]) == ("alice", alice.pk, 2)
    assert client.delete(f"{path}/share/{bob.pk}").status_code == 204
    assert as_user(vera).delete(f"{path}/share/{vera.pk}").status_code == 204, "one may leave"
    assert client.get(f"{path}/collaborators").json()["total"] == 0
    assert_problem(client.delete(f"{path}/share/{mallory.pk}"), 404, "member_not_found")


@pytest.mark.parametrize(
    "body",
    [
        {"usernames": ["bob"]}, {"permissions": ["read"]}, {"usernames": ["bob"], "permissions": ["write"]},
        {"usernames": ["bob"], "permissions": []}, {"usernames": ["bob"], "permissions": ["read", "read"]},
        {"usernames": [], "permissions": ["read"]}, {"usernames": ["bob"], "permissions": ["read"], "role": "editor"},
        {"usernames": ["nobody"], "permissions": ["read"]}, {"user_ids": [0], "permissions": ["read"]},
        {"user_ids": [2**63 - 1], "permissions": ["read"]}, {"usernames": ["alice"], "permissions": ["read"]},
    ],
)  # fmt: skip
def test_bodies_that_share_with_nobody(as_user, alice, bob, body):
    session = make_session(alice)
    answer = as_user(alice).post(f"{BASE}/sessions/{session.pk}/share", body)
    assert_problem(answer, 422)
    assert session.memberships.count() == 0


def test_links(as_user, alice, vera, session):
    client, path = as_user(alice), f"{BASE}/sessions/{session.pk}/links"
    until = timezone.now() + timedelta(days=1)
    answer = client.post(path, {"expires_at": until.isoformat(), "include_files": True})
    assert answer.status_code == 201
    link = answer.json()
    secret = link["url"].rstrip("/").rpartition("/")[2]
    assert link["url"] == f"http://testserver/shared/{secret}/"
    assert client.get(f"/shared/{secret}/").status_code == 200
    (listed,) = as_user(vera).get(path).json()["links"]
    assert listed == {key: value for key, value in link.items() if key != "url"}
    assert secret not in client.get(path).content.decode()
    assert secret not in str(ShareLink.objects.values())
    assert client.delete(f"{path}/{link['link_id']}").status_code == 204
    assert client.get(path).json() == {"links": [], "total": 0}
    assert client.get(f"/shared/{secret}/").status_code == 404
    assert_problem(client.post(path, {"expires_at": "2020-01-01T00:00:00Z"}), 422)


def test_what_a_viewer_may_not_is_told_and_what_a_stranger_may_not_is_hidden(as_user, vera, mallory, session):
    body = {"role": "user", "content": "x"}
    path = f"{BASE}/sessions/{session.pk}/messages"
    assert_problem(as_user(vera).post(path, body), 403, "role_too_low")
    assert_problem(as_user(mallory).post(path, body), 404, "session_not_found")
    assert_problem(as_user(vera, scope=Scope.READ).post(path, body), 403, "read_only_token")
    limited = as_user(vera, session_id=session.pk)
    assert limited.get(f"{BASE}/sessions/{session.pk}").json()["role"] == "viewer"


def test_roles_in_answers(as_user, alice, bob, vera, session):
    path = f"{BASE}/sessions/{session.pk}"
    for who, role in ((alice, "owner"), (bob, "editor"), (vera, "viewer")):
        for found in (as_user(who).get(path).json(), *as_user(who).get(f"{BASE}/sessions").json()["sessions"]):
            assert (found["role"], found["is_shared"], found["owner"], found["owner_id"]) == (
                role, True, "alice", alice.pk,
            )  # fmt: skip
    changed = as_user(bob).patch(path, {"name": "Kelp"}).json()
    assert (changed["owner"], changed["role"], changed["is_shared"]) == ("alice", "editor", True)
    assert as_user(bob).post(f"{BASE}/sessions", {"name": "x"}).json()["is_shared"] is False


def test_lists_by_scope(as_user, alice, bob, mallory, session):
    make_session(alice, "Alone")
    make_session(bob, "Bob's")
    archive_session(actor=mallory, session_id=share(make_session(mallory, "Put away"), viewer=bob).pk)
    trash_session(actor=mallory, session_id=share(make_session(mallory, "Thrown away"), viewer=bob).pk)
    client = as_user(bob)

    def listed(query: str) -> list[str]:
        answer = client.get(f"{BASE}/sessions?{query}")
        assert answer.json()["count"] == len(answer.json()["sessions"])
        return names(answer)

    assert listed("") == listed("scope=all") == ["Bob's", "Lichens"]
    assert listed("scope=owned") == listed("shared=false") == ["Bob's"]
    assert listed("scope=shared") == listed("shared=true") == listed(f"owner_id={alice.pk}") == ["Lichens"]
    assert listed("include_archived=true") == ["Bob's", "Lichens", "Put away"]
    assert listed("status=deleted") == listed(f"owner_id={mallory.pk}") == []
    assert listed("tags=moss") == listed("tags_all=moss&scope=shared") == listed("q=kelp") == ["Lichens"]
    assert names(as_user(alice).get(f"{BASE}/sessions?shared=true")) == ["Lichens"]
    assert names(as_user(alice).get(f"{BASE}/sessions?shared=false")) == ["Alone"]


def test_pages_of_one_s_own_and_others_sessions_in_one_order(as_user, alice, bob):
    for number in range(6):
        owner = (alice, bob)[number % 2]
        made = make_session(owner, f"Session {number}")
        if owner is alice:
            share(made, viewer=bob)
    client, found, cursor = as_user(bob), [], ""
    while cursor is not None:
        page = client.get(f"{BASE}/sessions?sort=name&limit=2{f'&cursor={cursor}' if cursor else ''}").json()
        found += [session["name"] for session in page["sessions"]]
        cursor = page["next"]
    assert found == [f"Session {number}" for number in range(6)]


def test_search_finds_what_one_may_see_from_the_next_request_on(as_user, alice, bob, vera, mallory, session):
    make_session(alice, "Kelp alone", messages=[user_message("kelp, secretly")])

    def hits(user) -> list[str]:
        answer = as_user(user).get(f"{BASE}/search?q=kelp").json()
        assert answer["count"] == len(answer["results"])
        return sorted(hit["session_name"] for hit in answer["results"])

    assert hits(bob) == hits(vera) == ["Lichens"]
    assert len(hits(alice)) == 3
    assert hits(mallory) == []
    assert [hit["session_name"] for hit in as_user(vera).get(f"{BASE}/search?q=tag:moss").json()["results"]] == [
        "Lichens"
    ]
    remove_member(actor=alice, session_id=session.pk, user_id=vera.pk)
    assert hits(vera) == []
    trash_session(actor=alice, session_id=session.pk)
    assert hits(bob) == []
    assert as_user(bob).get(f"{BASE}/search?q=kelp+status:deleted").json()["results"] == []


def test_who_was_let_out_is_out_everywhere(as_user, alice, bob, session):
    set_phase(actor=bob, session_id=session.pk, phase="idea")
    client, path = as_user(bob), f"{BASE}/sessions/{session.pk}"
    reads = ("", "/messages", "/revisions", "/files", "/progress", "/export", "/collaborators", "/links", "/logs")
    assert [client.get(path + read).status_code for read in reads] == [200] * len(reads)
    assert client.get(f"{BASE}/sessions/export?session_ids={session.pk}").status_code == 200
    etag = client.get(path).headers["ETag"]
    remove_member(actor=alice, session_id=session.pk, user_id=bob.pk)
    for read in reads:
        assert_problem(client.get(path + read, headers={"If-None-Match": etag}), 404)
    assert_problem(client.get(f"{BASE}/sessions/export?session_ids={session.pk}"), 404)


def test_statements(as_user, alice, bob, session):
    client, path = as_user(bob), f"{BASE}/sessions/{session.pk}"
    for method, where, body in (
        ("get", path, None), ("get", f"{BASE}/sessions", None), ("get", f"{path}/collaborators", None),
        ("post", f"{path}/messages", {"role": "user", "content": "x"}), ("patch", path, {"description": "x"}),
        ("post", f"{path}/logs", {"message": "x"}), ("get", f"{path}/links", None),
    ):  # fmt: skip
        getattr(client, method)(where, body) if body else client.get(where)
        with assert_statements(at_most=4):
            answer = (
                getattr(client, method)(
                    where, body and {**body, **({"description": "y"} if "description" in body else {})}
                )
                if body
                else client.get(where)
            )
        assert answer.status_code in (200, 201)
