"""The tools that read. Each answer is bounded: a page at a time, and long texts cut with how to read on."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from django.db.models import F
from django.db.models.functions import Length, Substr

from sessions import access
from sessions.access import Actor
from sessions.exceptions import Invalid, MessageNotFound
from sessions.mcp.arguments import ListSessions, OneSession, ReadMessage, ReadSession, Search
from sessions.models import Message, TaskStatus
from sessions.models.progress import Progress, read_progress
from sessions.models.rows import Row
from sessions.models.session_filter import Position, SessionFilter
from sessions.models.session_list import DEFAULT_SORT, count_sessions, decode_position, encode_position, list_sessions
from sessions.models.tag import normalise_tag
from sessions.operations.changing import mark_accessed
from sessions.operations.runs.phases import checked_phase
from sessions.search.query import Query
from sessions.search.results import BadPlace, Filtered, filter_by
from sessions.search.results import search as find

PART = 20_000  # characters of one text in one answer
PAGE = 60_000  # characters of all messages in one answer
EXCERPT = 1_000  # characters of a text that stands beside others
NEWEST = 20  # errors and log lines
MOST_TASKS = 200

_HEAD = ("name", "description", "status", "pinned", "tags", "message_count", "version")
_LINE = ("name", "status", "pinned", "tags", "message_count", "preview")
_MESSAGE = ("index", "role", "created_at", "edited_at", "model", "tool_name", "tool_call_id")
_LIST_FIELDS = (
    "id", "name", "status", "pinned", "model", "phase", "message_count", "preview", "created_at", "updated_at",
)  # fmt: skip


def list_page(actor: Actor, asked: ListSessions) -> dict[str, Any]:
    """A page of sessions, pinned ones first, then the newest."""
    wanted = _filter(actor, asked)
    page = list_sessions(
        wanted.wanted, limit=asked.limit, after=_position(asked.cursor), fields=_LIST_FIELDS, with_people=False
    )
    data: dict[str, Any] = {
        "sessions": [_names(row) | {name: row[name] for name in _LINE} | _state(row) for row in page.rows],
        "next": _text(encode_position(page.next, DEFAULT_SORT)) if page.next else None,
    }
    if asked.cursor is None:
        data |= {"count": count_sessions(wanted.wanted), "count_is_exact": wanted.is_exact}
    return data


def _filter(actor: Actor, asked: ListSessions) -> Filtered:
    query = Query.parse(asked.q)
    plain = SessionFilter(
        user_id=actor.user_id,
        statuses=query.statuses_of([asked.status], are_chosen="status" in asked.model_fields_set),
        tags_any=sorted({normalise_tag(tag) for tag in asked.tags}),
        phase=checked_phase(asked.phase) if asked.phase else None,
        only_session=actor.only_session,
        scope=asked.scope,
    )
    return filter_by(query, plain) if query.text else Filtered(plain)


def search(actor: Actor, asked: Search) -> dict[str, Any]:
    """A page of messages and sessions that fit a query, the best first."""
    try:
        found = find(
            Query.parse(asked.q),
            user_id=actor.user_id,
            only_session=actor.only_session,
            limit=asked.limit,
            after=None if asked.cursor is None else _bytes(asked.cursor),
        )
    except BadPlace:
        raise _bad_cursor() from None
    names = ("session_id", "session_name", "index", "role", "created_at", "snippet")
    return {
        "results": [{name: getattr(result, name) for name in names} for result in found.results],
        "count": found.count,
        "count_is_exact": found.count_is_exact,
        "next": None if found.next is None else _text(found.next),
    }


def read_session(actor: Actor, asked: ReadSession) -> dict[str, Any]:
    """A session with a page of its messages. It counts as a use of the session, as a read over the API does."""
    row = access.session_row_for_reading(actor, asked.session_id)
    mark_accessed(UUID(row["id"]), row["last_accessed"])
    found = Message.objects.of(row["id"])
    if asked.after is not None:
        found = found.filter(index__gt=asked.after)
    if asked.before is not None:
        found = found.filter(index__lt=asked.before)
    rows = found.order_by("index" if asked.order == "asc" else "-index").values(
        *_MESSAGE,
        "tool_calls",
        author_name=F("author__username"),
        said=Substr("content", 1, PART),
        length=Length("content"),
        thought=Substr("thinking", 1, EXCERPT),
        thought_length=Length("thinking"),
    )[: asked.limit + 1]
    messages = _fitting([_message(row) for row in rows[: asked.limit]])
    last = messages[-1]["index"] if messages else None
    return (
        _names(row)
        | {name: row[name] for name in _HEAD}
        | _state(row)
        | {"summary": _bounded(row["summary"])}
        | {"owner": row["owner_name"], "role": row["role"] or access.SessionRole.OWNER.value}
        | {"messages": messages, "next": last if len(rows) > len(messages) else None}
    )


def _message(row: Mapping[str, Any]) -> dict[str, Any]:
    """A message; `cut` says how long each text is that isn't whole here."""
    message: dict[str, Any] = {name: row[name] for name in _MESSAGE if row[name] not in (None, "")}
    message |= {"content": row["said"]}
    cut = {"content": row["length"]} if row["length"] > PART else {}
    if row["author_name"]:
        message["author"] = row["author_name"]
    if row["thought"]:
        message["thinking"] = row["thought"]
        cut |= {"thinking": row["thought_length"]} if row["thought_length"] > EXCERPT else {}
    if row["tool_calls"]:
        message["tool_calls"] = _bounded(row["tool_calls"])
        length = len(_json(row["tool_calls"]))
        cut |= {"tool_calls": length} if length > EXCERPT else {}
    return message | ({"cut": cut} if cut else {})


