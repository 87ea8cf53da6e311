"""The sprite of icons: each stands where the style sheet says, and somebody shows it."""

import re
from pathlib import Path

PROJECT = Path(__file__).parent.parent
SPRITE = (PROJECT / "static" / "img" / "icons.svg").read_text()
SHEET = (PROJECT / "static" / "css" / "icons.css").read_text()


def test_each_icon_stands_where_the_style_sheet_says():
    stands = [(name, int(y)) for name, y in re.findall(r'<svg id="([a-z-]+)" y="(\d+)"', SPRITE)]
    assert stands == [(name, int(n) * 24) for name, n in re.findall(r"\.i-([a-z-]+) \{ --n: (\d+); \}", SHEET)]
    assert f'viewBox="0 0 24 {len(stands) * 24}"' in SPRITE
    assert f'height="{len(stands) * 24}"' in SPRITE


def test_no_icon_is_there_for_nobody():
    shown = "".join(path.read_text() for place in ("templates", "static/js") for path in (PROJECT / place).rglob("*.*"))
    named = "".join(path.read_text() for path in (PROJECT / "sessions").rglob("*.py"))
    for name in re.findall(r'<svg id="([a-z-]+)"', SPRITE):
        assert re.search(rf"\bi-{name}(?![\w-])", shown) or f'"{name}"' in named, name
