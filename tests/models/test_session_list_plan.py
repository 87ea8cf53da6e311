"""The plan of a list page: ranges of one index, read from where they start, and no sorting of the whole."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sessions.models import Session, Status
from sessions.models.session_filter import Position, SessionFilter
from sessions.models.session_list import SORT_FIELDS, list_sessions
from tests.factories import LONG_AGO, make_rows

INDEXES = dict(zip(SORT_FIELDS, ("updated", "created", "accessed", "name"), strict=True))
SORTS = [sign + field for field in SORT_FIELDS for sign in ("", "-")]


def make_many(*owners):
    """Enough rows that a planner has a choice, and figures for it to choose by."""
    for owner in owners:
        for pinned in (False, True):
            for status in (Status.ACTIVE, Status.ARCHIVED):
                make_rows(owner, 2000, pinned=pinned, status=status)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def statement_of(page):
    with CaptureQueriesContext(connection) as captured:
        assert len(page().rows) == 50
    (query,) = [query["sql"] for query in captured if "research_session" in query["sql"]]
    return query


def pages(owner, sort):
    """The first page, and one from the middle."""
    value = "Session 0400" if sort.endswith("name") else LONG_AGO + timedelta(minutes=400)
    middle = Position(False, value, Session.objects.first().pk)
    wanted = SessionFilter(owner.pk, (Status.ACTIVE, Status.ARCHIVED))
    yield statement_of(lambda: list_sessions(wanted, sort=sort))
    yield statement_of(lambda: list_sessions(wanted, sort=sort, after=middle))


def nodes(plan):
    """All nodes of a plan of PostgreSQL's."""
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


@pytest.mark.django_db
def test_reads_ranges_of_its_index_and_no_more_rows_than_the_pages_hold(alice, mallory):
    make_many(alice, mallory)
    for sort in SORTS:
        index = f"session_by_{INDEXES[sort.removeprefix('-')]}"
        for statement in pages(alice, sort):
            if connection.vendor == "postgresql":
                check_postgresql(statement, index)
            else:
                check_sqlite(statement, index)


def check_postgresql(statement, index):
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement)
        (answer,) = cursor.fetchone()
    plan = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
    scans = [node for node in nodes(plan) if node["Node Type"].endswith("Scan")]
    assert index in {node.get("Index Name") for node in scans}
    assert "Seq Scan" not in {node["Node Type"] for node in scans if node.get("Relation Name") == "research_session"}
    for node in nodes(plan):
        assert node["Actual Rows"] <= 4 * 51, f"{node['Node Type']} handles {node['Actual Rows']} rows"


def check_sqlite(statement, index):
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN QUERY PLAN " + statement)
        steps = [(identity, parent, detail) for identity, parent, _, detail in cursor.fetchall()]
    details = {identity: detail for identity, _, detail in steps}
    ranges = [
        (parent, detail) for _, parent, detail in steps if detail.startswith("SEARCH s USING") and index in detail
    ]
    assert ranges
    for parent, detail in ranges:
        assert "owner_id=? AND status=? AND pinned=?" in detail
        siblings = [other for _, above, other in steps if above == parent]
        assert not any("TEMP B-TREE" in other for other in siblings), "a range is in order already"
    assert not any(detail.startswith("SCAN s") for detail in details.values())
