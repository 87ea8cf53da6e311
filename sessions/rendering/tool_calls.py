"""Tool calls as models write them, in any of the shapes that are about, made readable."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sessions.rendering.text import Excerpt, clipped, excerpt

# The argument that says in one line what a call does, the most telling first.
_TELLING = (
    "command", "cmd", "file_path", "filepath", "notebook_path", "path", "filename", "file", "query", "q", "pattern",
    "url", "prompt", "question", "description", "code", "script", "text", "input", "name",
)  # fmt: skip
_NAMES = ("name", "tool_name", "tool", "function_name")
_ARGUMENTS = ("arguments", "input", "args", "parameters", "params")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_LONGEST_SUMMARY = 160
_LONGEST_ARGUMENT = 16_000
_MOST_ARGUMENTS = 50
_MOST_CALLS = 100


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call; a block is shown on lines of its own."""

    name: str
    value: Excerpt
    is_block: bool


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call: the tool's name, one line that says what it does, and all of its arguments."""

    name: str
    summary: str
    call_id: str = ""
    arguments: list[Argument] = field(default_factory=list)


def read_tool_calls(calls: Any) -> list[ToolCall]:
    """Read the value of a message's `tool_calls`; whatever has another shape is shown as its JSON."""
    if not calls:
        return []
    return [_read(call) for call in (calls if isinstance(calls, list) else [calls])[:_MOST_CALLS]]


def _read(call: Any) -> ToolCall:
    if not isinstance(call, dict):
        return ToolCall("tool", clipped(_text(call), _LONGEST_SUMMARY), arguments=[_argument("", call)])
    inner = call["function"] if isinstance(call.get("function"), dict) else call
    name = _first_text(inner, _NAMES) or _first_text(call, _NAMES) or _first_text(call, ("function", "type")) or "tool"
    arguments = _decoded(next((inner[key] for key in _ARGUMENTS if key in inner), _rest(call)))
    if not isinstance(arguments, dict):
        shown = [] if arguments in (None, "") else [_argument("", arguments)]
        summary = "" if arguments is None else clipped(_text(arguments), _LONGEST_SUMMARY)
    else:
        shown = [_argument(str(key), value) for key, value in list(arguments.items())[:_MOST_ARGUMENTS]]
        summary = _summary(arguments)
    return ToolCall(clipped(name, 80), summary, _first_text(call, ("id", "call_id", "tool_call_id")), shown)


def _rest(call: dict[str, Any]) -> dict[str, Any]:
    known = {*_NAMES, "id", "call_id", "tool_call_id", "type", "index", "function"}
    return {key: value for key, value in call.items() if key not in known}


def _first_text(values: dict[str, Any], keys: Sequence[str]) -> str:
    return next((values[key] for key in keys if isinstance(values.get(key), str) and values[key].strip()), "")


def _decoded(arguments: Any) -> Any:
    """Arguments often come as JSON inside a text. What no page can show, half a surrogate pair, stays escaped."""
    if not isinstance(arguments, str) or not arguments.lstrip().startswith(("{", "[")):
        return arguments
    try:
        value = json.loads(arguments)
        if _SURROGATE.search(arguments):
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):  # UnicodeEncodeError is a ValueError
        return arguments
    return value


def _summary(arguments: dict[str, Any]) -> str:
    telling = _first_text(arguments, _TELLING) or _first_text(arguments, list(arguments))
    if not telling and arguments:
        telling = ", ".join(f"{key}: {_text(value)}" for key, value in list(arguments.items())[:4])
    return clipped(telling, _LONGEST_SUMMARY)


def _argument(name: str, value: Any) -> Argument:
    text = _text(value, pretty=True)
    return Argument(clipped(name, 80), excerpt(text, longest=_LONGEST_ARGUMENT), "\n" in text or len(text) > 100)


def _text(value: Any, *, pretty: bool = False) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, indent=2 if pretty else None, default=str)
