"""How much a model reads: a session's context window, and the part of its transcript that fits.

What `Session.context_window_config` keeps (docs/decisions/0011-turns-and-chat.md): `dynamic_enabled`,
`current_window` in tokens, `last_adjustment`, why it was last changed, and `adjustment_history`,
the newest changes, each with its time, `from`, `to`, `reason` and the tokens that asked for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings

START = 8192
ROOM = 1024  # tokens kept free for the answer
_KEPT = 20
_FULL = 0.75  # of the window used: the next question gets a larger one
_BYTES_PER_TOKEN = 3  # fewer than in most texts, so that estimates are rather too high
_PER_MESSAGE = 8

_Message = TypeVar("_Message")


@dataclass(frozen=True, slots=True)
class Window:
    """A window's size in tokens and why it has it; `tokens` is what was counted or estimated."""

    size: int
    reason: str
    tokens: int


def estimated_tokens(text: str) -> int:
    """About as many tokens as a message of this text has, rather too many than too few."""
    return len(text.encode(errors="replace")) // _BYTES_PER_TOKEN + _PER_MESSAGE


def window_for(config: dict[str, Any], tokens: int) -> Window:
    """The window in which to ask: the session's own, doubled until the transcript fits or it is the largest."""
    set_size = _set_size(config)
    size = current = min(set_size or START, settings.MODEL_SERVER_MAX_WINDOW)
    while _is_dynamic(config) and size < tokens + ROOM and size < settings.MODEL_SERVER_MAX_WINDOW:
        size = min(2 * size, settings.MODEL_SERVER_MAX_WINDOW)
    reason = "history" if size > current else "limit" if set_size else "initial_setup"
    return Window(size, reason, tokens)


def window_after(config: dict[str, Any], asked: Window, used: int) -> Window:
    """The window for the next question, after `used` tokens were read and written in this one."""
    largest = settings.MODEL_SERVER_MAX_WINDOW
    if _is_dynamic(config) and used > asked.size * _FULL and asked.size < largest:
        return Window(min(2 * asked.size, largest), "usage", used)
    return asked


def adjusted(config: dict[str, Any], windows: Sequence[Window], now: datetime) -> dict[str, Any]:
    """The configuration after the windows were used one after the other; the same object where nothing changes."""
    for window in windows:
        before = _set_size(config)
        if before == window.size or (before and not _is_dynamic(config)):
            continue
        history = config.get("adjustment_history")
        change = {
            "timestamp": now.isoformat(),
            "from": before or None,
            "to": window.size,
            "reason": window.reason,
            "tokens": window.tokens,
        }
        config = {
            "dynamic_enabled": True,
            **config,
            "current_window": window.size,
            "last_adjustment": window.reason,
            "adjustment_history": [*(history if isinstance(history, list) else []), change][-_KEPT:],
        }
    return config


def newest_that_fit(messages: Sequence[tuple[_Message, int]], tokens: int) -> list[_Message]:
    """The longest run at the end whose sizes fit into so many tokens."""
    fitting: list[_Message] = []
    for message, size in reversed(messages):
        tokens -= size
        if tokens < 0:
            break
        fitting.append(message)
    return fitting[::-1]


def _is_dynamic(config: dict[str, Any]) -> bool:
    return config.get("dynamic_enabled") is not False and config.get("manual_override") is not True


def _set_size(config: dict[str, Any]) -> int:
    """The window that is set, 0 if none is; anything but a number of tokens is none."""
    size = config.get("current_window")
    return size if isinstance(size, int) and not isinstance(size, bool) and size > 0 else 0
