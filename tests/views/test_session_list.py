"""GET /, /pinned/, /archived/ and /trash/: what is in them, in which order, page by page."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from sessions.models import Session
from sessions.operations.lifecycle import archive_session, trash_session
from sessions.operations.retention.policy import set_policy
from sessions.operations.sessions import update_session
from sessions.storage.workspaces import INDEX
from sessions.views.times import exact
from tests.factories import make_rows, make_session
from tests.statements import assert_statements
from tests.views.pages import groups, html, htmx, more, names

pytestmark = pytest.mark.django_db

LISTS = ("/", "/pinned/", "/archived/", "/trash/")
LIST_QUERIES = 6


@pytest.mark.parametrize("address", LISTS)
def test_asks_to_sign_in_and_comes_back(client, address):
    response = client.get(address, {"sort": "name"})
    assert response.status_code == 303
    assert response["Location"] == f"/sign-in/?next={address.replace('/', '%2F')}%3Fsort%3Dname"


@pytest.mark.parametrize("address", LISTS)
def test_other_methods_are_refused(alice_client, address):
    response = alice_client.post(address)
    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"


@pytest.mark.django_db(transaction=True)
def test_each_list_holds_its_own(alice, alice_client):
    sessions = {name: make_session(alice, name) for name in ("plain", "pinned", "archived", "trashed")}
    update_session(actor=alice, session_id=sessions["pinned"].pk, pinned=True)
    archive_session(actor=alice, session_id=sessions["archived"].pk)
    trash_session(actor=alice, session_id=sessions["trashed"].pk)
    assert names(alice_client.get("/")) == ["pinned", "plain"]
    assert names(alice_client.get("/pinned/")) == ["pinned"]
    assert names(alice_client.get("/archived/")) == ["archived"]
    assert names(alice_client.get("/trash/")) == ["trashed"]


def test_shows_nothing_of_others(alice, mallory_client):
    make_session(alice, "Secret plans", tags=["hush"])
    page = html(mallory_client.get("/"))
    assert "Secret plans" not in page
    assert "hush" not in page
    assert "No sessions yet" in page


def test_an_administrator_sees_her_own_alone(alice, ada_client):
    make_session(alice, "Secret plans")
    assert names(ada_client.get("/")) == []


def test_groups_by_day_in_the_readers_zone(alice, alice_client, monkeypatch):
    now = datetime(2026, 11, 19, 22, 30, tzinfo=UTC)  # a Thursday; already Friday in Zürich
    monkeypatch.setattr(timezone, "now", lambda: now)
    for name, hours in (("a", 0), ("b", 1), ("c", 23), ("d", 60), ("e", 24 * 9), ("f", 24 * 40), ("g", 24 * 400)):
        make_rows(alice, 1, name=name, updated_at=now - timedelta(hours=hours))
    response = alice_client.get("/")
    assert groups(response) == ["Today", "Yesterday", "This week", "November", "October", "October 2025"]
    alice_client.cookies["zone"] = "Europe/Zurich"
    now += timedelta(minutes=45)
    assert groups(alice_client.get("/")) == ["Yesterday", "This week", "November", "October", "October 2025"]


@pytest.fixture
def in_2026(monkeypatch) -> None:
    """What is long ago was this year."""
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 11, 19, 12, tzinfo=UTC))


@pytest.mark.usefixtures("in_2026")
def test_pinned_ones_come_first_under_a_heading_of_their_own(alice, alice_client):
    make_rows(alice, 2)
    make_rows(alice, 1, name="Top", pinned=True)
    response = alice_client.get("/")
    assert names(response) == ["Top", "Session 0001", "Session 0000"]
    assert groups(response) == ["Pinned", "January"]
    assert groups(alice_client.get("/?sort=name")) == ["Pinned", "Everything else"]
    assert groups(alice_client.get("/pinned/")) == ["January"]
    assert groups(alice_client.get("/pinned/?sort=name")) == []


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("", ["c", "b", "a"]),
        ("updated_at", ["a", "b", "c"]),
        ("-created_at", ["a", "c", "b"]),
        ("created_at", ["b", "c", "a"]),
        ("-last_accessed", ["b", "a", "c"]),
        ("name", ["a", "b", "c"]),
        ("-name", ["c", "b", "a"]),
        ("nonsense", ["c", "b", "a"]),
        ("owner_id", ["c", "b", "a"]),
    ],
)
def test_sorts(alice, alice_client, sort, expected):
    day = datetime(2026, 3, 1, tzinfo=UTC)
    for name, updated, created, accessed in (("a", 1, 3, 2), ("b", 2, 1, 3), ("c", 3, 2, 1)):
        times = {"updated_at": updated, "created_at": created, "last_accessed": accessed}
        make_rows(alice, 1, name=name, **{field: day + timedelta(days=days) for field, days in times.items()})
    assert names(alice_client.get("/", {"sort": sort})) == expected


@pytest.mark.usefixtures("in_2026")
@pytest.mark.parametrize("sort", ["-updated_at", "created_at", "name"])
def test_pages_follow_each_other_with_and_without_htmx(alice, alice_client, sort):
    make_rows(alice, 120)
    make_rows(alice, 5, pinned=True)
    address, seen, headings = f"/?sort={sort}", [], []
    for number in range(3):
        page = alice_client.get(address)
        part = alice_client.get(address, headers=htmx())
        assert names(part) == names(page)
        assert more(part) == more(page)
        assert "<html" in html(page)
        assert "<html" not in html(part)
        seen += names(page)
        headings += groups(part) if number else groups(page)
        address = more(page)
    assert address == ""
    assert len(seen) == 125
    expected = Session.objects.order_by("-pinned", sort, "-pk" if sort.startswith("-") else "pk")
    assert seen == list(expected.values_list("name", flat=True))
    assert headings == ["Pinned", "Everything else" if sort == "name" else "January"], "no heading twice"


def test_going_back_in_the_history_gets_the_whole_page(alice, alice_client):
    make_rows(alice, 1)
    response = alice_client.get("/", headers=htmx() | {"HX-History-Restore-Request": "true"})
    assert "<html" in html(response)
    assert "HX-Request" in response["Vary"]


@pytest.mark.parametrize("after", ["x", "AAAA", "W10", "é", "WyJuYW1lIixmYWxzZSwiYSIsMV0", "%00"])
def test_a_position_that_cannot_be_read_shows_the_start(alice, alice_client, after):
    make_rows(alice, 1)
    assert names(alice_client.get("/", {"after": after})) == ["Session 0000"]


def test_a_position_of_another_order_shows_the_start(alice, alice_client):
    make_rows(alice, 60)
    elsewhere = more(alice_client.get("/")).replace("/?", "/?sort=name&")
    assert names(alice_client.get(elsewhere))[0] == "Session 0000"


def test_a_tag_narrows_every_list(alice, alice_client):
    make_session(alice, "One", tags=["Field Work"])
    make_session(alice, "Two")
    response = alice_client.get("/", {"tag": "field work"})
    assert names(response) == ["One"]
    assert 'aria-current="page"><i class="dot' in html(response), "the sidebar marks the tag"
    assert names(alice_client.get("/", {"tag": "FIELD  work"})) == ["One"]
    assert names(alice_client.get("/archived/", {"tag": "field work"})) == []
    empty = alice_client.get("/", {"tag": "nothing <b>"})
    assert names(empty) == []
    assert "“nothing &lt;b&gt;”" in html(empty)


@pytest.mark.parametrize("tag", ["\x00", "a\x00b", "x" * 5000, "😀"])
def test_odd_tags_show_an_empty_list(alice_client, tag):
    assert alice_client.get("/", {"tag": tag}).status_code == 200


def test_a_row_says_what_is_known(alice, alice_client, workspace_root):
    session = make_session(alice, "Mosses", messages=3, model="llama3:8b", phase="clarification", tags=["a", "b"])
    (workspace_root / str(session.pk) / INDEX).mkdir()
    page = html(alice_client.get("/"))
    assert f'href="/sessions/{session.pk}/">Mosses</a>' in page
    assert "<p>message 0</p>" in page
    assert ">llama3:8b<" in page
    assert 'title="Messages">3<' in page
    assert '<span class="pill warn">clarification</span>' in page
    assert 'title="Indexed"' in page
    assert f'datetime="{session.updated_at:%Y-%m-%dT%H:%M:%SZ}"' in page
    assert f'aria-label="Select {session.name}"' in page


def test_many_tags_are_counted_not_shown(alice, alice_client):
    make_session(alice, "Much tagged", tags=[f"tag{number:02}" for number in range(50)])
    page = html(alice_client.get("/"))
    row = page[page.index('class="row"') : page.index('<div class="meta">')]
    assert row.count('class="tag h') == 4
    assert 'title="46 more tags">+46<' in row


def test_hostile_text_stays_text(alice, alice_client):
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>\" hx-get='/x' '"
    make_session(alice, evil, messages=[*_say(evil)], tags=["<b>bold</b>"], model=evil, description=evil)
    page = html(alice_client.get("/"))
    assert names(alice_client.get("/")) == [evil]
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "<b>bold" not in page
    assert "hx-get='/x'" not in page


def _say(text: str):
    from tests.factories import user_message

    return [user_message(text)]


def test_the_trash_says_since_when_and_when_each_goes(alice, alice_client, ada):
    deleted_at = timezone.now() - timedelta(days=7, hours=1)
    make_rows(alice, 1, status="deleted", deleted_at=datetime(2026, 3, 1, 12, tzinfo=UTC))
    make_rows(alice, 1, status="deleted", deleted_at=deleted_at)
    make_rows(alice, 1, status="deleted", deleted_at=deleted_at, pinned=True)
    page = html(alice_client.get("/trash/"))
    assert 'title="1 Mar 2026, 12:00"' in page
    assert "goes" not in page
    assert "Nothing is deleted by itself." in page
    set_policy(actor=ada, enabled=True, trash_days=20)
    page = html(alice_client.get("/trash/"))
    assert page.count("goes in 12 days") == 1
    assert page.count("goes any minute") == 1
    assert f'title="Deleted for ever on {exact(deleted_at + timedelta(days=20))}"' in page
    assert "for 20 days and are deleted for ever then; pinned ones stay." in page
    set_policy(actor=ada, trash_days=None)
    assert "goes" not in html(alice_client.get("/trash/"))


def test_counts_in_the_sidebar(alice, alice_client):
    make_rows(alice, 3, tags=["red"])
    make_rows(alice, 2, pinned=True, tags=["red", "blue"])
    make_rows(alice, 4, status="archived", tags=["green"])
    make_rows(alice, 1, status="deleted", deleted_at=timezone.now(), tags=["red"])
    page = html(alice_client.get("/"))
    for entry in ("All<b>5</b>", "Pinned<b>2</b>", "Archived<b>4</b>", "Trash<b>1</b>"):
        assert entry in page
    assert "<span>red</span><b>5</b>" in page
    assert "<span>blue</span><b>2</b>" in page
    assert "green" not in page, "a tag that no active session has"


def test_more_tags_than_fit_have_a_page(alice, alice_client):
    for number in range(15):
        make_rows(alice, 1 if number < 14 else 3, tags=[f"tag{number:02}"])
    page = html(alice_client.get("/"))
    assert page.count('<i class="dot') == 12
    assert "<span>tag14</span><b>3</b>" in page, "the most used ones are shown"
    assert "All 15 tags" in page
    tags = html(alice_client.get("/tags/"))
    assert all(f"<span>tag{number:02}</span>" in tags for number in range(15))
    current = html(alice_client.get("/", {"tag": "tag13"}))
    assert "<span>tag13</span><b>1</b>" in current, "the current tag is always among those shown"


@pytest.mark.parametrize("address", [*LISTS, "/?sort=name", "/?tag=red", "/archived/?tag=red"])
def test_as_many_queries_for_two_hundred_as_for_one(alice, alice_client, address):
    status = {"/archived/": "archived", "/trash/": "deleted"}.get(address.partition("?")[0], "active")
    deleted_at = timezone.now() if status == "deleted" else None
    values = {"status": status, "pinned": "pinned" in address, "deleted_at": deleted_at, "tags": ["red", "blue"]}
    make_rows(alice, 1, **values)
    alice_client.get(address)
    with assert_statements(at_most=LIST_QUERIES) as few:
        alice_client.get(address)
    make_rows(alice, 200, **values)
    with assert_statements(exactly=len(few)):
        response = alice_client.get(address)
    assert len(names(response)) == 50
    with assert_statements(at_most=len(few)):
        assert len(names(alice_client.get(more(response), headers=htmx()))) == 50


def test_a_full_page_is_small(alice, alice_client):
    for number in range(50):
        make_session(
            alice,
            f"A session with a name of the usual length {number:04}",
            messages=[*_say("What people ask is longer than what a list has room for, so that it is cut off " * 3)],
            tags=["benchmarks", "reading group"],
            model="qwen3-coder:30b",
            phase="execution",
        )
    make_rows(alice, 10)
    response = alice_client.get("/")
    assert len(names(response)) == 50
    assert len(response.content) <= 60_000


def test_signed_in_pages_are_not_stored(alice_client):
    response = alice_client.get("/")
    assert response["Cache-Control"] == "private, no-store"
    assert "script-src 'self'" in response["Content-Security-Policy"]


def test_no_page_has_inline_script_or_style(alice, alice_client):
    make_session(alice, "One", tags=["a"])
    for address in (*LISTS, "/tags/", "/sessions/new/", "/settings/", "/settings/password/", "/settings/tokens/"):
        page = html(alice_client.get(address))
        assert " style=" not in page
        assert "<style" not in page
        assert "hx-on" not in page
        assert "javascript:" not in page
        assert all("src=" in script for script in page.split("<script")[1:])
        assert "//cdn" not in page
