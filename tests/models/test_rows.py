"""Reading rows without the ORM gives what the ORM gives, on either database."""

from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.models import Session
from sessions.models.rows import RowReader, db_json, db_time

pytestmark = pytest.mark.django_db

FIELDS = ["id", "name", "pinned", "metadata", "summary", "created_at", "archived_at", "ttl_seconds"]
TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(-1e15, 1e15) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))


def read(session):
    reader = RowReader(Session, FIELDS, "s")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {reader.columns()}, 'more' FROM research_session s WHERE id = %s", [session.pk.hex])
        return reader.read(cursor.fetchone(), "another")


@settings(max_examples=60)
@given(name=TEXT.filter(bool), metadata=st.dictionaries(TEXT, JSON, max_size=4), summary=JSON, at=TIMES)
def test_what_is_written_is_read(alice, name, metadata, summary, at):
    session = Session.objects.create(
        owner=alice, name=name, metadata=metadata, summary=summary, created_at=at, pinned=bool(metadata)
    )
    row = read(session)
    kept = Session.objects.get(pk=session.pk)
    assert row["id"] == str(session.pk)
    assert row["name"] == kept.name == name
    assert row["pinned"] is bool(metadata)
    assert row["created_at"] == kept.created_at == at
    assert row["created_at"].tzinfo is not None
    assert (row["archived_at"], row["ttl_seconds"], row["another"]) == (None, None, "more")
    assert orjson.loads(orjson.dumps(row["metadata"])) == kept.metadata
    read_summary = None if row["summary"] is None else orjson.loads(orjson.dumps(row["summary"]))
    assert read_summary == kept.summary


def test_times_are_written_as_django_writes_them(alice):
    zone = timezone(timedelta(hours=5, minutes=30))
    for at in (datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 2, 3, 4, 5, 60, tzinfo=zone)):
        session = Session.objects.create(owner=alice, name="x", created_at=at)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM research_session WHERE created_at = %s", [db_time(at)])
            assert cursor.fetchone() == (1,)
        session.delete()
    assert db_time(None) is None


def test_json():
    assert db_json(None) is None
    assert db_json({"a": [1, "ü"]}) == '{"a":[1,"ü"]}'
