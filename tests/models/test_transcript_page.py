"""read_messages: a page of a transcript is a range of its index."""

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sessions.models import Message
from sessions.models.transcript_page import MESSAGE_FIELDS, read_messages
from sessions.operations.transcript import NewMessage, append_messages
from tests.factories import LONG_AGO, conversation, make_session, user_message
from tests.statements import assert_statements

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(alice):
    made = make_session(alice, messages=10)
    make_session(alice, messages=3)
    return made


def indexes(session, **wanted):
    return [row["index"] for row in read_messages(session.pk, **wanted)]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, range(10)),
        ({"limit": 3}, range(3)),
        ({"after": 3}, range(4, 10)),
        ({"before": 3}, range(3)),
        ({"after": 3, "before": 6}, [4, 5]),
        ({"after": 5, "before": 6}, []),
        ({"after": 9}, []),
        ({"after": -1, "limit": 1}, [0]),
        ({"order": "desc", "limit": 3}, [9, 8, 7]),
        ({"order": "desc", "before": 7, "limit": 2}, [6, 5]),
        ({"role": "user"}, range(0, 10, 2)),
        ({"role": "assistant", "after": 4, "limit": 2}, [5, 7]),
        ({"role": "tool"}, []),
        ({"offset": 8}, [8, 9]),
        ({"offset": 2, "limit": 2, "order": "desc"}, [7, 6]),
        ({"offset": 10}, []),
    ],
)
def test_pages(session, wanted, expected):
    assert indexes(session, **wanted) == list(expected)


def test_rows_hold_what_the_messages_hold(alice):
    session = make_session(alice, messages=[user_message("ü\n🌱", created_at=LONG_AGO)])
    full = NewMessage(
        role="tool", content="x", model="m", thinking="t", tool_name="n", tool_calls=[{"a": [None]}], tool_call_id="i",
        source_file="s", prompt_eval_count=1, eval_count=2, metadata={"k": 1.5},
    )  # fmt: skip
    append_messages(actor=alice, session_id=session.pk, messages=[full])
    rows = read_messages(session.pk)
    assert [row["author"] for row in rows] == ["alice", None]
    for row, message in zip(rows, Message.objects.of(session.pk), strict=True):
        for name in MESSAGE_FIELDS:
            value = row[name]
            if isinstance(value, orjson.Fragment):
                value = orjson.loads(orjson.dumps(value))
            assert value == getattr(message, name), name


def test_an_author_who_is_gone(alice, mallory):
    session = make_session(alice, messages=1)
    Message.objects.update(author=mallory)
    mallory.delete()
    assert read_messages(session.pk)[0]["author"] is None


def test_one_statement_whatever_the_length(alice):
    for length in (2, 500):
        session = make_session(alice, messages=length)
        with assert_statements(exactly=1):
            read_messages(session.pk, limit=200)


@pytest.mark.parametrize("wanted", [{"after": 99}, {"before": 900, "order": "desc"}, {}])
def test_a_page_is_a_range_of_the_unique_index(alice, wanted):
    session = make_session(alice, messages=conversation(1000))
    make_session(alice, messages=conversation(1000))
    with CaptureQueriesContext(connection) as captured:
        assert len(read_messages(session.pk, **wanted)) == 50
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        explain = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
        cursor.execute(explain + captured[0]["sql"])
        plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
    assert "message_index_once" in plan or "sqlite_autoindex_research_message" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan
