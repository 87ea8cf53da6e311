"""Every route × everybody who may come: a route that declares no expectation fails.

Routes are read from the URL configuration, so that nothing answers that isn't listed here.
"""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.urls import get_resolver
from django.utils import timezone

from sessions.models import ApiToken, Import, JobKind, Membership, Scope, Session, ShareLink
from sessions.operations.editing import edit_message
from sessions.operations.files import put_file
from sessions.operations.jobs.queue import start_job
from sessions.operations.runs.artifacts import set_artifact
from sessions.operations.runs.tasks import NewTask, set_tasks
from sessions.operations.sharing import remove_member
from sessions.operations.tokens import create_token, revoke_token
from tests.api.contract import BASE, ContractClient, assert_problem, operations
from tests.factories import make_session, share
from tests.routes import routes

ACTORS = (
    *("anonymous", "stranger", "stranger_signed_in", "owner", "owner_signed_in", "owner_without_csrf", "reader"),
    *("viewer", "viewer_signed_in", "editor", "editor_signed_in", "former"),
    *("administrator", "administrator_signed_in", "limited_here", "limited_elsewhere"),
    *("disabled", "disabled_signed_in", "revoked", "expired"),
)
# What everybody may is one rule over every database: on PostgreSQL one of each kind asks.
FEW = ("anonymous", "stranger", "viewer", "editor", "owner", "owner_signed_in")
ASKING = ACTORS if connection.vendor == "sqlite" else FEW
NOBODY = dict.fromkeys(("anonymous", "disabled", "disabled_signed_in", "revoked", "expired"), 401)
STRANGERS = (
    "stranger",
    "stranger_signed_in",
    "former",
    "administrator",
    "administrator_signed_in",
    "limited_elsewhere",
)
VIEWERS, EDITORS = ("viewer", "viewer_signed_in"), ("editor", "editor_signed_in")
CSRF = {"owner_without_csrf": 403}


def public(status: int = 200) -> dict[str, int]:
    """The same for everybody, whatever credentials are sent."""
    return dict.fromkeys(ACTORS, status)


def ones_own(status: int = 200) -> dict[str, int]:
    """For everybody who is known: each has their own."""
    return dict.fromkeys(ACTORS, status) | NOBODY


def reading(status: int = 200) -> dict[str, int]:
    """For the owner and everybody with whom they share it, by any way in."""
    return dict.fromkeys(ACTORS, status) | NOBODY | dict.fromkeys(STRANGERS, 404)


def writing(status: int = 200) -> dict[str, int]:
    """For the owner and editors, but not with a token that only reads."""
    return reading(status) | CSRF | dict.fromkeys(("reader", *VIEWERS), 403)


def owning(status: int = 200) -> dict[str, int]:
    """For the owner alone."""
    return writing(status) | dict.fromkeys(EDITORS, 403)


MAKING = ones_own(201) | CSRF | {"reader": 403, "limited_here": 403, "limited_elsewhere": 403}

NO_OTHERS = {"limited_here": 403, "limited_elsewhere": 403}  # tokens for one session make no others
# For administrators, and nobody else's.
ADMINISTRATING = dict.fromkeys(ACTORS, 403) | NOBODY | dict.fromkeys(("administrator", "administrator_signed_in"), 200)

# An import makes nothing twice: of two ways in, the second finds the session there.
IMPORTING = MAKING | dict.fromkeys(
    ("owner_signed_in", "stranger_signed_in", "administrator_signed_in", "viewer_signed_in", "editor_signed_in"), 200
)
# Undoing somebody else's import is 404 for everybody else: imports aren't shared.
UNDOING = owning() | dict.fromkeys((*VIEWERS, *EDITORS), 404) | {"limited_here": 403, "limited_elsewhere": 403}

# Jobs are for those who started them; a token for one session sees those that such a token started.
JOBS = owning() | dict.fromkeys((*VIEWERS, *EDITORS, "limited_here", "limited_elsewhere"), 404)

