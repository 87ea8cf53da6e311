"""GET /docs: the readable documentation."""

import json
import re

from sessions.api.api import api
from sessions.api.reference import reference
from tests.api.contract import BASE, assert_problem, example_bodies, filled, operations
from tests.factories import make_session

URL = f"{BASE}/docs"


def test_every_call_and_every_object(anybody):
    answer = anybody.get(URL)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    page = answer.content.decode()
    for method, path, operation in operations():
        assert f'id="{operation["operationId"]}"' in page
        assert f">{method}</span> <code>{path.removeprefix(BASE)}</code>" in page
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert targets <= set(re.findall(r'id="([^"]+)"', page)), "a link that leads nowhere"


def test_nothing_runs_and_nothing_comes_from_elsewhere(anybody):
    page = anybody.get(URL).content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r'\s(?:style|on\w+)="', page)
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)


def test_with_a_token_too(owner):
    assert owner.get(URL).status_code == 200


LAST = ("/fail", "/abort")  # nothing can be told of a run that has ended, but that it be given up


def _order(call: tuple[tuple[str, str], str]) -> list[bool]:
    (_, path), _ = call
    return [path.endswith(end) for end in reversed(LAST)]


def test_examples_are_calls_that_work(owner, alice, bob, session, model_server, indexer):
    """The bodies of the examples, sent as they stand; those that merge need sessions that are there."""
    type(alice).objects.filter(pk=alice.pk).update(is_superuser=True)  # some calls are for administrators
    for (method, path), body in sorted(example_bodies().items(), key=_order):
        if path.endswith("/merge"):
            merge = json.loads(body)
            merge["source_session_ids"] = [make_session(alice).short_id for _ in merge["source_session_ids"]]
            body = json.dumps(merge)
        answer = owner.generic(method, filled(path, session), body, "application/json")
        assert answer.status_code in (200, 201), (method, path, body, answer.content)


def test_wrong_method(anybody):
    assert_problem(anybody.post(URL), 405)


def test_examples_can_be_sent_as_they_are():
    """With URL, TOKEN and ID set: no place in an address is left open, and files are sent as files."""
    groups = dict(reference(api.get_openapi_schema()).groups)
    examples = {call.id: call.example for calls in groups.values() for call in calls}
    assert [example for example in examples.values() if "{" in example.split('"')[1]] == []
    assert examples["import_files"].endswith(" -F file=@conversations.zip")
    assert examples["upload_file"].startswith('curl "$URL/sessions/$ID/files/content/notes.txt"')
    assert examples["upload_file"].endswith(" -T notes.txt")
    assert next(iter(groups)) == "Sessions"
    assert groups["Sessions"][0].path == "/sessions"
