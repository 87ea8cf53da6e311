"""Messages, events and sessions as JSON objects: the form that `json` and `researchmind` share with the API."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sessions.formats.document import Document, Event, Message, Revision
from sessions.formats.values import clean, object_of, text_of, time_of, whole_number

SYSTEM = "researchmind"
_OBJECTS = ("tool_settings", "agent_settings", "context_window_config", "configuration", "metadata")
_TEXTS = {"name": 255, "description": 1024, "model": 255, "summary_model": 255, "phase": 32}
_TIMES = ("created_at", "updated_at", "last_accessed", "archived_at", "deleted_at")
_MESSAGE_TEXTS = {
    "content": None, "author": 150, "model": 255, "thinking": None, "tool_name": 255, "tool_call_id": 255,
    "source_file": 1024,
}  # fmt: skip


def message_object(message: Message, index: int) -> dict[str, Any]:
    """A message as the API shows it, without the database's number."""
    origin = message.origin
    return {
        "index": index,
        "role": message.role,
        "content": message.content,
        "created_at": message.created_at,
        "edited_at": message.edited_at,
        "author": message.author or None,
        "model": message.model or None,
        "thinking": message.thinking or None,
        "tool_name": message.tool_name or None,
        "tool_calls": message.tool_calls,
        "tool_call_id": message.tool_call_id or None,
        "source_file": message.source_file or None,
        "prompt_eval_count": message.prompt_eval_count,
        "eval_count": message.eval_count,
        "metadata": message.metadata,
        "origin": None if origin is None else {"session_id": origin[0], "index": origin[1]},
    }


def message_of(found: Mapping[str, Any]) -> Message:
    """A message from its object; what is missing or of another type is left empty."""
    calls = found.get("tool_calls")
    origin = found.get("origin")
    is_origin = isinstance(origin, dict) and isinstance(origin.get("index"), int)
    return Message(
        role=text_of(found.get("role"), 20).lower(),
        created_at=time_of(found.get("created_at") or found.get("timestamp")),
        edited_at=time_of(found.get("edited_at")),
        tool_calls=clean(calls) if isinstance(calls, list) else None,
        prompt_eval_count=whole_number(found.get("prompt_eval_count")),
        eval_count=whole_number(found.get("eval_count")),
        metadata=object_of(found.get("metadata")),
        origin=(text_of(origin.get("session_id"), 36), origin["index"]) if is_origin else None,  # type: ignore[union-attr, index]  # a dict, see is_origin
        **{name: text_of(found.get(name), longest) for name, longest in _MESSAGE_TEXTS.items()},
    )


def session_object(document: Document) -> dict[str, Any]:
    """A session as the API shows it, without what belongs to this server: owner, paths, version."""
    return {
        "session_id": document.source_id,
        "name": document.name,
        "name_is_automatic": document.name_is_automatic,
        **{name: getattr(document, name) or None for name in ("model", "summary_model", "phase")},
        "description": document.description,
        "status": _status(document),
        "archived": document.archived,
        "pinned": document.pinned,
        "tags": document.tags,
        "summary": document.summary,
        **{name: getattr(document, name) for name in _OBJECTS},
        "ttl_seconds": document.ttl_seconds,
        "message_count": document.message_count,
        **{name: getattr(document, name) for name in _TIMES},
    }


def _status(document: Document) -> str:
    return "deleted" if document.deleted_at else "archived" if document.archived else "active"


def document_of(found: Mapping[str, Any], place: str) -> Document:
    """A session from its object, without messages; what is missing or of another type is left empty."""
    tags = found.get("tags")
    summary = found.get("summary")
    times: dict[str, datetime | None] = {name: time_of(found.get(name)) for name in _TIMES}
    document = Document(
        source=SYSTEM,
        source_id=text_of(found.get("session_id") or found.get("id")),
        place=place,
        name_is_automatic=found.get("name_is_automatic") is True,
        tags=[text_of(tag) for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else [],
        pinned=found.get("pinned") is True,
        archived=found.get("archived") is True or found.get("status") == "archived",
        summary=clean(summary) if isinstance(summary, str | dict) else None,
        ttl_seconds=whole_number(found.get("ttl_seconds")) or None,
        message_count=whole_number(found.get("message_count")),
        has_authors=True,
    )
    for name, longest in _TEXTS.items():
        setattr(document, name, text_of(found.get(name), longest))
    for name in _OBJECTS:
        setattr(document, name, object_of(found.get(name)))
    for name, at in times.items():
        setattr(document, name, at)
    if found.get("status") != "deleted":
        document.deleted_at = None
    return document


def revision_lines(revision: Revision) -> Iterator[dict[str, Any]]:
    """A revision as lines of `revisions.jsonl`: what it is, then its messages."""
    yield {
        "revision": revision.number,
        "first_index": revision.first_index,
        "reason": revision.reason,
        "created_at": revision.created_at,
    }
    for position, message in enumerate(revision.messages):
        yield message_object(message, revision.first_index + position)


def revisions_of(lines: Iterator[Mapping[str, Any]]) -> Iterator[Revision]:
    """The revisions that lines tell of. The messages of one are read before the next."""
    head = next(lines, None)
    while head is not None:
        following: list[Mapping[str, Any]] = []
        messages = _until_next(lines, following)
        number, first_index = whole_number(head.get("revision")), whole_number(head.get("first_index"))
        if number is not None and first_index is not None:
            at = time_of(head.get("created_at"))
            yield Revision(number, first_index, text_of(head.get("reason"), 16), at, messages)
        for _ in messages:
            pass  # what nobody read
        head = following[0] if following else None


def _until_next(lines: Iterator[Mapping[str, Any]], following: list[Mapping[str, Any]]) -> Iterator[Message]:
    for line in lines:
        if "revision" in line:
            following.append(line)
            return
        yield message_of(line)


def event_object(event: Event) -> dict[str, Any]:
    """An event as a line of `events.jsonl`."""
    return {"verb": event.verb, "at": event.at, "actor": event.actor, "token": event.token, "detail": event.detail}


def event_of(found: Mapping[str, Any]) -> Event | None:
    """An event from its object; None without a verb and a time."""
    at = time_of(found.get("at"))
    verb = text_of(found.get("verb"), 32)
    if at is None or not verb:
        return None
    detail = object_of(found.get("detail"))
    return Event(verb, at, text_of(found.get("actor"), 150), text_of(found.get("token"), 100), detail)
