"""Small files as other systems write them, made by hand."""

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any


def as_json(value: Any) -> bytes:
    """A file of JSON."""
    return json.dumps(value).encode()


def as_lines(*values: Any) -> bytes:
    """A file of JSON, one value a line."""
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def as_zip(entries: Mapping[str, bytes]) -> bytes:
    """A zip of these entries."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def chatgpt_node(key: str, parent: str | None, role: str = "user", text: str = "", **more: Any) -> dict[str, Any]:
    """A node of a ChatGPT conversation; `content` and others replace what is made of the text."""
    message = {
        "id": key,
        "author": {"role": role, "name": more.pop("name", None)},
        "create_time": more.pop("at", None),
        "content": more.pop("content", {"content_type": "text", "parts": [text]}),
        "metadata": more.pop("metadata", {}),
        "recipient": more.pop("recipient", "all"),
    }
    return {"id": key, "parent": parent, "children": [], "message": message}


def chatgpt(nodes: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    """A ChatGPT conversation of these nodes, of which the last is the current one."""
    root = {"id": "root", "parent": None, "children": [], "message": None}
    found = {
        "title": "Moss",
        "create_time": 1_700_000_000.5,
        "update_time": 1_700_000_100.25,
        "mapping": {node["id"]: node for node in [root, *nodes]},
        "current_node": nodes[-1]["id"] if nodes else "root",
        "conversation_id": "c-1",
        "default_model_slug": "gpt-5",
        "is_archived": False,
        "is_starred": None,
    }
    return found | fields


def simple_chatgpt(number: int = 1, **fields: Any) -> dict[str, Any]:
    """A conversation of a question and its answer."""
    nodes = [
        chatgpt_node("u", "root", "user", f"Question {number}", at=1_700_000_001),
        chatgpt_node(
            "a", "u", "assistant", f"Answer {number}", at=1_700_000_002, metadata={"model_slug": "gpt-5-mini"}
        ),
    ]
    return chatgpt(nodes, **{"conversation_id": f"c-{number}", "title": f"Chat {number}"} | fields)


def openwebui(messages: dict[str, dict[str, Any]], current: str | None, **fields: Any) -> dict[str, Any]:
    """A chat of Open WebUI."""
    found = {
        "id": "w-1",
        "title": "Lichen",
        "chat": {"title": "Lichen", "models": ["llama3"], "history": {"currentId": current, "messages": messages}},
        "meta": {"tags": ["botany"]},
        "pinned": True,
        "archived": False,
        "created_at": 1_700_000_000,
        "updated_at": 1_700_000_050,
    }
    return found | fields


def claude_line(kind: str, content: Any, second: int = 0, **fields: Any) -> dict[str, Any]:
    """A line of a transcript of Claude Code; `message` has more of the message."""
    message = {"role": kind, "content": content} | fields.pop("message", {})
    return {
        "type": kind,
        "uuid": f"u-{second}",
        "sessionId": "cc-1",
        "timestamp": f"2026-03-01T10:00:{second:02}Z",
        "isSidechain": False,
        "message": message,
    } | fields


def codex_item(payload: dict[str, Any], second: int = 0) -> dict[str, Any]:
    """A line of a transcript of Codex."""
    return {"timestamp": f"2026-03-01T10:00:{second:02}.000Z", "type": "response_item", "payload": payload}


MOCHI = {
    "metadata": {
        "session_id": "a1b2c3d4e5",
        "model": "llama3:8b",
        "created_at": "2024-01-01T10:00:00Z",
        "updated_at": "2024-01-01T10:05:00Z",
        "message_count": 3,
        "summary": {"summary": "Greetings", "topics": ["hello"]},
        "summary_model": "llama3:8b",
        "format_version": "1.3",
        "tool_settings": {"tools": [], "tool_group": "files", "execution_policy": "always_confirm"},
        "agent_settings": {"enabled_agents": []},
        "context_window_config": {"dynamic_enabled": True, "current_window": 8192},
    },
    "messages": [
        {"role": "system", "content": "Be kind", "source_file": "kind.md", "message_id": "1", "timestamp": None},
        {"role": "user", "content": "Hello", "message_id": "2", "timestamp": "2024-01-01T10:01:00Z"},
        {
            "role": "assistant", "content": "", "model": "llama3:8b", "message_id": "3",
            "timestamp": "2024-01-01T10:01:05Z", "eval_count": 12, "prompt_eval_count": 45, "thinking": "A greeting.",
            "tool_calls": [{"function": {"name": "wave", "arguments": {}}}],
        },
        {"role": "tool", "content": "waved", "tool_name": "wave"},
    ],
}  # fmt: skip
