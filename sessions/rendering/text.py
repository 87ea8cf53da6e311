"""Long texts in a page: what of them is shown, and what is said about the rest."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The beginning of a text, and how long the whole is in characters."""

    shown: str
    length: int

    @property
    def is_cut(self) -> bool:
        """Whether there is more."""
        return self.length > len(self.shown)

    @property
    def rest(self) -> int:
        """How many characters aren't shown."""
        return self.length - len(self.shown)


def excerpt(text: str, *, longest: int, length: int | None = None) -> Excerpt:
    """Return at most `longest` characters of a text, ending with a whole line where one ends near.

    `length` is the whole text's where `text` itself has been cut already.
    """
    length = len(text) if length is None else length
    if length <= longest:
        return Excerpt(text, length)
    shown = text[:longest]
    last_break = shown.rfind("\n", longest // 2)
    return Excerpt(shown[:last_break] if last_break > 0 else shown, length)


def count_lines(text: str) -> int:
    """How many lines a text has, as an editor counts them."""
    return text.count("\n") + (not text.endswith("\n")) if text else 0


def clipped(text: str, longest: int) -> str:
    """One line of at most `longest` characters: white space folded, an ellipsis for the rest."""
    line = " ".join(text[: longest * 4].split())
    return line if len(line) <= longest and len(text) <= longest * 4 else line[: longest - 1].rstrip() + "…"
