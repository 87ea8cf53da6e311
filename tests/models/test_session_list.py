"""list_sessions: pages by keyset are the whole list in order, whatever is sorted, filtered or written meanwhile."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
import pytest
from django.db.models import Q

from sessions.models import Session, SessionTag, Status, Tag, session_filter
from sessions.models.session_filter import Position, SessionFilter
from sessions.models.session_list import (
    DEFAULT_SORT,
    LIST_FIELDS,
    PEOPLE_FIELDS,
    SORT_FIELDS,
    count_sessions,
    decode_position,
    encode_position,
    list_sessions,
)  # fmt: skip
from tests.factories import LONG_AGO, make_rows, make_session
from tests.statements import assert_statements

pytestmark = pytest.mark.django_db

SORTS = [sign + field for field in SORT_FIELDS for sign in ("", "-")]
EVERYTHING = (Status.ACTIVE, Status.ARCHIVED, Status.DELETED)


@pytest.fixture
def mixed(alice, mallory):
    """60 sessions of Alice's in every state, with equal times and names among them, and some of Mallory's."""
    rows = []
    for number in range(60):
        at = LONG_AGO + timedelta(minutes=number * 7 % 5, microseconds=number % 3)
        rows.append(
            Session(
                owner=alice,
                name=f"Name {number * 11 % 6}",
                status=EVERYTHING[number % 3],
                pinned=number % 4 == 0,
                model=["", "llama3"][number % 2],
                phase=["", "idea", "failed"][number % 3],
                created_at=at,
                updated_at=LONG_AGO + timedelta(minutes=number * 13 % 7),
                last_accessed=LONG_AGO + timedelta(minutes=number * 5 % 3),
            )
        )
    Session.objects.bulk_create(rows)
    tags = [Tag.objects.create(owner=alice, name=name) for name in ("a", "b", "c")]
    for number, row in enumerate(rows):
        SessionTag.objects.bulk_create(
            [SessionTag(session=row, tag=tag) for bit, tag in enumerate(tags) if number >> bit & 1]
        )
    make_rows(mallory, 5, tags=["a"])
    return rows


def all_pages(wanted, sort, limit):
    """Every row's id, page by page, each position through its encoding."""
    ids, after = [], None
    for _ in range(100):
        page = list_sessions(wanted, sort=sort, limit=limit, after=after)
        assert len(page.rows) <= limit
        ids += [row["id"] for row in page.rows]
        if page.next is None:
            return ids
        after = decode_position(encode_position(page.next, sort), sort)
    raise AssertionError("no last page")


def full_order(sort, **wanted):
    """The same list by the ORM, sorted as a whole."""
    sign, field = ("-", sort[1:]) if sort.startswith("-") else ("", sort)
    rows = Session.objects.filter(**wanted).order_by("-pinned", sign + field, sign + "id")
    return [str(row.pk) for row in rows]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("statuses", [(Status.ACTIVE,), (Status.ACTIVE, Status.ARCHIVED), EVERYTHING])
def test_pages_are_the_whole_list_in_order(alice, mixed, sort, statuses):
    expected = full_order(sort, owner=alice, status__in=statuses)
    for limit in (1, 7, 200):
        assert all_pages(SessionFilter(alice.pk, statuses), sort, limit) == expected


FILTERS = [
    ({"pinned": True}, Q(pinned=True)),
    ({"pinned": False}, Q(pinned=False)),
    ({"model": "llama3"}, Q(model="llama3")),
    ({"model": ""}, Q(model="")),
    ({"phase": "idea"}, Q(phase="idea")),
    ({"tags_any": ["a"]}, Q(tags__name="a")),
    ({"tags_any": ["a", "c", "unknown"]}, Q(tags__name__in=["a", "c"])),
    ({"tags_any": ["unknown"]}, Q(pk=None)),
    ({"tags_all": ["a", "b"]}, None),
    ({"tags_any": ["c"], "tags_all": ["a", "b"], "pinned": False}, None),
    ({"tags_any": ["a"], "model": "llama3", "phase": "failed"}, Q(tags__name="a", model="llama3", phase="failed")),
]


