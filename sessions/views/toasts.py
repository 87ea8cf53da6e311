"""Toasts: one sentence about what happened, perhaps with Undo. They travel as Django's messages, so that they
appear alike in a fragment and, without JavaScript, on the page after a redirect."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Undo:
    """The action of views.actions that takes back what was done, and to which sessions."""

    action: str
    session_ids: list[str]


@dataclass(frozen=True, slots=True)
class Toast:
    """What `_toasts.html` shows."""

    text: str
    is_problem: bool = False
    undo: Undo | None = None
    link: str = ""
    link_text: str = ""


@dataclass(frozen=True, slots=True)
class _Extras:
    undo: Undo | None = None
    link: str = ""
    link_text: str = field(default="")


def toast(
    request: HttpRequest,
    text: str,
    *,
    problem: bool = False,
    undo: tuple[str, Sequence[str]] | None = None,
    link: tuple[str, str] | None = None,
) -> None:
    """Show a sentence with the next answer. `undo` is (action, session ids), `link` is (address, text)."""
    extras = _Extras(Undo(undo[0], list(undo[1])) if undo else None, *(link or ("", "")))
    level = messages.ERROR if problem else messages.INFO
    messages.add_message(request, level, text, extra_tags=json.dumps(asdict(extras)))


def read(message: Message) -> Toast:
    """The toast that a message carries; Django's own messages are plain sentences."""
    text, is_problem = str(message.message), message.level >= messages.WARNING
    try:
        extras = json.loads(message.extra_tags or "{}")
    except ValueError:
        extras = {}
    if not isinstance(extras, dict):
        extras = {}
    undo = Undo(**extras["undo"]) if extras.get("undo") else None
    return Toast(text, is_problem, undo, extras.get("link", ""), extras.get("link_text", ""))
