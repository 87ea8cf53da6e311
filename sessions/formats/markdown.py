"""A transcript for reading: front matter, then one heading a message. Written only."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from sessions.formats.document import Document, Message

_RUNS = re.compile(r"`{3,}")


def write(document: Document) -> Iterator[bytes]:
    """The document in pieces."""
    yield _front_matter(document).encode()
    yield f"# {_line(document.name)}\n".encode()
    if document.description:
        yield f"\n{document.description}\n".encode()
    for index, message in enumerate(document.messages):
        yield _message(message, index).encode()


def _front_matter(document: Document) -> str:
    values: dict[str, Any] = {
        "title": document.name,
        "session_id": document.source_id,
        "created": _time(document.created_at),
        "updated": _time(document.updated_at),
        "model": document.model,
        "tags": document.tags,
        "messages": document.message_count,
        "archived": document.archived or None,
    }
    lines = [f"{key}: {orjson.dumps(value).decode()}" for key, value in values.items() if value not in (None, "", [])]
    return "\n".join(["---", *lines, "---", "", ""])  # JSON is YAML, with every text quoted


def _message(message: Message, index: int) -> str:
    by = message.author or message.model or message.tool_name
    at = _time(message.created_at)
    title = " · ".join(filter(None, [message.role.capitalize(), _line(by), at]))
    parts = [f"\n## {index}. {title}\n"]
    if message.thinking:
        parts.append(_folded("Thinking", message.thinking))
    if message.role == "tool":
        parts.append(_fenced(message.content, ""))
    elif message.content.strip():
        parts.append(_lowered(message.content.strip("\n")) + "\n")
    for call in message.tool_calls or ():
        parts.append(_call(call))
    return "\n".join(parts)


def _call(call: Any) -> str:
    inner = call.get("function") if isinstance(call, dict) and isinstance(call.get("function"), dict) else call
    name = str(inner.get("name") or "tool") if isinstance(inner, dict) else "tool"
    arguments = inner.get("arguments", inner.get("input")) if isinstance(inner, dict) else inner
    is_text = isinstance(arguments, str)
    shown = str(arguments) if is_text else orjson.dumps(arguments, option=orjson.OPT_INDENT_2).decode()
    return f"**Calls `{_line(name).replace('`', '')}`**\n\n{_fenced(shown, '' if is_text else 'json')}"


def _folded(title: str, text: str) -> str:
    quoted = "\n".join(f"> {line}".rstrip() for line in text.strip("\n").splitlines())
    return f"> **{title}**\n>\n{quoted}\n"


def _fenced(text: str, language: str) -> str:
    longest = max((len(run) for run in _RUNS.findall(text)), default=2)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip(chr(10))}\n{fence}\n"


def _lowered(text: str) -> str:
    """Headings inside a message go below the message's own; code stays as it is."""
    fence = ""
    lines = []
    for line in text.split("\n"):
        mark = re.match(r" {0,3}(`{3,}|~{3,})", line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1][0] == fence[0] and len(mark[1]) >= len(fence) and not line.strip(" `~"):
            fence = ""
        elif not fence and (heading := re.match(r" {0,3}(#{1,6})(?=\s)", line)):
            line = "#" * min(6, len(heading[1]) + 2) + line[heading.end() :]
        lines.append(line)
    if fence:
        lines.append(fence)  # left open, it would swallow the messages that follow
    return "\n".join(lines)


def _line(text: str) -> str:
    return " ".join(text.split())


def _time(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "seconds") + " UTC"