@pytest.mark.parametrize(("wanted", "condition"), FILTERS, ids=[str(wanted) for wanted, _ in FILTERS])
@pytest.mark.parametrize("rare_tag", [0, session_filter.RARE_TAG], ids=["common tags", "rare tags"])
def test_filters(alice, mixed, monkeypatch, wanted, condition, rare_tag):
    monkeypatch.setattr(session_filter, "RARE_TAG", rare_tag)
    if condition is None:
        found = Session.objects.filter(owner=alice, tags__name="a").filter(tags__name="b")
        if "tags_any" in wanted:
            found = found.filter(tags__name="c", pinned=False)
    else:
        found = Session.objects.filter(condition, owner=alice)
    for sort in ("-updated_at", "name"):
        expected = full_order(sort, pk__in=set(found.values_list("pk", flat=True)))
        filtered = SessionFilter(alice.pk, EVERYTHING, **wanted)
        assert all_pages(filtered, sort, 4) == expected
        assert count_sessions(filtered) == len(expected)


def test_a_token_for_one_session_sees_one(alice, mallory, mixed):
    only = mixed[0].pk
    assert all_pages(SessionFilter(alice.pk, EVERYTHING, only_session=only), DEFAULT_SORT, 5) == [str(only)]
    assert count_sessions(SessionFilter(alice.pk, EVERYTHING, only_session=only)) == 1
    assert count_sessions(SessionFilter(mallory.pk, EVERYTHING, only_session=only)) == 0


def test_nobody_sees_other_people_s(alice, mallory, ada, mixed):
    assert len(all_pages(SessionFilter(mallory.pk), DEFAULT_SORT, 200)) == 5
    assert list_sessions(SessionFilter(ada.pk, EVERYTHING)).rows == []
    assert count_sessions(SessionFilter(ada.pk, EVERYTHING, tags_any=["a"])) == 0


@pytest.mark.parametrize("statuses", [(), (Status.DELETED,)])
def test_nothing_to_show(alice, statuses):
    make_rows(alice, 2)
    for wanted in (SessionFilter(alice.pk, statuses), SessionFilter(alice.pk, statuses, model="x")):
        page = list_sessions(wanted)
        assert (page.rows, page.next) == ([], None)
        assert count_sessions(wanted) == 0


def test_counts(alice, mixed):
    for statuses in ((Status.ACTIVE,), (Status.ACTIVE, Status.ARCHIVED), EVERYTHING):
        for pinned in (None, True, False):
            expected = Session.objects.filter(owner=alice, status__in=statuses)
            if pinned is not None:
                expected = expected.filter(pinned=pinned)
            assert count_sessions(SessionFilter(alice.pk, statuses, pinned)) == expected.count()


@pytest.mark.parametrize("offset", [0, 1, 7, 19, 20, 21, 500])
def test_offset_for_old_scripts(alice, mixed, offset):
    expected = full_order("-updated_at", owner=alice, status=Status.ACTIVE)
    page = list_sessions(SessionFilter(alice.pk), limit=5, offset=offset)
    assert [row["id"] for row in page.rows] == expected[offset : offset + 5]
    assert (page.next is None) == (offset + 5 >= len(expected))


def test_a_page_that_ends_with_the_list_has_no_next(alice):
    make_rows(alice, 6)
    first = list_sessions(SessionFilter(alice.pk), limit=3)
    assert first.next is not None
    assert list_sessions(SessionFilter(alice.pk), limit=3, after=first.next).next is None
    assert list_sessions(SessionFilter(alice.pk), limit=6).next is None