# (method, route): a body, and what each actor gets.
EXPECTED: dict[tuple[str, str], tuple[object, dict[str, int]]] = {
    ("GET", "openapi.json"): (None, public()),
    ("GET", "docs"): (None, public()),
    ("GET", "version"): (None, public()),
    ("GET", "health"): (None, public()),
    ("GET", "me"): (None, ones_own()),
    ("GET", "search"): (None, ones_own()),
    ("GET", "retention-policy"): (None, ADMINISTRATING),
    ("PUT", "retention-policy"): ({"trash_days": 20}, ADMINISTRATING),
    ("POST", "cleanup"): ({"dry_run": False}, ADMINISTRATING),
    ("GET", "sessions/retention-policy"): (None, ADMINISTRATING),
    ("PUT", "sessions/retention-policy"): ({"trash_days": 21}, ADMINISTRATING),
    ("POST", "sessions/cleanup"): ({"dry_run": True}, ADMINISTRATING),
    ("GET", "events"): (None, ones_own()),
    ("GET", "jobs"): (None, ones_own()),
    ("GET", "jobs/<job_id>"): (None, JOBS | {"owner_without_csrf": 200, "reader": 200}),
    ("POST", "jobs/<job_id>/cancel"): (None, JOBS),
    ("GET", "sessions/<session_id>/events"): (None, reading()),
    ("GET", "sessions"): (None, ones_own()),
    ("POST", "sessions"): ({"name": "x"}, MAKING),
    ("POST", "sessions/import"): ({"session": {"session_id": "x"}, "messages": []}, IMPORTING),
    ("GET", "sessions/export"): (None, ones_own()),
    ("POST", "imports/<import_id>/undo"): (None, UNDOING),
    ("GET", "sessions/<session_id>"): (None, reading()),
    ("GET", "sessions/<session_id>/export"): (None, reading()),
    ("POST", "sessions/<session_id>/fork"): ({}, writing(201) | NO_OTHERS | dict.fromkeys(VIEWERS, 201)),
    ("GET", "sessions/compare"): (None, ones_own(400)),  # without ids
    ("POST", "sessions/merge"): (
        {"source_session_ids": ["0" * 10, "1" * 10]},
        ones_own(404) | CSRF | {"reader": 403} | NO_OTHERS,
    ),
    ("POST", "sessions/<session_id>/split"): (
        {"parts": [{"name": "x", "message_ranges": [[0, 0]]}]},
        owning(201) | NO_OTHERS,
    ),
    ("POST", "sessions/bulk"): ({"session_ids": ["0" * 10], "action": "pin"}, ones_own() | CSRF | {"reader": 403}),
    ("PATCH", "sessions/<session_id>"): ({"name": "x"}, writing()),
    ("PUT", "sessions/<session_id>"): ({"name": "x"}, writing()),
    ("DELETE", "sessions/<session_id>"): (None, owning(204)),
    ("POST", "sessions/<session_id>/archive"): (None, owning()),
    ("POST", "sessions/<session_id>/restore"): (None, owning()),
    ("GET", "sessions/<session_id>/messages"): (None, reading()),
    ("POST", "sessions/<session_id>/messages"): ({"role": "user", "content": "x"}, writing(201)),
    ("PUT", "sessions/<session_id>/messages/<index>"): ({"content": "x"}, writing()),
    ("GET", "sessions/<session_id>/collaborators"): (None, reading()),
    ("POST", "sessions/<session_id>/share"): ({"usernames": ["mallory"], "permissions": ["read"]}, owning()),
    ("DELETE", "sessions/<session_id>/share/<user_id>"): (None, owning(204)),
    ("GET", "sessions/<session_id>/links"): (None, reading()),
    ("POST", "sessions/<session_id>/links"): ({}, owning(201)),
    ("DELETE", "sessions/<session_id>/links/<link_id>"): (None, owning(204)),
    ("GET", "models"): (None, ones_own()),
    ("POST", "chat"): ({"message": "x"}, MAKING),
    ("POST", "turns"): ({"user": "x", "assistant": "y"}, MAKING),
    ("GET", "sessions/<session_id>/revisions"): (None, reading()),
    ("POST", "sessions/<session_id>/revisions/<number>/restore"): (None, writing()),
    ("PUT", "sessions/<session_id>/system-prompt"): ({"content": "x"}, writing()),
    ("DELETE", "sessions/<session_id>/system-prompt"): (
        None,
        writing() | dict.fromkeys(("owner", "owner_signed_in", "limited_here", *EDITORS), 400),
    ),
    ("GET", "sessions/<session_id>/files"): (None, reading()),
    ("GET", "sessions/<session_id>/files/<path>"): (None, reading()),
    ("PUT", "sessions/<session_id>/files/<path>"): ("x", writing(201)),
    ("DELETE", "sessions/<session_id>/files/<path>"): (None, writing(204)),
    ("GET", "sessions/<session_id>/index"): (None, reading()),
    ("POST", "sessions/<session_id>/index"): (None, writing(202)),
    ("POST", "sessions/<session_id>/index/cancel"): (None, writing()),
    ("GET", "sessions/<session_id>/points"): (None, reading()),
    ("POST", "sessions/<session_id>/points"): ({"points": [{"point_id": 1, "vector": [1]}]}, writing()),
    ("DELETE", "sessions/<session_id>/points"): ({"point_ids": [1]}, writing()),
    ("POST", "sessions/<session_id>/points/search"): ({"vector": [1]}, reading() | CSRF),
    ("GET", "sessions/<session_id>/stats"): (None, reading()),
    ("PUT", "sessions/<session_id>/stats"): ({"urls_processed": 1}, writing()),
    ("PUT", "sessions/<session_id>/model-usage"): ({"model_type": "llm", "model_name": "x"}, writing()),
    ("GET", "sessions/<session_id>/progress"): (None, reading()),
    ("PUT", "sessions/<session_id>/phase"): ({"phase": "idea"}, writing()),
    ("POST", "sessions/<session_id>/fail"): ({"reason": "x"}, writing()),
    ("POST", "sessions/<session_id>/abort"): ({}, writing()),
    ("POST", "sessions/<session_id>/reopen"): (None, writing()),
    ("POST", "sessions/<session_id>/answers"): ({"question_id": "q", "answer": 1}, writing(201)),
    ("GET", "sessions/<session_id>/artifacts/<kind>"): (None, reading()),
    ("PUT", "sessions/<session_id>/artifacts/<kind>"): ({"data": 1}, writing()),
    ("PUT", "sessions/<session_id>/tasks"): ({"tasks": []}, writing()),
    ("PATCH", "sessions/<session_id>/tasks/<task_id>"): ({"status": "active"}, writing()),
    ("GET", "sessions/<session_id>/errors"): (None, reading()),
    ("POST", "sessions/<session_id>/errors"): ({"error_message": "x"}, writing(201)),
    ("GET", "sessions/<session_id>/logs"): (None, reading()),
    ("POST", "sessions/<session_id>/logs"): ({"message": "x"}, writing(201)),
    ("PUT", "sessions/<session_id>/clarification"): ({"question": "x"}, writing()),
    ("POST", "sessions/<session_id>/clarification/answer"): (
        {"answer": "x"},
        writing() | dict.fromkeys(("owner", "owner_signed_in", "limited_here", *EDITORS), 409),  # nothing was asked
    ),
}
# Routes where there is nothing, for anybody.
NOTHING = {"^api(?:/|/v1/)?$", "api/<path:rest>", "api/v1/"}


