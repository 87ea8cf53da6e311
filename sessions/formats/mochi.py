"""Mochi's sessions, format 1.3 and 1.4: {metadata, messages}. Read and written."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO

import orjson

from sessions.formats.document import Document, Fault, Message
from sessions.formats.json_stream import first_item, items
from sessions.formats.values import clean, digest_of, object_of, text_of, time_of, whole_number

SYSTEM = "mochi"
_SETTINGS = ("tool_settings", "agent_settings", "context_window_config")


def read(file: BinaryIO) -> Iterator[Document | Fault]:
    """The one session of the file; its messages are read one at a time."""
    metadata = first_item(file, "metadata")
    if not isinstance(metadata, dict):
        yield Fault("metadata", "There is no metadata in this document.")
        return
    summary = metadata.get("summary")
    document = Document(
        source=SYSTEM,
        source_id=text_of(metadata.get("session_id")) or digest_of(metadata),
        place="metadata",
        model=text_of(metadata.get("model"), 255),
        summary=clean(summary) if isinstance(summary, str | dict) else None,
        summary_model=text_of(metadata.get("summary_model"), 255),
        created_at=time_of(metadata.get("created_at")),
        updated_at=time_of(metadata.get("updated_at")),
        tool_settings=object_of(metadata.get("tool_settings")),
        agent_settings=object_of(metadata.get("agent_settings")),
        context_window_config=object_of(metadata.get("context_window_config")),
    )
    document.messages = _messages(file, document)
    yield document


def _messages(file: BinaryIO, document: Document) -> Iterator[Message]:
    for number, found in enumerate(items(file, "messages.item")):
        if isinstance(found, dict):
            yield _message(found)
        else:
            document.tally.drop("not a message")
            document.tally.warn(f"messages[{number}]", "This is not a message.")


def _message(found: Mapping[str, Any]) -> Message:
    calls = found.get("tool_calls")
    return Message(
        role=text_of(found.get("role"), 20).lower(),
        content=text_of(found.get("content")),
        created_at=time_of(found.get("timestamp")),
        model=text_of(found.get("model"), 255),
        thinking=text_of(found.get("thinking")),
        tool_name=text_of(found.get("tool_name"), 255),
        tool_calls=clean(calls) if isinstance(calls, list) and calls else None,
        tool_call_id=text_of(found.get("tool_call_id"), 255),
        source_file=text_of(found.get("source_file"), 1024),
        prompt_eval_count=whole_number(found.get("prompt_eval_count")),
        eval_count=whole_number(found.get("eval_count")),
    )


def write(document: Document) -> Iterator[bytes]:
    """The document in pieces: 1.4, or 1.3 where it has a tool group, which 1.4 gave up for tool policies."""
    metadata = {
        "session_id": document.source_id.replace("-", "")[:10],
        "model": document.model or None,
        "created_at": _time(document.created_at),
        "updated_at": _time(document.updated_at),
        "message_count": document.message_count or 0,
        "summary": _summary(document.summary),
        "summary_model": document.summary_model or None,
        "format_version": "1.3" if document.tool_settings.get("tool_group") else "1.4",
        **{name: getattr(document, name) for name in _SETTINGS},
    }
    yield b'{"metadata":' + orjson.dumps(metadata) + b',"messages":['
    for index, message in enumerate(document.messages):
        yield (b",\n" if index else b"\n") + orjson.dumps(_object(message, index))
    yield b"\n]}\n"


def _object(message: Message, index: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "role": message.role,
        "content": message.content,
        "message_id": f"{index:010x}",
        "timestamp": _time(message.created_at),
    }
    more = {
        "system": ("source_file",),
        "assistant": ("model", "thinking", "eval_count", "prompt_eval_count", "tool_calls"),
        "tool": ("tool_name", "tool_call_id"),
    }
    for name in more.get(message.role, ()):
        value = getattr(message, name)
        found[name] = None if value == "" else value
    return found


def _summary(summary: Any) -> Any:
    return {"summary": summary, "topics": []} if isinstance(summary, str) else summary


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
