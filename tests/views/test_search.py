"""The search page, and the filter box of the lists."""

import re
from html import unescape

import pytest

from sessions.operations.lifecycle import archive_session, trash_session
from sessions.search.query import Query
from sessions.search.results import search
from tests.factories import assistant_message, make_session, user_message
from tests.rendering.html import assert_harmless
from tests.statements import assert_statements
from tests.views.pages import html, htmx, more, names

HOSTILE = (
    '<script>kernel</script><img src=x onerror=alert(1)> [kernel](javascript:alert(1)) ⟦b⟧ {{ kernel }} hx-get="/x"'
)


@pytest.fixture
def kernels(alice):
    """A session with a hit in its name and two in its messages."""
    said = [user_message("first"), user_message("What is a kernel?"), assistant_message("A Kernel is a seed.")]
    return make_session(alice, "On kernels and a kernel", messages=said)


def hits(response) -> list[str]:
    return [re.sub(r"<mark>(.*?)</mark>", r"[\1]", unescape(found)) for found in SAID.findall(html(response))]


SAID = re.compile(r'<span class="said" dir="auto">(.*?)</span>', re.DOTALL)


def test_hits_are_grouped_marked_and_open_at_their_message(alice_client, kernels):
    page = alice_client.get("/search/", {"q": "kernel"})
    assert sorted(hits(page)) == ["A [Kernel] is a seed.", "What is a [kernel]?"]
    text = html(page)
    assert f'<a href="/sessions/{kernels.pk}/">On kernels and a <mark>kernel</mark></a>' in text
    assert f'href="/sessions/{kernels.pk}/?at=1#m-1"' in text
    assert "3 results" in text
    assert text.count('class="hit-group"') == 1


def test_one_heading_a_session_even_if_hits_of_others_stand_between(alice, alice_client):
    aside = "and much else that is not about it " * 20
    seeds = make_session(alice, "Seeds", messages=[user_message("kernel kernel"), user_message(f"kernel {aside}")])
    others = make_session(alice, "Others", messages=[user_message("kernel, with a few words around it")])
    found = search(Query.parse("kernel"), user_id=alice.pk).results
    assert [result.session_id for result in found] == [str(seeds.pk), str(others.pk), str(seeds.pk)]
    page = alice_client.get("/search/", {"q": "kernel"})
    text = html(page)
    assert [text.count(f'<a href="/sessions/{one.pk}/">') for one in (seeds, others)] == [1, 1]
    assert text.count('class="hit-group"') == 2
    first, second, third = hits(page)
    assert (first, third) == ("[kernel] [kernel]", "[kernel], with a few words around it")
    assert second.startswith("[kernel] and much else")


def test_nothing_to_look_for_and_nothing_found(alice_client, kernels):
    assert "one right after the other" in html(alice_client.get("/search/"))
    assert "Nothing fits “nowhere”" in html(alice_client.get("/search/", {"q": "nowhere"}))
    assert "need a word beside them" in html(alice_client.get("/search/", {"q": "-kernel role:user"}))


def test_filters_are_chips_that_come_and_go(alice_client, kernels):
    text = html(alice_client.get("/search/", {"q": "kernel role:user tag:x"}))
    chips = dict(re.findall(r'<a class="chip(?: on i i-x)?" href="([^"]*)"[^>]*>(.*?)</a>', text))
    labels = {label: unescape(address) for address, label in chips.items()}
    assert labels["Questions"] == "/search/?q=kernel+tag%3Ax"
    assert labels["tag: x"] == "/search/?q=kernel+role%3Auser"
    assert labels["Answers"].endswith("role%3Aassistant")
    only = alice_client.get("/search/", {"q": "kernel role:assistant"})
    assert hits(only) == ["A [Kernel] is a seed."]


def test_pages(alice, alice_client):
    make_session(alice, "x", messages=[user_message(f"kernel {number}") for number in range(40)])
    first = alice_client.get("/search/", {"q": "kernel"})
    assert len(hits(first)) == 30
    plain, piece = alice_client.get(more(first)), alice_client.get(more(first), headers=htmx())
    assert hits(plain) == hits(piece)
    assert len(set(hits(first) + hits(plain))) == 40
    assert "<html" in html(plain)
    assert "<html" not in html(piece)
    assert len(hits(alice_client.get("/search/?q=kernel&after=nonsense"))) == 30


def test_archived_ones_say_so_and_the_trash_has_to_be_asked_for(alice, alice_client, kernels):
    archive_session(actor=alice, session_id=kernels.pk)
    assert "archived</span>" in html(alice_client.get("/search/", {"q": "kernel"}))
    trash_session(actor=alice, session_id=kernels.pk)
    assert hits(alice_client.get("/search/", {"q": "kernel"})) == []
    assert len(hits(alice_client.get("/search/", {"q": "kernel status:deleted"}))) == 2


def test_strangers_find_nothing(mallory_client, kernels):
    assert "Nothing fits" in html(mallory_client.get("/search/", {"q": "kernel"}))


@pytest.mark.parametrize("q", ["kernel", HOSTILE, '"><script>alert(1)</script>', "\0 kernel", "%00", "'\"--"])
def test_hostile_text_stays_text(alice, alice_client, q):
    make_session(alice, HOSTILE[:200], tags=["<b>x"], messages=[user_message(HOSTILE), user_message("\u202ekernel")])
    for address in ("/search/", "/"):
        text = html(alice_client.get(address, {"q": q}))
        for said in (*SAID.findall(text), *re.findall(r"<h2>.*?</h2>", text), *re.findall(r"<p class.*?</p>", text)):
            assert_harmless(re.sub("</?(mark|h2|time|a)( [^>]*)?>|<p [^>]*>", "", said))
        assert "<script>kernel" not in text
        assert "<script>alert" not in text
        assert "\u202e" not in "".join(SAID.findall(text))


def test_lists_are_filtered_in_place_or_as_a_page(alice, alice_client, kernels):
    make_session(alice, "Another", tags=["red"], messages=[user_message("about kernels")])
    make_session(alice, "Nothing")
    assert names(alice_client.get("/", {"q": "kern"})) == ["Another", "On kernels and a kernel"]
    assert names(alice_client.get("/", {"q": "kern", "tag": "red"})) == ["Another"]
    assert names(alice_client.get("/archived/", {"q": "kern"})) == []
    typed = alice_client.get("/?q=seed&sort=name", headers=htmx() | {"HX-Target": "found"})
    assert names(typed) == ["On kernels and a kernel"]
    assert typed.headers["HX-Replace-Url"] == "/?q=seed&sort=name"
    assert "Nothing here fits “nowhere”" in html(alice_client.get("/", {"q": "nowhere"}))
    with assert_statements(at_most=8):  # two of them the login's
        alice_client.get("/", {"q": "kern"})


def test_pages_of_a_filtered_list(alice, alice_client):
    for number in range(60):
        make_session(alice, f"kernel {number}")
    first = alice_client.get("/", {"q": "kernel", "sort": "name"})
    assert "q=kernel" in more(first)
    rest = names(alice_client.get(more(first), headers=htmx()))
    assert len(set(names(first) + rest)) == 60
