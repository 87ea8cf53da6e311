"""Time for rendering: what it looks like doesn't depend on how slow the machine is."""

import pytest

from sessions.rendering import code, markdown


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text has a minute, colours and all."""
    monkeypatch.setattr(code, "SECONDS", 60.0)
    monkeypatch.setitem(markdown.render.__kwdefaults__, "seconds", 60.0)