def test_every_route_declares_what_to_expect():
    configured = {route for route in routes(get_resolver()) if route.lstrip("^").startswith("api")} - NOTHING
    configured = {route.replace("<path:path>", "<path>") for route in configured}
    assert configured == {f"api/v1/{route}" for _, route in EXPECTED}


def test_every_operation_declares_what_to_expect():
    documented = {
        (method, path.removeprefix(f"{BASE}/").replace("{", "<").replace("}", ">")) for method, path, _ in operations()
    }
    assert documented | {("GET", "openapi.json"), ("GET", "docs")} == set(EXPECTED)


@pytest.fixture
def clients(alice, bob, vera, mallory, ada, session) -> dict[str, ContractClient]:
    """A client for each actor."""
    dora = User.objects.create_user("dora", password="x")

    def with_token(user: User, **options) -> ContractClient:
        return ContractClient(create_token(actor=user, name="t", **options)[1])

    def signed_in(user: User, *, csrf: bool = True) -> ContractClient:
        client = ContractClient(enforce_csrf_checks=True)
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        if csrf:
            client.cookies["csrftoken"] = "c" * 32
            client.headers_of_login = {"X-CSRFToken": "c" * 32}
        return client

    forrest = User.objects.create_user("forrest", password="x")
    share(session, editor=bob, viewer=vera)
    share(session, editor=forrest)
    remove_member(actor=alice, session_id=session.pk, user_id=forrest.pk)
    elsewhere = make_session(alice, "another")
    found = {
        "anonymous": ContractClient(),
        "stranger": with_token(mallory),
        "stranger_signed_in": signed_in(mallory),
        "owner": with_token(alice),
        "owner_signed_in": signed_in(alice),
        "owner_without_csrf": signed_in(alice, csrf=False),
        "reader": with_token(alice, scope=Scope.READ),
        "viewer": with_token(vera),
        "viewer_signed_in": signed_in(vera),
        "editor": with_token(bob),
        "editor_signed_in": signed_in(bob),
        "former": with_token(forrest),
        "administrator": with_token(ada),
        "administrator_signed_in": signed_in(ada),
        "limited_here": with_token(alice, session_id=session.pk),
        "limited_elsewhere": with_token(alice, session_id=elsewhere.pk),
        "disabled": with_token(dora),
        "disabled_signed_in": signed_in(dora),
    }
    User.objects.filter(pk=dora.pk).update(is_active=False)
    revoked, plain = create_token(actor=alice, name="revoked")
    revoke_token(actor=alice, token_id=revoked.pk)
    found["revoked"] = ContractClient(plain)
    expired, plain = create_token(actor=alice, name="expired", expires_at=timezone.now() + timedelta(hours=1))
    ApiToken.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    found["expired"] = ContractClient(plain)
    assert tuple(sorted(found)) == tuple(sorted(ACTORS))
    return found


