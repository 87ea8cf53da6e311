"""Rendered HTML is kept, within bounds."""

import threading

import pytest

from sessions.rendering import kept as module
from sessions.rendering import markdown
from sessions.rendering.deadline import Allowance
from sessions.rendering.kept import KeptHtml


@pytest.fixture
def rendered(monkeypatch) -> list[str]:
    """The texts that were rendered, in order."""
    texts: list[str] = []
    real = markdown.render

    def render(text, **options):
        texts.append(text)
        return real(text, **options)

    monkeypatch.setattr(module.markdown, "render", render)
    return texts


def html(kept: KeptHtml, text: str, *, breaks: bool = False, seconds: float = 10.0):
    return kept.html(text, breaks=breaks, allowance=Allowance(seconds))


def test_a_text_is_rendered_once(rendered):
    kept = KeptHtml()

    first, second = html(kept, "a *b*"), html(kept, "a *b*")

    assert first == second == markdown.render("a *b*")
    assert rendered.count("a *b*") == 2  # once by the cache, once by this test


def test_another_text_another_way_or_another_version_is_rendered_anew(rendered, monkeypatch):
    kept = KeptHtml()
    html(kept, "a\nb")

    assert "<br>" in html(kept, "a\nb", breaks=True)
    assert "c" in html(kept, "a\nc")
    monkeypatch.setattr(module.markdown, "VERSION", "next")
    html(kept, "a\nb")
    assert rendered == ["a\nb", "a\nb", "a\nc", "a\nb"]


def test_that_a_text_is_better_shown_as_it_is_is_kept_too(rendered):
    kept = KeptHtml()
    text = "x" * (markdown.LONGEST + 1)

    assert html(kept, text) is None
    assert html(kept, text) is None
    assert rendered == [text]


def test_a_page_without_time_left_renders_later(rendered):
    kept = KeptHtml()

    assert html(kept, "a", seconds=0) is None
    assert rendered == []
    assert html(kept, "a") == "<p>a</p>\n"
    assert html(kept, "a", seconds=0) == "<p>a</p>\n"


def test_what_was_looked_at_longest_ago_goes_first(rendered):
    one = html(KeptHtml(), "text 0")
    kept = KeptHtml(capacity=3 * module._size(one))
    for number in (0, 1, 2, 0, 3):
        html(kept, f"text {number}")

    assert kept.size <= kept.capacity
    rendered.clear()
    for number in (0, 2, 3, 1):
        html(kept, f"text {number}")
    assert rendered == ["text 1"]


def test_what_is_larger_than_everything_is_not_kept(rendered):
    kept = KeptHtml(capacity=400)

    html(kept, "a" * 1_000)

    assert kept.size == 0


def test_forgetting(rendered):
    kept = KeptHtml()
    html(kept, "a")
    kept.clear()
    html(kept, "a")

    assert rendered == ["a", "a"]


def test_many_threads_share_it():
    kept = KeptHtml(capacity=20_000)
    wrong: list[str] = []

    def look() -> None:
        for number in range(200):
            text = f"text {number % 50}"
            if html(kept, text) != f"<p>{text}</p>\n":
                wrong.append(text)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert kept.size == sum(module._size(one) for one in kept._kept.values()) <= kept.capacity
