"""What no database should keep, or nobody can mean: refused at the door, the same on both databases."""

import json

import pytest

from sessions.models import Session
from tests.api.contract import assert_problem

URL = "/api/v1/sessions"


def send(owner, body):
    return owner.post(URL, body if isinstance(body, bytes) else body.encode(), content_type="application/json")


def nested(depth):
    """A value with so many levels of lists."""
    return json.loads("[" * depth + "]" * depth)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "null",
        "[]",
        '"text"',
        "5",
        "{'name': 'x'}",
        '{"name": "x",}',
        '{"name": "x"} {}',
        '{"name": "x", "ttl_seconds": NaN}',
        '{"name": "x", "metadata": {"a": NaN}}',
        '{"name": "x", "metadata": {"a": Infinity}}',
        '{"name": "x", "metadata": {"a": -Infinity}}',
        '{"name": "x", "metadata": {"a": 1e999}}',
        '{"name": "x", "metadata": {"a": -1e999}}',
        '{"name": "x", "metadata": {"a": 9223372036854775808}}',
        '{"name": "x", "metadata": {"a": -9223372036854775808}}',
        '{"name": "x", "metadata": {"a": 18446744073709551616}}',
        '{"name": "x", "metadata": {"a": [1, {"b": 123456789012345678901234567890}]}}',
        '{"name": "x", "metadata": {"a": ' + "9" * 5000 + "}}",
        '{"name": "a\\u0000b"}',
        '{"name": "x", "metadata": {"a\\u0000": 1}}',
        '{"name": "x", "metadata": {"a": "\\u0000"}}',
        '{"name": "x", "tags": ["\\u0000"]}',
        '{"name": "x", "model": "\\u0000"}',
        '{"name": "x", "system_prompt": "\\u0000"}',
        '{"name": "x", "context_window_config": {"a": "\\u0000"}}',
        '{"name": "x\\ud800"}',
        '{"name": "x\\udc00\\ud800"}',
        '{"name": "x", "metadata": {"\\ud800": 1}}',
        b'{"name": "\xff"}',
        b'{"name": "\xed\xa0\x80"}',
        b'{"name": "\x00"}',
        b'\xef\xbb\xbf{"name": "x"}',
        '{"name": "x"}'.encode("utf-16"),
        "[" * 100_000,
        '{"name": "x", "metadata": {"a": ' + "[" * 1100 + "]" * 1100 + "}}",
        '{"name": "x", "metadata": {"a": 1234567890123456789, "b": ' + "[" * 1000 + "]" * 1000 + "}}",
    ],
)
def test_refused(owner, body):
    assert_problem(send(owner, body), 422)
    assert not Session.objects.exists()


@pytest.mark.parametrize("name", ["metadata", "context_window_config"])
def test_nesting(owner, name):
    at_the_limit = owner.post(URL, {"name": "x", name: {"a": nested(63)}})
    assert at_the_limit.status_code == 201
    assert at_the_limit.json()[name] == {"a": nested(63)}
    problem = assert_problem(owner.post(URL, {"name": "x", name: {"a": nested(65)}}), 422, "invalid")
    assert [error["loc"] for error in problem["errors"]] == [name]


@pytest.mark.parametrize(
    "value",
    [
        2**63 - 1,
        -(2**63 - 1),
        0,
        -1,
        1.5,
        6.02214076e23,
        1e300,
        1e-300,
        -1e300,
        True,
        None,
        "1e999",
        "9" * 100,
        "\\u0000",
        "😀",
        "\u2028",
    ],
)
def test_kept_as_it_is(owner, value):
    """Among them what only looks like something that is refused."""
    answer = owner.post(URL, {"name": "x", "metadata": {"a": value}})
    assert answer.status_code == 201, answer.content
    url = answer.headers["Location"]
    for read in (owner.get(url), owner.patch(url, {"name": "y"}), owner.patch(url, {"metadata": {"b": 1}})):
        kept = read.json()["metadata"]["a"]
        assert kept == value
        assert type(kept) is type(value)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "text/json",
    ],
)
def test_other_content_types(owner, content_type):
    answer = owner.post(URL, '{"name": "x"}', content_type=content_type)
    assert_problem(answer, 415, "unsupported_media_type")
    assert not Session.objects.exists()


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_spellings_of_json(owner, content_type):
    assert owner.post(URL, '{"name": "x"}', content_type=content_type).status_code == 201


def test_too_large(owner, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert_problem(owner.post(URL, {"name": "x", "metadata": {"a": "x" * 1000}}), 413, "too_large")
    assert owner.post(URL, {"name": "x", "metadata": {"a": "x" * 900}}).status_code == 201


def test_of_unknown_length(owner):
    answer = owner.post(URL, {"name": "x"}, headers={"Transfer-Encoding": "chunked"})
    assert_problem(answer, 411, "length_required")