@pytest.mark.parametrize(("method", "route"), sorted(EXPECTED))
def test_who_gets_what(clients, alice, session, method, route, model_server, indexer):
    body, expected = EXPECTED[method, route]
    if "revisions" in route:
        edit_message(actor=alice, session_id=session.pk, index=2, content="better")
    if "<kind>" in route:
        set_artifact(actor=alice, session_id=session.pk, kind="concept", data=1)
    if "<task_id>" in route:
        set_tasks(actor=alice, session_id=session.pk, tasks=[NewTask("a")])
    session.refresh_from_db()
    before = session.version
    batch = Import.objects.create(owner=alice)
    job = start_job(actor=alice, kind=JobKind.EMPTY_TRASH, subject="1 session")
    route = route.replace("<import_id>", str(batch.pk)).replace("<job_id>", str(job.pk))
    path = f"{BASE}/{route}".replace("<session_id>", str(session.pk)).replace("<index>", "0").replace("<number>", "1")
    path = path.replace("<kind>", "concept").replace("<task_id>", "a").replace("<path>", "content/a")
    # Those who are refused come first: what the others do would hide it.
    mona = User.objects.create_user("mona")
    for actor in sorted(ASKING, key=lambda actor: expected[actor] < 400):
        Membership.objects.get_or_create(session=session, user=mona)
        link = ShareLink.objects.create(session=session, digest=actor)
        Session.objects.filter(pk=session.pk, status="deleted").update(status="active")
        if "<path>" in route and not session.in_trash:
            put_file(actor=alice, session_id=session.pk, path="content/a", blocks=[b"a"], size=1)
        answer = clients[actor].generic(
            method,
            path.replace("<user_id>", str(mona.pk)).replace("<link_id>", str(link.pk)),
            "" if body is None else ContractClient()._encode_json(body, "application/json"),
            "application/json",
            headers=getattr(clients[actor], "headers_of_login", {}),
        )
        assert answer.status_code == expected[actor], (actor, answer.content[:300])
        if expected[actor] >= 400:
            assert_problem(answer, expected[actor])
            session.refresh_from_db()
            assert (session.version, session.status) == (before, "active"), f"{actor} changed something"
            assert ShareLink.objects.filter(pk=link.pk, revoked_at=None).exists()
