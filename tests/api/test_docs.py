"""GET /docs: the readable documentation."""

import re

from sessions.api.reference import reference
from tests.api.contract import BASE, assert_problem, document, operations

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


def test_examples_are_calls_that_work(owner, session):
    """The bodies of the examples, sent as they stand."""
    for _, calls in reference(document()).groups:
        for call in calls:
            body = re.search(r"-d '(.*)'", call.example)
            if body is None:
                continue
            path = BASE + call.path.format(session_id=session.pk, index=0, number=1)
            answer = owner.generic(call.method, path, body[1], "application/json")
            assert answer.status_code in (200, 201), (call.example, answer.content)


def test_wrong_method(anybody):
    assert_problem(anybody.post(URL), 405)
