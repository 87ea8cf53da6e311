"""Beginnings of long texts."""

import pytest

from sessions.rendering.text import clipped, count_lines, excerpt


@pytest.mark.parametrize(("text", "lines"), [("", 0), ("a", 1), ("a\n", 1), ("a\nb", 2), ("\n", 1), ("\n\n", 2)])
def test_lines_are_counted_as_an_editor_does(text, lines):
    assert count_lines(text) == lines


def test_a_short_text_is_shown_whole():
    short = excerpt("abc", longest=3)

    assert (short.shown, short.length, short.is_cut, short.rest) == ("abc", 3, False, 0)


def test_a_long_text_ends_with_a_whole_line_where_one_ends_near():
    assert excerpt("aaaa\nbbbb\ncccc", longest=12).shown == "aaaa\nbbbb"
    assert excerpt("a\n" + "b" * 20, longest=12).shown == "a\n" + "b" * 10
    assert excerpt("b" * 20, longest=12).rest == 8


def test_a_text_that_was_cut_before_knows_its_length():
    cut = excerpt("abc", longest=3, length=10)

    assert (cut.shown, cut.is_cut, cut.rest) == ("abc", True, 7)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("  a \n b\t", "a b"),
        ("a" * 10, "a" * 10),
        ("a" * 11, "a" * 9 + "…"),
        ("", ""),
        (" " * 100 + "x", "…"),
        ("ab " * 9, "ab ab ab…"),
    ],
)
def test_one_line_of_so_many_characters(text, line):
    assert clipped(text, 10) == line