def _fitting(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first one, and those after it that fit into an answer with it."""
    taken = 0
    for number, message in enumerate(messages):
        taken += len(_json(message))
        if number and taken > PAGE:
            return messages[:number]
    return messages


def read_message(actor: Actor, asked: ReadMessage) -> dict[str, Any]:
    """A part of a message's text. Offsets and lengths are in characters."""
    row = access.session_row_for_reading(actor, asked.session_id)
    mark_accessed(UUID(row["id"]), row["last_accessed"])
    found = Message.objects.of(row["id"]).filter(index=asked.index)
    if asked.part == "tool_calls":
        calls = [_json(value) for value in found.values_list("tool_calls", flat=True)]
        parts = [(text[asked.offset : asked.offset + PART], len(text)) for text in calls]
    else:
        parts = list(found.values_list(Substr(asked.part, asked.offset + 1, PART), Length(asked.part)))
    if not parts:
        raise MessageNotFound(
            f"The transcript has {row['message_count']} messages, the first one with index 0.", session_id=row["id"]
        )
    text, length = parts[0]
    end = asked.offset + len(text)
    return {"index": asked.index, asked.part: text, "length": length, "next": end if end < length else None}


def read_run(actor: Actor, asked: OneSession) -> dict[str, Any]:
    """How far a run is, the pending question and its answer, the tasks, the newest errors and log lines."""
    row = access.session_row_for_reading(actor, asked.session_id)
    progress = read_progress(UUID(row["id"]), with_data=False)
    question = progress.clarification
    return _names(row) | {
        "phase": progress.phase or None,
        "state": progress.state or None,
        "pending_clarification": _pending(progress),
        "clarification_answer": _cut(question["answer"]) if question else None,
        "is_aborted": progress.is_aborted,
        "abort_reason": _cut(progress.abort_reason) or None,
        "failure_reason": _cut(progress.failure_reason) or None,
        "tasks": [_short(task) for task in progress.tasks[:MOST_TASKS]],
        "task_count": len(progress.tasks),
        "active_task_id": next(iter(progress.task_ids(TaskStatus.ACTIVE)), None),
        "artifacts": [_short(artifact) for artifact in progress.artifacts[:MOST_TASKS]],
        "errors": [_short(entry) for entry in progress.errors[-NEWEST:]],
        "logs": [_short(entry) for entry in progress.logs[-NEWEST:]],
        "heartbeat_at": progress.heartbeat_at,
        "version": progress.version,
    }


def _pending(progress: Progress) -> dict[str, Any] | None:
    asked = progress.pending
    return asked and {"question": _cut(asked["question"]), "context": _cut(asked["context"])} | {
        "options": asked["options"]
    }


def _names(row: Row) -> dict[str, Any]:
    session_id = row["id"]
    return {"session_id": session_id, "short_id": session_id[:8] + session_id[9:11]}


def _state(row: Row) -> dict[str, Any]:
    return {"model": row["model"] or None, "phase": row["phase"] or None} | {
        name: row[name] for name in ("created_at", "updated_at")
    }


def _short(row: Row) -> Row:
    return {
        name: _cut(value) if isinstance(value, str) else value
        for name, value in row.items()
        if value not in (None, "") and name != "id"
    }


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= EXCERPT else f"{text[:EXCERPT]}…"


def _bounded(value: Any) -> Any:
    """A JSON value, or the beginning of its text if that is long."""
    text = _json(value)
    return value if len(text) <= EXCERPT else _cut(text)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _position(cursor: str | None) -> Position | None:
    if cursor is None:
        return None
    try:
        return decode_position(_bytes(cursor), DEFAULT_SORT)
    except (ValueError, OverflowError):
        raise _bad_cursor() from None


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(cursor: str) -> bytes:
    try:
        return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError as error:
        raise BadPlace from error


def _bad_cursor() -> Invalid:
    return Invalid(
        "The cursor can't be used.", errors=[("cursor", "Give the text of `next` from the page before, same question.")]
    )
