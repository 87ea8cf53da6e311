"""Open WebUI's chat export: an array, or one chat a line, of trees of messages. Read only."""

import html
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from sessions.formats.document import Document, Fault, Message, Tally
from sessions.formats.json_stream import is_array, items, lines
from sessions.formats.turns import Turn, decoded, in_order, kind_of, line_to, parent_in, texts_of_blocks, tool_message
from sessions.formats.values import dict_in, digest_of, list_in, text_of, time_of, title_of, whole_number

SYSTEM = "openwebui"
_DETAILS = re.compile(
    r'<details\b[^>]*\btype="(?P<type>reasoning|tool_calls|code_interpreter)"(?P<more>[^>]*)>'
    r"(?:\s*<summary>[^<]*</summary>)?(?P<inside>.*?)</details>\s*",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
_QUOTE = re.compile(r"^> ?", re.MULTILINE)


def read(file: BinaryIO) -> Iterator[Document | Fault]:
    """The chats of an array, of lines, or the one that the file is."""
    if is_array(file):
        found: Iterator[tuple[str, Any]] = ((f"[{number}]", value) for number, value in enumerate(items(file, "item")))
    elif _is_one_a_line(file):
        found = ((f"line {number}", value) for number, value in lines(file))
    else:
        found = (("[0]", value) for value in items(file, ""))
    for place, value in found:
        yield _chat(value, place)


def _is_one_a_line(file: BinaryIO) -> bool:
    return isinstance(next(lines(file), (1, None))[1], dict)


def _chat(found: Any, place: str) -> Document | Fault:
    if not isinstance(found, dict):
        return Fault(place, "This is not a chat.")
    chat = found["chat"] if isinstance(found.get("chat"), dict) else found
    tally = Tally()
    nodes, current = _nodes(chat)
    if nodes is None:
        return Fault(place, f"“{text_of(found.get('title') or chat.get('title'), 80)}” has no messages.")
    created = time_of(found.get("created_at") or chat.get("timestamp"))
    return Document(
        source=SYSTEM,
        source_id=text_of(found.get("id") or chat.get("id")) or digest_of(found),
        place=place,
        messages=in_order(_messages(nodes, current, tally, place), created),
        tally=tally,
        name=title_of(found.get("title") or chat.get("title")),
        tags=_tags(list_in(dict_in(found, "meta"), "tags") or list_in(chat, "tags")),
        model=text_of(next(iter(list_in(chat, "models")), ""), 255),
        pinned=found.get("pinned") is True,
        archived=found.get("archived") is True,
        created_at=created,
        updated_at=time_of(found.get("updated_at")),
        may_be_empty=False,
    )


def _tags(tags: list[Any]) -> list[str]:
    return [text_of(tag.get("name") if isinstance(tag, dict) else tag) for tag in tags]


def _nodes(chat: dict[str, Any]) -> tuple[dict[Any, Any] | None, Any]:
    """Messages by id, and the last one's id: of the tree, or of the list that old exports have."""
    history = chat.get("history")
    if isinstance(history, dict) and isinstance(history.get("messages"), dict) and history["messages"]:
        return {key: node for key, node in history["messages"].items() if isinstance(node, dict)}, history.get(
            "currentId"
        )
    if not isinstance(chat.get("messages"), list):
        return ({}, None) if isinstance(history, dict) else (None, None)
    listed = [message for message in chat["messages"] if isinstance(message, dict)]
    chained = {number: message | {"parentId": number - 1 if number else None} for number, message in enumerate(listed)}
    return chained, len(listed) - 1


def _messages(nodes: dict[Any, Any], current: Any, tally: Tally, place: str) -> Iterator[Message]:
    parents = {key: parent_in(nodes, node.get("parentId")) for key, node in nodes.items()}
    order = {key: number for number, key in enumerate(nodes)}

    def newest(key: Any) -> tuple[float, int]:
        at = time_of(nodes[key].get("timestamp"))
        return (at.timestamp() if at else 0.0, order[key])

    known = current if isinstance(current, str | int) and current in nodes else None
    for key in line_to(known, parents, newest, tally, place):
        yield from _said(nodes[key], tally)


def _said(node: dict[str, Any], tally: Tally) -> Iterator[Message]:
    role = text_of(node.get("role"), 40)
    at = time_of(node.get("timestamp"))
    for part in list_in(node, "files"):
        tally.drop(kind_of(part) if isinstance(part, dict) and part.get("type") else "file")
    if role == "assistant":
        yield from _answer(node, tally)
    elif role in ("user", "system", "tool"):
        text = texts_of_blocks(node.get("content"), tally)
        if text.strip() and role == "tool":
            yield tool_message(node.get("tool_call_id"), text, name=text_of(node.get("name")), at=at)
        elif text.strip():
            yield Message(role=role, content=text, created_at=at)
        else:
            tally.drop("empty")
    else:
        tally.drop(f"role {role or 'missing'}")


def _answer(node: dict[str, Any], tally: Tally) -> Iterator[Message]:
    usage = dict_in(node, "usage")
    turn = Turn(
        model=text_of(node.get("model"), 255),
        created_at=time_of(node.get("timestamp")),
        prompt_eval_count=whole_number(usage.get("prompt_eval_count", usage.get("prompt_tokens"))),
        eval_count=whole_number(usage.get("eval_count", usage.get("completion_tokens"))),
    )
    output = node.get("output")
    if isinstance(output, list) and output:
        messages = _of_output(turn, output, tally)
    else:
        messages = _of_text(turn, texts_of_blocks(node.get("content"), tally))
    count = 0
    for message in messages:
        count += 1
        yield message
    if not count:
        tally.drop("empty")


def _of_output(turn: Turn, output: list[Any], tally: Tally) -> Iterator[Message]:
    """An answer as its parts in order."""
    for part in output:
        kind = kind_of(part)
        if kind == "reasoning":
            turn.think(texts_of_blocks(part.get("content") or part.get("summary") or [], tally))
        elif kind == "message":
            turn.say(texts_of_blocks(part.get("content"), tally))
        elif kind == "function_call":
            turn.call(part.get("call_id") or part.get("id"), part.get("name"), part.get("arguments"))
        elif kind == "function_call_output":
            yield from turn.result(part.get("call_id"), texts_of_blocks(part.get("output"), tally))
        else:
            tally.drop(kind)
    yield from turn.finished()


def _of_text(turn: Turn, text: str) -> Iterator[Message]:
    """An answer as older versions keep it: text with <details> for reasoning and calls of tools."""
    end = 0
    for found in _DETAILS.finditer(text):
        turn.say(text[end : found.start()].strip())
        end = found.end()
        inside = html.unescape(found["inside"]).strip()
        attributes = {key: html.unescape(value) for key, value in _ATTRIBUTE.findall(found["more"])}
        if found["type"] == "reasoning":
            turn.think(_QUOTE.sub("", inside))
        elif attributes.get("name"):
            turn.call(attributes.get("id"), attributes["name"], decoded(attributes.get("arguments", "")))
            yield from turn.result(attributes.get("id"), _unquoted(attributes.get("result") or inside))
        else:
            turn.say(inside)
    turn.say(text[end:] if not end else text[end:].strip())
    yield from turn.finished()


def _unquoted(result: str) -> str:
    """A tool's result, which may be JSON of a text."""
    if result.startswith('"'):
        value = decoded(f"[{result}]")
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
            return value[0]
    return result
