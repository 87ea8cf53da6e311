"""Charts as numbers for SVG: columns over days, and bars beside names. No script, no inline style."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 600, 120
_GAP = 3


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a chart, and what it says on hover and in the table."""

    label: str
    value: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Columns:
    """A chart over days. `top` is the largest value."""

    title: str
    noun: str
    columns: list[Column]
    total: int
    top: int


@dataclass(frozen=True, slots=True)
class Bar:
    """A name, its value in words, and its part of the largest in percent."""

    label: str
    said: str
    percent: float
    address: str = ""


def columns(title: str, noun: str, values: Sequence[tuple[str, int]]) -> Columns:
    """A column for each (label, value); small values stay visible."""
    top = max((value for _, value in values), default=0)
    step = WIDTH / max(len(values), 1)
    drawn = []
    for number, (label, value) in enumerate(values):
        height = max(2.0, HEIGHT * value / top) if value else 0.0
        x, y = round(number * step + _GAP / 2, 2), round(HEIGHT - height, 2)
        drawn.append(Column(label, value, x, y, round(step - _GAP, 2), round(height, 2)))
    return Columns(title, noun, drawn, sum(value for _, value in values), top)


def bars(values: Iterable[tuple[str, int, str, str]]) -> list[Bar]:
    """A bar for each (label, value, value in words, address)."""
    rows = list(values)
    top = max((value for _, value, _, _ in rows), default=0)
    return [
        Bar(label, said, round(100 * value / top, 1) if top else 0, address) for label, value, said, address in rows
    ]
