"""ChatGPT's data export: `conversations.json`, an array of trees of messages. Read only."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from sessions.formats.document import Document, Fault, Message, Tally
from sessions.formats.json_stream import is_array, items
from sessions.formats.turns import in_order, kind_of, line_to, parent_in
from sessions.formats.values import dict_in, digest_of, list_in, text_of, time_of, title_of

SYSTEM = "chatgpt"
_ROLES = {"user", "assistant", "system", "tool"}


def read(file: BinaryIO) -> Iterator[Document | Fault]:
    """The conversations of an array, or the one that the file is."""
    for number, found in enumerate(items(file, "item" if is_array(file) else "")):
        yield _conversation(found, f"[{number}]")


def _conversation(found: Any, place: str) -> Document | Fault:
    if not isinstance(found, dict) or not isinstance(found.get("mapping"), dict):
        title = text_of(found.get("title"), 80) if isinstance(found, dict) else ""
        return Fault(place, f"“{title}” has no messages (no mapping)." if title else "This is not a conversation.")
    tally = Tally()
    messages = _messages(found, tally, place)
    created = time_of(found.get("create_time"))
    return Document(
        source=SYSTEM,
        source_id=text_of(found.get("conversation_id") or found.get("id")) or digest_of(found),
        place=place,
        messages=in_order(messages, created),
        tally=tally,
        name=title_of(found.get("title")),
        model=text_of(found.get("default_model_slug"), 255),
        pinned=found.get("is_starred") is True,
        archived=found.get("is_archived") is True,
        created_at=created,
        updated_at=time_of(found.get("update_time")),
        may_be_empty=False,
    )


def _messages(found: dict[str, Any], tally: Tally, place: str) -> list[Message]:
    nodes = {key: node for key, node in found["mapping"].items() if isinstance(node, dict)}
    parents = {key: parent_in(nodes, node.get("parent")) for key, node in nodes.items()}
    for key, node in nodes.items():
        if node.get("parent") is not None and parents[key] is None:
            tally.warn(f"{place}.mapping.{text_of(key, 60)}", "Its parent is missing: what came before it is left out.")
    order = {key: number for number, key in enumerate(nodes)}

    def newest(key: Any) -> tuple[float, int]:
        message = nodes[key].get("message")
        at = time_of(message.get("create_time")) if isinstance(message, dict) else None
        return (at.timestamp() if at else 0.0, order[key])

    current = found.get("current_node")
    line = line_to(current if isinstance(current, str) else None, parents, newest, tally, place)
    return _said([nodes[key].get("message") for key in line], tally)


def _said(raw: list[Any], tally: Tally) -> list[Message]:
    """The messages of a line of nodes. Thoughts go to the answer that follows them."""
    messages: list[Message] = []
    thoughts: list[str] = []
    for found in raw:
        if not isinstance(found, dict):
            continue  # the root has none
        if dict_in(found, "metadata").get("is_visually_hidden_from_conversation") is True:
            tally.drop("hidden")
            continue
        content = dict_in(found, "content")
        if content.get("content_type") == "thoughts":
            thoughts += _thoughts(content)
            continue
        message = _message(found, content, tally)
        if message is not None and message.role == "assistant":
            message.thinking, thoughts = "\n\n".join(thoughts), []
        if message is not None:
            messages.append(message)
    if thoughts:
        messages.append(Message(role="assistant", thinking="\n\n".join(thoughts)))
    return messages


def _message(found: dict[str, Any], content: dict[str, Any], tally: Tally) -> Message | None:
    author = dict_in(found, "author")
    role = text_of(author.get("role")) if text_of(author.get("role")) in _ROLES else "assistant"
    text = _text(content, tally)
    if not text.strip():
        tally.drop("empty")
        return None
    recipient = text_of(found.get("recipient"), 255)
    is_call = role == "assistant" and recipient not in ("", "all")
    return Message(
        role=role,
        content=text,
        created_at=time_of(found.get("create_time")),
        model=text_of(dict_in(found, "metadata").get("model_slug"), 255) if role == "assistant" else "",
        tool_name=text_of(author.get("name"), 255) if role == "tool" else "",
        tool_calls=[{"name": recipient, "arguments": {}}] if is_call else None,
    )


def _text(content: dict[str, Any], tally: Tally) -> str:
    """What a content says, whatever its type; parts that aren't text are counted."""
    kind = text_of(content.get("content_type"))
    if isinstance(content.get("parts"), list):
        return "\n".join(filter(None, (_part(part, tally) for part in content["parts"])))
    if kind == "code":
        language = text_of(content.get("language"), 40)
        return fenced(text_of(content.get("text")), "" if language == "unknown" else language)
    if kind in ("user_editable_context", "model_editable_context", "reasoning_recap"):
        tally.drop(kind)
        return ""
    for key in ("text", "result", "summary"):
        if text := text_of(content.get(key)):
            return text
    if kind not in ("", "text"):
        tally.drop(kind_of(content))
    return ""


def _part(part: Any, tally: Tally) -> str:
    if isinstance(part, str):
        return text_of(part)
    if isinstance(part, dict) and isinstance(part.get("text"), str):  # a transcription of what was said aloud
        return text_of(part["text"])
    tally.drop(kind_of(part))
    return ""


def _thoughts(content: dict[str, Any]) -> list[str]:
    thoughts = [thought for thought in list_in(content, "thoughts") if isinstance(thought, dict)]
    return [text for thought in thoughts if (text := text_of(thought.get("content") or thought.get("summary")))]


def fenced(code: str, language: str) -> str:
    """Code as a block of Markdown, with a fence that the code doesn't hold."""
    if not code:
        return ""
    fence = "```"
    while fence in code:
        fence += "`"
    return f"{fence}{language}\n{code}\n{fence}"
