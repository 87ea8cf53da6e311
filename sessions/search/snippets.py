"""What a hit looks like: a piece of its text with the words marked, and how well it fits."""

import re
import unicodedata
from collections.abc import Sequence

from sessions.search.query import Query
from sessions.search.words import fold

OPEN, CLOSE = "⟦", "⟧"
SNIPPET = 240  # characters of a snippet, about
_LEAD = 60  # of them before the first mark
_MOST_MARKS = 200
# Bidirectional controls would reach beyond the snippet; the rest shows nothing.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
_SPACES = re.compile(r"\s+")
_OWN_MARKS = str.maketrans({OPEN: "[", CLOSE: "]"})
_LONG = 60  # words; a text of this length is scored by how often the words are in it, a longer one lower


def readable(text: str) -> str:
    """The text on one line, without what can't be seen and without brackets that look like our marks."""
    text = unicodedata.normalize("NFC", text).translate(_OWN_MARKS)
    return _SPACES.sub(" ", _UNSEEN.sub("", text)).strip()


def snippet(text: str, query: Query) -> str:
    """A piece of the text around the place where most of the words are, with hits between ⟦ and ⟧."""
    text = readable(text)
    found = _found(text, query)
    start = _best_start(found)
    end = min(len(text), start + SNIPPET)
    start, end = _at_a_space(text, start, forward=True), _at_a_space(text, end, forward=False)
    pieces, at = ["…" if start else ""], start
    for first, last in found:
        if first >= at and last <= end:
            pieces += [text[at:first], OPEN, text[first:last], CLOSE]
            at = last
    return "".join([*pieces, text[at:end], "…" if end < len(text) else ""])


def marked(text: str, query: Query) -> str:
    """The whole of a short text, such as a name, with hits between ⟦ and ⟧."""
    text = readable(text)
    pieces, at = [], 0
    for first, last in _found(text, query):
        pieces += [text[at:first], OPEN, text[first:last], CLOSE]
        at = last
    return "".join([*pieces, text[at:]])


def score(text: str, query: Query) -> float:
    """How well a text fits, 0 to 1: how often each of the words is in it, against its length."""
    if not query.phrases:
        return 0.0
    folded = fold(unicodedata.normalize("NFC", text))
    length = 0.4 + 0.6 * (len(folded) / 6) / _LONG
    total = 0.0
    for phrase in query.phrases:
        times = len(re.findall(phrase.pattern, folded)) or 0.2  # found by the index beyond what was read
        total += times / (times + length)
    return round(total / len(query.phrases), 4)


def has_all(text: str, query: Query) -> bool:
    """Whether each of the words is in a text, as far as it was read."""
    folded = fold(unicodedata.normalize("NFC", text))
    return all(re.search(phrase.pattern, folded) for phrase in query.phrases)


def _found(text: str, query: Query) -> list[tuple[int, int]]:
    places = [found.span() for found in query.pattern.finditer(fold(text)) if found.end() > found.start()]
    return places[:_MOST_MARKS]


def _best_start(found: Sequence[tuple[int, int]]) -> int:
    """Where a snippet starts that holds as many of the places as it can."""
    best, most = 0, 0
    for first, _ in found:
        inside = sum(first <= other and last <= first + SNIPPET - _LEAD for other, last in found)
        if inside > most:
            best, most = first, inside
    return max(0, best - _LEAD)


def _at_a_space(text: str, place: int, *, forward: bool) -> int:
    """The place moved to the next space, if there is one near; nowhere at the ends of the text."""
    if place <= 0 or place >= len(text):
        return place
    near = text[place : place + 20].find(" ") if forward else text[max(0, place - 20) : place].rfind(" ")
    if near < 0:
        return place
    return place + near + 1 if forward else max(0, place - 20) + near
