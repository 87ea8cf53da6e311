"""Figures as people read them."""

from collections.abc import Sequence
from statistics import median


def spread(values: Sequence[float]) -> str:
    """The median, with the smallest and the largest."""
    digits = 2 if max(values) < 10 else 1 if max(values) < 100 else 0
    middle, low, high = (f"{value:,.{digits}f}" for value in (median(values), min(values), max(values)))
    return f"{middle} ({low}–{high})"


def ratios(values: Sequence[float], base: Sequence[float]) -> str:
    """The spread of the ratios, each of two figures of one round."""
    return spread([value / other for value, other in zip(values, base, strict=True)])


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, ["-" * width for width in widths], *rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |", flush=True)
