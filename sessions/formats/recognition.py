"""Which format a file is in, told by what it holds."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

from sessions.exceptions import Invalid, UnreadableFile
from sessions.formats import (
    archive,
    chatgpt,
    claude_code,
    codex,
    json_document,
    librechat,
    markdown,
    mochi,
    openwebui,
    researchmind,
)
from sessions.formats.document import Reader, Writer
from sessions.formats.json_stream import events, is_array, lines
from sessions.formats.values import text_of

READERS: dict[str, Reader] = {
    "researchmind": researchmind.read,
    "json": json_document.read,
    "mochi": mochi.read,
    "chatgpt": chatgpt.read,
    "openwebui": openwebui.read,
    "librechat": librechat.read,
    "claude_code": claude_code.read,
    "codex": codex.read,
}
WRITERS: dict[str, Writer] = {
    "researchmind": researchmind.write,
    "json": json_document.write,
    "markdown": markdown.write,
    "mochi": mochi.write,
}
NAMES = {
    "researchmind": "ResearchMind",
    "json": "ResearchMind, JSON",
    "mochi": "Mochi",
    "chatgpt": "ChatGPT",
    "openwebui": "Open WebUI",
    "librechat": "LibreChat",
    "claude_code": "Claude Code",
    "codex": "Codex",
}
SUFFIXES = {"researchmind": "zip", "json": "json", "markdown": "md", "mochi": "json"}
CONTENT_TYPES = {"zip": "application/zip", "json": "application/json", "md": "text/markdown; charset=utf-8"}
_MOST_EVENTS = 500_000  # of JSON, looked at before giving up
_ENOUGH = 3  # objects of an array, and lines: the first one may be broken
_CODEX = {"session_meta", "response_item", "event_msg", "turn_context", "compacted"}
_CLAUDE_CODE = {"user", "assistant", "summary", "system", "custom-title", "ai-title", "file-history-snapshot"}
_UNKNOWN = (
    "This file is in no format that is known here. Name the format, or see the documentation for those there are."
)


def check_readable(name: str) -> str:
    """The name of a format that is read. Raises Invalid for another."""
    if name not in READERS:
        raise Invalid("That format isn't read here.", errors=[("format", f"One of {', '.join(READERS)}.")])
    return name


def check_writable(name: str) -> str:
    """The name of a format that is written. Raises Invalid for another."""
    if name not in WRITERS:
        raise Invalid("That format isn't written here.", errors=[("format", f"One of {', '.join(WRITERS)}.")])
    return name


def recognise(file: BinaryIO) -> str:
    """The name of the format that a file of JSON or of lines is in. Raises UnreadableFile if it is none."""
    if is_array(file):
        found = _of_objects(islice(_objects(file, inside=1), _ENOUGH))
    else:
        found = _of_lines(file) or _of_objects(_objects(file, inside=0))
    if not found:
        raise UnreadableFile(_UNKNOWN, errors=[("file", "No format is recognised.")])
    return found


def _of_objects(objects: Iterator[set[str]]) -> str:
    for keys in objects:
        if found := _of_keys(keys):
            return found
    return ""


def _of_keys(keys: set[str]) -> str:
    """The format that an object with these keys is in; empty if that can't be told."""
    if {"session", "messages"} <= keys:
        return "json"
    if {"metadata", "messages"} <= keys and not keys & {"title", "conversationId", "chat"}:
        return "mochi"
    if "mapping" in keys:
        return "chatgpt"
    if "messagesTree" in keys or {"conversationId", "messages"} <= keys:
        return "librechat"
    if "chat" in keys or "history" in keys or {"title", "messages"} <= keys:
        return "openwebui"
    return ""


def _of_lines(file: BinaryIO) -> str:
    """The format of a file of which each line is an object; empty if it is none."""
    for _, entry in islice(lines(file), 50):
        if not isinstance(entry, dict):
            return ""
        if found := _of_line(entry):
            return found
    return ""


def _of_line(entry: dict[str, Any]) -> str:
    kind = text_of(entry.get("type"))
    if isinstance(entry.get("payload"), dict) or kind in _CODEX or {"id", "timestamp", "instructions"} <= entry.keys():
        return "codex"
    if kind in _CLAUDE_CODE or ("sessionId" in entry and kind):
        return "claude_code"
    return _of_keys(set(entry))


def _objects(file: BinaryIO, *, inside: int) -> Iterator[set[str]]:
    """The keys of each object that lies `inside` so many arrays, as far as it stands near enough to the start."""
    keys: set[str] = set()
    depth = 0
    for event, value in events(file, _MOST_EVENTS):
        if event in ("end_map", "end_array"):
            depth -= 1
        if event == "map_key" and depth == inside + 1:
            keys.add(value)
        elif event == "end_map" and depth == inside:
            yield keys
            keys = set()
        if event in ("start_map", "start_array"):
            depth += 1
    yield keys


def reader_for(file: BinaryIO, name: str = "") -> tuple[str, Reader]:
    """The format of a file, recognised or as it is named, and its reader."""
    name = check_readable(name) if name else ("researchmind" if archive.is_archive(file) else recognise(file))
    return name, READERS[name]
