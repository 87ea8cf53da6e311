"""Every page × everybody who may come: a route that declares no expectation fails.

Routes are read from the URL configuration. A new one declares here, for each method that it knows: what is sent, who it
is for (`own`, `reading`, `writing`, `owning`, `alone`, `public`) and what those get; everything else is 405.
"""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import get_resolver

from sessions.models import Event, Import, Job, JobKind, Membership, Scope, Session, ShareLink, Status
from sessions.operations.editing import edit_message
from sessions.operations.files import put_file
from sessions.operations.runs.artifacts import set_artifact
from sessions.operations.runs.clarifications import ask
from sessions.operations.sharing import make_link, remove_member
from sessions.operations.tokens import create_token
from tests.factories import make_session, share
from tests.routes import routes

pytestmark = pytest.mark.django_db

NOBODY = ("anonymous", "disabled", "read_token", "write_token")  # a token opens no page
STRANGERS = ("stranger", "former", "administrator")
ACTORS = (*NOBODY, *STRANGERS, "viewer", "editor", "owner")
# What everybody may is one rule over every database: on PostgreSQL one of each kind asks.
ASKING = ACTORS if connection.vendor == "sqlite" else ("anonymous", "stranger", "viewer", "editor", "owner")
SIGN_IN = 303
S = "sessions/<str:session_id>/"


def own(status: int) -> dict[str, int]:
    """For everybody who is signed in: each has their own."""
    return dict.fromkeys(ACTORS, status) | dict.fromkeys(NOBODY, SIGN_IN)


def reading(status: int) -> dict[str, int]:
    """For everybody who has the session."""
    return own(status) | dict.fromkeys(STRANGERS, 404)


def writing(status: int) -> dict[str, int]:
    """For its owner and editors."""
    return reading(status) | {"viewer": 403}


def owning(status: int) -> dict[str, int]:
    """For its owner."""
    return writing(status) | {"editor": 403}


def alone(status: int) -> dict[str, int]:
    """For its owner; for all others it isn't there."""
    return owning(status) | {"viewer": 404, "editor": 404}


def administrating(status: int) -> dict[str, int]:
    """For administrators."""
    return own(403) | {"administrator": status}


def public(status: int) -> dict[str, int]:
    """The same for everybody."""
    return dict.fromkeys(ACTORS, status)


def members(status: int) -> dict[str, int]:
    """For those who are in it without owning it."""
    return reading(status) | {"owner": 404}


