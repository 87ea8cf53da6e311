"""LibreChat's export of a conversation: messages nested by `children`, or flat with `parentMessageId`. Read only."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from sessions.formats.document import Document, Fault, Message, Tally
from sessions.formats.json_stream import is_array, items
from sessions.formats.turns import Turn, in_order, kind_of, line_to, parent_in
from sessions.formats.values import dict_in, digest_of, list_in, text_of, time_of, title_of, whole_number

SYSTEM = "librechat"


def read(file: BinaryIO) -> Iterator[Document | Fault]:
    """The conversation that the file is, or those of an array."""
    for number, found in enumerate(items(file, "item" if is_array(file) else "")):
        yield _conversation(found, f"[{number}]")


def _conversation(found: Any, place: str) -> Document | Fault:
    if not isinstance(found, dict):
        return Fault(place, "This is not a conversation.")
    tree = found.get("messagesTree") or found.get("messages")
    if not isinstance(tree, list):
        return Fault(place, f"“{text_of(found.get('title'), 80)}” has no messages.")
    tally = Tally()
    nodes = _flat(tree)
    times = [at for node in nodes if (at := time_of(node.get("createdAt")))]
    return Document(
        source=SYSTEM,
        source_id=text_of(found.get("conversationId")) or digest_of(found),
        place=place,
        messages=in_order(_messages(nodes, tally, place), min(times, default=None)),
        tally=tally,
        name=title_of(found.get("title")),
        tags=[text_of(tag) for tag in list_in(found, "tags")],
        model=text_of(dict_in(found, "options").get("model"), 255),
        archived=found.get("isArchived") is True,
        created_at=time_of(found.get("createdAt")) or min(times, default=None),
        updated_at=time_of(found.get("updatedAt")) or max(times, default=None),
        may_be_empty=False,
    )


def _flat(tree: list[Any]) -> list[dict[str, Any]]:
    """All messages, each after its parent, with `parentMessageId` set where nesting says it."""
    flat: list[dict[str, Any]] = []
    pending: list[tuple[Any, str | None]] = [(node, None) for node in reversed(tree)]
    while pending:
        node, parent = pending.pop()
        if not isinstance(node, dict):
            continue
        if parent is not None:
            node = node | {"parentMessageId": parent}
        flat.append(node)
        pending += [(child, text_of(node.get("messageId"))) for child in reversed(list_in(node, "children"))]
    return flat


def _messages(nodes: list[dict[str, Any]], tally: Tally, place: str) -> Iterator[Message]:
    by_id = {text_of(node.get("messageId")) or f"#{number}": node for number, node in enumerate(nodes)}
    parents = {key: parent_in(by_id, text_of(node.get("parentMessageId"))) for key, node in by_id.items()}
    order = {key: number for number, key in enumerate(by_id)}

    def newest(key: Any) -> tuple[float, int]:
        at = time_of(by_id[key].get("createdAt"))
        return (at.timestamp() if at else 0.0, order[key])

    for key in line_to(None, parents, newest, tally, place):
        yield from _said(by_id[key], tally)


def _said(node: dict[str, Any], tally: Tally) -> Iterator[Message]:
    is_user = node.get("isCreatedByUser")
    if not isinstance(is_user, bool):
        is_user = text_of(node.get("sender")).lower() == "user"
    at = time_of(node.get("createdAt"))
    turn = Turn(model=text_of(node.get("model"), 255), created_at=at, eval_count=whole_number(node.get("tokenCount")))
    parts = list_in(node, "content")
    for part in list_in(node, "files"):
        tally.drop("file" if isinstance(part, dict) else kind_of(part))
    messages = list(_of_parts(turn, parts, tally) if parts else _of_text(turn, node))
    if not messages:
        tally.drop("empty")
    for message in messages:
        if is_user and message.role == "assistant":
            message = Message(role="user", content=message.content, created_at=at)
        yield message


def _of_text(turn: Turn, node: dict[str, Any]) -> Iterator[Message]:
    turn.say(node.get("text"))
    yield from turn.finished()


def _of_parts(turn: Turn, parts: list[Any], tally: Tally) -> Iterator[Message]:
    for part in parts:
        kind = kind_of(part)
        if kind in ("text", "error"):
            turn.say(_value(part.get(kind)) or _value(part.get("text")))
        elif kind == "think":
            turn.think(_value(part.get("think")))
        elif kind == "tool_call" and isinstance(part.get("tool_call"), dict):
            yield from _called(turn, part["tool_call"])
        else:
            tally.drop(kind)
    yield from turn.finished()


def _called(turn: Turn, call: dict[str, Any]) -> Iterator[Message]:
    inner = call["function"] if isinstance(call.get("function"), dict) else call
    turn.call(call.get("id"), inner.get("name"), inner.get("args", inner.get("arguments")))
    output = text_of(inner.get("output"))
    if output:
        yield from turn.result(call.get("id"), output)


def _value(text: Any) -> str:
    """A text, which some versions wrap into {value}."""
    return text_of(text.get("value") if isinstance(text, dict) else text)
