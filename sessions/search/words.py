"""What a word is: one answer for the query, for both databases' indexes and for the marks in a snippet.

A word is a run of letters and digits, without its case; Latin letters lose their accents (Cyrillic й is another
letter than и). Scripts that are written
without spaces are cut into pairs instead: each of their characters is doubled with a space between
(`ABC` becomes `A AB BC C`), so that a run of them is found wherever it stands in a sentence. Both
indexes are made of texts doubled in this way, and a query looks for the pairs as a phrase.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_INDEXED = 80_000  # characters of a text; PostgreSQL takes no tsvector beyond 1 MB, and a character may need 12

# Thai, Lao; Myanmar; Khmer; CJK marks; kana; bopomofo; ideographs; Hangul; compatibility; half-width kana; rare ones
_UNSPACED = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3005, 0x3007), (0x3040, 0x30FF), (0x3100, 0x312F),
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7AF), (0xF900, 0xFAFF), (0xFF66, 0xFF9F), (0x20000, 0x3FFFF),
)  # fmt: skip
UNSPACED = "[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in _UNSPACED) + "]"
ACCENTS = "\u0300-\u036f"
_LETTER = f"(?:(?!{UNSPACED})[^\\W_])"  # or digit, of a word between spaces
_RUNS = re.compile(f"(?P<unspaced>{UNSPACED}+)|{_LETTER}+")


class _Folding(dict[int, str]):
    """Each character without case, Latin letters without accents, as one character: places stay what they are."""

    def __missing__(self, code: int) -> str:
        parts = unicodedata.normalize("NFD", chr(code))
        is_accented = parts[0].isascii() and all("\u0300" <= other <= "\u036f" for other in parts[1:])
        plain = parts[0] if is_accented else chr(code)
        low = plain.lower()
        self[code] = folded = low if len(low) == 1 else plain
        return folded


_folding = _Folding({ord("ς"): "σ"})


def fold(text: str) -> str:
    """The text without case and accents, character for character; accents that are characters stay."""
    return text.lower() if text.isascii() else text.translate(_folding)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in their order, as the indexes hold them; `is_prefix` leaves the end of the last one open.

    `pattern` finds the phrase in a text that went through `fold`.
    """

    text: str
    words: Sequence[str]
    is_prefix: bool
    pattern: str

    @classmethod
    def of(cls, text: str, *, is_prefix: bool = False) -> "Phrase | None":
        """The phrase that a text stands for; None if there is no letter or digit in it."""
        plain = re.sub(f"[{ACCENTS}]", "", fold(unicodedata.normalize("NFC", text)))
        runs = [(found.group(), bool(found["unspaced"])) for found in _RUNS.finditer(plain)]
        runs = [(run, unspaced) for run, unspaced in runs if any(map(str.isalnum, run))]
        if not runs:
            return None
        words: list[str] = []
        for number, (run, unspaced) in enumerate(runs):
            words += _pairs(run, number > 0, number < len(runs) - 1) if unspaced else [run]
        last, last_is_unspaced = runs[-1]
        is_open = is_prefix and not last_is_unspaced
        pattern = _pattern(runs, is_open=is_open)
        if not words:  # a single character, which begins a pair wherever it stands
            return cls(text, ["".join(filter(str.isalnum, last))], True, pattern)
        return cls(text, words, is_open, pattern)

    @property
    def is_vague(self) -> bool:
        """Whether so little is given of a word that half of all messages might have it."""
        return self.is_prefix and len(self.words[-1]) == 1 and not re.match(UNSPACED, self.words[-1])


def _pairs(run: str, follows: bool, goes_on: bool) -> list[str]:
    """The words that the index holds for a run; its ends only where the query knows that they are ends."""
    doubled = [run[0], *(run[at : at + 2] for at in range(len(run) - 1)), run[-1]]
    chosen = doubled[0 if follows else 1 : len(doubled) if goes_on else -1]
    plain = ["".join(filter(str.isalnum, pair)) for pair in chosen]
    return [pair for pair in plain if pair]


def _pattern(runs: Sequence[tuple[str, bool]], *, is_open: bool) -> str:
    """A regular expression that begins with the letters themselves, which makes it quick to look for."""
    (first, first_is_unspaced), *others = runs
    pattern = re.escape(first)
    if not first_is_unspaced:
        pattern += f"(?<!{_LETTER}{pattern})"
    is_unspaced = first_is_unspaced
    for run, run_is_unspaced in others:
        pattern += (r"[\W_]*" if is_unspaced or run_is_unspaced else r"[\W_]+") + re.escape(run)
        is_unspaced = run_is_unspaced
    if is_open:
        return f"{pattern}{_LETTER}*"
    return pattern if is_unspaced else f"{pattern}(?!{_LETTER})"