# (method, route): what is sent, and what each actor gets. `{id}` and `{user}` are filled in.
EXPECTED: dict[tuple[str, str], tuple[dict[str, Any], dict[str, int]]] = {
    ("GET", "welcome/<str:token>/"): ({}, public(404)),
    ("POST", "welcome/<str:token>/"): ({}, public(404)),
    ("GET", "sign-in/"): ({}, public(200) | dict.fromkeys(set(ACTORS) - set(NOBODY), 302)),
    ("POST", "sign-in/"): ({}, public(422) | dict.fromkeys(set(ACTORS) - set(NOBODY), 302)),
    ("POST", "sign-out/"): ({}, public(302)),
    **{
        ("GET", route): ({}, own(200))
        for route in (
            *("", "pinned/", "archived/", "trash/", "trash/empty/", "shared-with-me/", "fleet/", "tags/", "search/"),
            *("palette/", "keys/", "insights/", "jobs/", "sessions/new/", "import/", "export/"),
            *("settings/", "settings/password/", "settings/tokens/"),
        )
    },
    ("POST", "trash/empty/"): ({}, own(303)),
    ("GET", "live/"): ({}, own(303)),
    ("POST", "sessions/new/"): ({"name": "x"}, own(303)),
    ("POST", "sessions/actions/"): ({"archive": "{id}"}, owning(303)),
    ("GET", "sessions/delete/"): ({"id": "{id}"}, alone(200)),
    ("POST", "sessions/delete/"): ({"id": "{id}", "confirmed": "yes"}, alone(303)),
    ("GET", "import/progress/"): ({}, own(303)),  # none is under way
    ("POST", "import/"): ({}, own(422)),
    ("GET", "import/<str:import_id>/"): ({}, alone(200)),
    ("POST", "import/<str:import_id>/undo/"): ({}, alone(303)),
    ("GET", "jobs/<str:job_id>/"): ({}, alone(200)),
    ("POST", "jobs/<str:job_id>/cancel/"): ({}, alone(303)),
    ("GET", "shared/<str:secret>/"): ({}, public(200)),
    ("GET", "shared/<str:secret>/messages/<int:index>/text/"): ({}, public(200)),
    ("GET", "shared/<str:secret>/files/"): ({}, public(404)),
    ("GET", "shared/<str:secret>/files/raw/"): ({"path": "content/a.txt"}, public(404)),
    ("POST", "settings/"): ({}, own(422)),
    ("GET", "settings/retention/"): ({}, administrating(200)),
    ("POST", "settings/retention/"): ({}, administrating(200)),  # a preview
    ("POST", "settings/password/"): ({}, own(422)),
    ("POST", "insights/"): ({}, own(303)),
    ("POST", "settings/theme/"): ({"theme": "dark"}, own(303)),
    ("POST", "settings/tokens/"): ({}, own(422)),
    ("POST", "settings/tokens/<int:token_id>/revoke/"): ({}, alone(303)),
    **{
        ("GET", S + route): (data, reading(200))
        for route, data in {
            "": {}, "files/": {}, "files/view/": {"path": "content/a.txt"},
            "files/raw/": {"path": "content/a.txt"}, "files/zip/": {}, "run/": {}, "run/artifacts/<str:kind>/": {},
            "messages/<int:index>/text/": {}, "export/": {}, "revisions/": {}, "revisions/<int:number>/": {},
            "revisions/<int:number>/messages/<int:index>/text/": {}, "fork/": {}, "activity/": {}, "statistics/": {},
            "index/": {},
        }.items()
    },
    ("GET", f"{S}live/"): ({}, reading(303) | dict.fromkeys(STRANGERS, 303)),
    ("GET", f"{S}messages/<int:index>/"): ({}, reading(303)),
    ("GET", f"{S}name/"): ({}, reading(303)),
    ("GET", f"{S}messages/<int:index>/edit/"): ({}, writing(200)),
    ("GET", f"{S}system-prompt/"): ({}, writing(200)),
    ("GET", f"{S}rename/"): ({}, writing(200)),
    **{
        ("POST", S + route): (data, writing(303))
        for route, data in {
            "append/": {"content": "x"}, "name/": {"name": "x"}, "rename/": {"name": "y"}, "tags/": {"add": "x"},
            "details/": {"description": "x"}, "files/remove/": {"path": "content/a.txt"},
            "run/answer/": {"answer": "yes"}, "run/stop/": {}, "run/reopen/": {}, "system-prompt/": {"content": "x"},
            "messages/<int:index>/edit/": {"content": "x"}, "revisions/<int:number>/restore/": {},
            "files/": {"path": "content", "files": "{file}"}, "index/": {}, "index/cancel/": {},
        }.items()
    },
    ("POST", f"{S}ask/"): ({"content": "x"}, writing(303)),
    ("POST", f"{S}fork/"): ({"name": "x"}, reading(303)),
    ("GET", f"{S}split/"): ({}, owning(200)),
    ("POST", f"{S}split/"): ({"name": "x", "messages": "0"}, owning(303)),
    ("GET", "merge/"): ({}, own(400)),  # of nothing
    ("POST", "merge/"): ({"id": "{id}"}, own(400)),  # of one
    ("GET", "compare/"): ({"a": "{id}", "b": "{id}"}, reading(200)),
    ("POST", f"{S}people/"): ({"username": "mallory", "role": "viewer"}, owning(303)),
    ("POST", f"{S}links/"): ({"days": "7"}, owning(200)),
    ("POST", f"{S}leave/"): ({}, members(303)),
}  # fmt: skip


def test_every_page_declares_what_to_expect():
    elsewhere = (
        "api",
        "^api",
        "admin/",
        "healthz",
        "readyz",
        "metrics",
    )  # the API has a matrix of its own, the admin is staff's
    configured = {route for route in routes(get_resolver()) if not route.startswith(elsewhere)}
    assert configured == {route for _, route in EXPECTED}