@pytest.mark.parametrize("sort", ["-updated_at", "updated_at", "name"])
def test_sessions_that_come_and_go_meanwhile(alice, sort):
    """Each one that is there all the time comes exactly once."""
    rows = make_rows(alice, 30)
    stay = {str(row.pk) for row in rows[:20]}
    seen, after, number = [], None, 0
    while True:
        page = list_sessions(SessionFilter(alice.pk), sort=sort, limit=4, after=after)
        seen += [row["id"] for row in page.rows]
        if page.next is None:
            break
        after = page.next
        make_rows(alice, 2, name=f"Session {number:04}", updated_at=LONG_AGO + timedelta(minutes=number * 3))
        if number < 10:
            Session.objects.filter(pk=rows[20 + number].pk).delete()
        number += 1
    assert [seen.count(one) for one in stay] == [1] * 20


def test_rows_hold_what_the_session_holds(alice):
    session = make_session(
        alice, "Größe 🌱", tags=["b", "a"], messages=3, metadata={"k": [1, None, "ü"]}, summary={"summary": "s"},
        ttl_seconds=60, description="d", model="m", phase="idea",
    )  # fmt: skip
    session = Session.objects.get()
    (row,) = list_sessions(SessionFilter(alice.pk)).rows
    assert row["tags"] == ["a", "b"]
    for name in LIST_FIELDS:
        field = Session._meta.get_field(name)
        value, kept = row[field.attname], getattr(session, field.attname)
        if isinstance(value, orjson.Fragment):
            value = orjson.loads(orjson.dumps(value))
        if isinstance(kept, UUID):
            kept = str(kept)
        assert value == kept, name
        assert type(value) is not int or not isinstance(kept, bool), name


def test_chosen_fields(alice):
    make_session(alice, "One")
    (row,) = list_sessions(SessionFilter(alice.pk), fields=["id", "pinned", "updated_at", "name"]).rows
    assert set(row) == {"id", "pinned", "updated_at", "name", "tags", *PEOPLE_FIELDS}


@pytest.mark.parametrize("wanted", [{}, {"tags_any": ["a", "b"]}, {"tags_all": ["a", "b"], "model": "x"}])
def test_statements_do_not_grow_with_rows(alice, wanted):
    for amount in (2, 150):
        make_rows(alice, amount, tags=["a", "b"], model="x")
        with assert_statements(at_most=2):
            assert list_sessions(SessionFilter(alice.pk, **wanted), limit=200).rows
        with assert_statements(at_most=2):
            count_sessions(SessionFilter(alice.pk, **wanted))


@pytest.mark.parametrize("sort", SORTS)
def test_positions_survive_their_encoding(sort):
    value = 'Name, "quoted" \\ ü 🌱' if sort.endswith("name") else datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    position = Position(True, value, UUID(int=2**127 + 5))
    assert decode_position(encode_position(position, sort), sort) == position


@pytest.mark.parametrize(
    "data",
    [
        b"", b"null", b"5", b"[]", b"{}", b'"x"', b"[1, 2, 3, 4]",
        b'["-updated_at", true, "2026-01-01T00:00:00Z"]',
        b'["updated_at", true, "2026-01-01T00:00:00Z", "11111111-2222-4333-8444-555555555555"]',
        b'["-updated_at", 1, "2026-01-01T00:00:00Z", "11111111-2222-4333-8444-555555555555"]',
        b'["-updated_at", true, "2026-01-01T00:00:00", "11111111-2222-4333-8444-555555555555"]',
        b'["-updated_at", true, "yesterday", "11111111-2222-4333-8444-555555555555"]',
        b'["-updated_at", true, "2026-01-01T00:00:00Z", "x"]',
        b'["-updated_at", true, "2026-01-01T00:00:00Z", 7]',
        b'["-updated_at", true, "\\u0000", "11111111-2222-4333-8444-555555555555"]',
    ],
)  # fmt: skip
def test_what_is_no_position(data):
    with pytest.raises(ValueError):  # noqa: PT011  (of any kind: whoever decodes it says that the cursor is none)
        decode_position(data, "-updated_at")


def test_a_name_with_a_nul_is_no_position():
    data = b'["name", true, "a\\u0000", "11111111-2222-4333-8444-555555555555"]'
    with pytest.raises(ValueError, match="not a position"):
        decode_position(data, "name")
