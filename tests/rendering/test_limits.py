"""A text that was made to be slow is shown as it is; one that is long is not even tried."""

import time

import pytest

from sessions.rendering import code, markdown
from sessions.rendering.deadline import Allowance, Deadline, TooSlow
from sessions.rendering.markdown import LONGEST, render
from tests.rendering.html import Document

UNITS = [
    "[", "![", "[a](", "**a ", "*a_ ", "_a *b ", "***a", "`", "~~a ", "<", "&", "<a ", "&amp;", "> ", ">", "- ", "1. ",
    "- a\n", "  - a\n", "# a\n", "a\n=\n", "|a", "|a|b|\n|-|-|\n", "[a]: b\n", "[a][b]", "![[]()", "<https://x>",
    "http://a", "http://a)", "https://", "$", "$a ", "$$a\n", "a $$b ", "\\(a ", "\\[a\n", "$\\", "\\", "(", "]", "\t",
    "\n", "    a\n\n", "```\n", "```py\nx = 1\n```\n", "- [ ] a\n", "a@b.c ", "\u2028", "é*", "<!--", "]]>", "a  \n",
]  # fmt: skip
ALLOWED = 0.1  # seconds given to a text in the tests
SLACK = 10.0  # seconds for the steps between two looks at the clock, on a slow machine and under coverage


@pytest.mark.parametrize("unit", UNITS)
def test_repeating_anything_stays_within_its_time(unit):
    text = unit * (LONGEST // len(unit))

    start = time.thread_time()
    html = render(text, seconds=ALLOWED)

    assert time.thread_time() - start < ALLOWED + SLACK
    assert html is None or Document(html)


def test_what_takes_too_long_is_shown_as_it_is():
    assert render("- a\n" * 20_000, seconds=0.01) is None
    assert render("- a\n", seconds=0.5) is not None


def test_what_is_too_long_is_not_tried():
    start = time.thread_time()

    assert render("a" * (LONGEST + 1)) is None
    assert render("a" * LONGEST) is not None
    assert time.thread_time() - start < SLACK


@pytest.mark.parametrize("unit", ["> ", "- ", "1. "])
def test_nesting_ends(unit):
    document = Document(render(unit * 5_000 + "a"))

    assert len(document.elements) < 100


NASTY = [
    '"', "'", "`", "\\", '\\"', '"\\', "/*", "<!--", "(", "{", "[", "a ", "a(", "a<", "${", "#{", "<<A\n", "\n", "/*\n",
    " ", "0", "'''",
]  # fmt: skip


THIRDS = [NASTY[number % 3 :: 3] for number in range(len(code.LANGUAGES))]  # each of them to every third language


@pytest.mark.parametrize(
    ("language", "units"),
    [
        *zip(sorted(code.LANGUAGES), THIRDS, strict=True),
        *(pytest.param(language, NASTY, marks=pytest.mark.soak) for language in sorted(code.LANGUAGES)),
    ],
    ids=lambda value: value if isinstance(value, str) else str(len(value)),
)
def test_no_language_holds_the_renderer_up(language, units):
    """Highlighting stops at its deadline; no single step of a lexer goes on much longer than that."""
    for unit in units:
        lines = "\n".join([(unit * 900)[:900]] * 4)
        start = time.thread_time()
        code.code_figure(lines, language, Deadline(60))
        assert time.thread_time() - start < code.SECONDS + SLACK, unit


def test_code_that_is_slow_to_colour_is_shown_without_colours():
    figure = code.code_figure("\n" * 29_000, "c", Deadline(60))

    assert "<span" not in figure
    assert figure.count("\n") >= 29_000


def test_a_deadline_counts_the_time_of_this_thread():
    deadline = Deadline(0.25)
    time.sleep(0.3)
    deadline.check()  # waiting is not working

    while time.thread_time() < deadline._end:
        pass
    with pytest.raises(TooSlow):
        deadline.check()


def test_an_allowance_is_spent_by_working():
    allowance = Allowance(SLACK)
    with allowance.spending():
        pass
    assert not allowance.is_spent

    allowance = Allowance(0.001)
    with allowance.spending():
        markdown.render("- a\n" * 2_000)
    assert allowance.is_spent