@pytest.fixture
def session(alice) -> Session:
    """Alice's, with something of everything."""
    made = make_session(alice, messages=4, phase="idea")
    edit_message(actor=alice, session_id=made.pk, index=2, content="better")
    put_file(actor=alice, session_id=made.pk, path="content/a.txt", blocks=[b"a"], size=1)
    set_artifact(actor=alice, session_id=made.pk, kind="concept", data=1)
    ask(actor=alice, session_id=made.pk, question="Really?")
    return made


@pytest.fixture
def clients(alice, bob, vera, mallory, ada, session) -> dict[str, Client]:
    """A browser for each actor."""
    forrest, dora = User.objects.create_user("forrest"), User.objects.create_user("dora")
    share(share(session, editor=bob, viewer=vera), editor=forrest)
    remove_member(actor=alice, session_id=session.pk, user_id=forrest.pk)
    found = {"anonymous": Client()}
    for scope in (Scope.READ, Scope.WRITE):
        token = create_token(actor=alice, name="t", scope=scope)[1]
        found[f"{scope}_token"] = Client(headers={"Authorization": f"Bearer {token}"})
    people = {"stranger": mallory, "former": forrest, "administrator": ada, "disabled": dora}
    for name, user in (people | {"viewer": vera, "editor": bob, "owner": alice}).items():
        found[name] = Client()
        found[name].force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    User.objects.filter(pk=dora.pk).update(is_active=False)
    assert set(found) == set(ACTORS)
    return found


def state(session: Session) -> tuple[object, ...]:
    """What no refused request may change."""
    row = Session.objects.filter(pk=session.pk).values_list("version", "status", "message_count", "name").first()
    return row, Membership.objects.count(), ShareLink.objects.count(), Event.objects.exclude(session_id=None).count()


@pytest.mark.parametrize("route", sorted({route for _, route in EXPECTED}))
def test_who_gets_what(request, clients, alice, session, route, indexer):
    if "ask" in route:
        request.getfixturevalue("model_server")
    _, secret = make_link(actor=alice, session_id=session.pk)
    token_id = create_token(actor=alice, name="revoked here")[0].pk
    batch = Import.objects.create(owner=alice)
    path = "/" + route.replace("<str:session_id>", str(session.pk)).replace("<str:import_id>", str(batch.pk))
    path = path.replace("<int:index>", "2").replace("<int:number>", "1").replace("<str:kind>", "concept")
    job = Job.objects.create(owner=alice, kind=JobKind.IMPORT)
    path = (
        path.replace("<str:job_id>", str(job.pk))
        .replace("<str:secret>", secret)
        .replace("<int:token_id>", str(token_id))
        .replace("<str:token>", "x")
    )
    for method in ("GET", "POST", "PUT"):
        if (method, route) not in EXPECTED:
            asks = "anonymous" if route == "sign-in/" else "owner"  # who is signed in is sent on from there
            assert clients[asks].generic(method, path).status_code == 405, method
            continue
        data, expected = EXPECTED[method, route]
        # Those who are refused come first: what the others do would hide it.
        for actor in sorted(ASKING, key=lambda actor: expected[actor] < 400 and actor not in NOBODY):
            Session.objects.filter(pk=session.pk, status=Status.ARCHIVED).update(status=Status.ACTIVE)
            if "remove" in route:
                put_file(actor=alice, session_id=session.pk, path="content/a.txt", blocks=[b"a"], size=1)
            if "answer" in route:
                ask(actor=alice, session_id=session.pk, question="Really?")
            before = state(session)
            answer = getattr(clients[actor], method.lower())(path, filled(data, session))
            assert answer.status_code == expected[actor], (method, actor, answer.content[:300])
            is_refused = expected[actor] >= 400 or (actor in NOBODY and expected[actor] == SIGN_IN)
            if method == "GET" or is_refused:
                assert state(session) == before, f"{actor} changed something"


def filled(data: dict[str, Any], session: Session) -> dict[str, Any]:
    """What is sent, with what it speaks of put in."""
    upload = SimpleUploadedFile("b.txt", b"b")
    return {name: {"{id}": str(session.pk), "{file}": upload}.get(value, value) for name, value in data.items()}
