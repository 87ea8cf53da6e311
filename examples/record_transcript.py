#!/usr/bin/env python3
"""Record a Claude Code transcript (JSONL) as a session of ResearchMind. Needs nothing but Python.

    python3 examples/record_transcript.py transcript.jsonl --token rm_…

Roles, times, models, tool names, tool calls and token counts are kept. Each request carries an
Idempotency-Key, so that sending it again after a broken connection records nothing twice.
"""

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

MESSAGES_AT_ONCE = 200
BYTES_AT_ONCE = 4_000_000
ATTEMPTS = 5
NOT_SAID = ("tool_use", "thinking", "redacted_thinking")

Message = dict[str, Any]


def entries(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of the file that are JSON objects; a line cut off at the end is left out."""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            yield kept(entry)


def kept(value: Any) -> Any:
    """The value without what no database keeps: NUL and halves of surrogate pairs become the replacement character."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [kept(inner) for inner in value]
    if isinstance(value, dict):
        return {kept(key): kept(inner) for key, inner in value.items()}
    return value


def name_of(lines: Iterable[dict[str, Any]]) -> str:
    """The title that the transcript gives itself, if any."""
    keys = {"summary": "summary", "custom-title": "customTitle", "ai-title": "aiTitle"}
    titles = [str(entry.get(keys[entry["type"]], "")).strip() for entry in lines if entry.get("type") in keys]
    title = next((title for title in reversed(titles) if title), "")
    return title if len(title) <= 255 else title[:254] + "…"


def messages_of(lines: Iterable[dict[str, Any]]) -> list[Message]:
    """The transcript as messages of the API: one answer is one message, however many lines it came in."""
    messages: list[Message] = []
    tools: dict[str, str] = {}
    answer_id = None
    for entry in lines:
        said = entry.get("message")
        if entry.get("type") not in ("user", "assistant") or not isinstance(said, dict):
            continue
        if entry.get("isSidechain") or entry.get("isMeta"):
            continue
        content = said.get("content") or []
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if entry["type"] == "user":
            messages += user_messages(blocks, entry.get("timestamp"), tools)
            answer_id = None
            continue
        tools |= {block["id"]: block["name"] for block in blocks if block.get("type") == "tool_use"}
        part = answer(said, blocks, entry.get("timestamp"))
        if said.get("id") and said["id"] == answer_id:
            join(messages[-1], part)
        else:
            messages.append(part)
        answer_id = said.get("id")
    return messages


def user_messages(blocks: list[dict[str, Any]], at: str | None, tools: dict[str, str]) -> Iterator[Message]:
    """What a user's line holds: results of tools, then what the user said."""
    for block in blocks:
        if block.get("type") == "tool_result":
            call = block.get("tool_use_id") or ""
            result = {"role": "tool", "content": text_of(block.get("content")), "created_at": at, "tool_call_id": call}
            yield result | {
                "tool_name": tools.get(call),
                "metadata": {"is_error": True} if block.get("is_error") else None,
            }
    text = text_of([block for block in blocks if block.get("type") != "tool_result"])
    if text:
        yield {"role": "user", "content": text, "created_at": at}


def answer(said: dict[str, Any], blocks: list[dict[str, Any]], at: str | None) -> Message:
    """An assistant's line as a message."""
    usage = said.get("usage") or {}
    calls = [block for block in blocks if block.get("type") == "tool_use"]
    return {
        "role": "assistant",
        "content": text_of([block for block in blocks if block.get("type") not in NOT_SAID]),
        "created_at": at,
        "model": said.get("model"),
        "thinking": "\n\n".join(block.get("thinking", "") for block in blocks if block.get("type") == "thinking"),
        "tool_calls": [{"id": c.get("id"), "name": c.get("name"), "arguments": c.get("input")} for c in calls] or None,
        "prompt_eval_count": usage.get("input_tokens"),
        "eval_count": usage.get("output_tokens"),
    }


def join(message: Message, part: Message) -> None:
    """Add a later line of the same answer to it."""
    for key in ("content", "thinking"):
        message[key] = "\n\n".join(filter(None, (message[key], part[key])))
    message["tool_calls"] = [*(message["tool_calls"] or []), *(part["tool_calls"] or [])] or None
    message |= {key: part[key] for key in ("prompt_eval_count", "eval_count") if part[key] is not None}


def text_of(content: Any) -> str:
    """The text of a content: a string, or blocks of text and other things, which are named."""
    if isinstance(content, str):
        return content
    return "\n\n".join(block.get("text") or f"[{block.get('type', 'unknown')}]" for block in content or [])


def batches(messages: list[Message]) -> Iterator[list[Message]]:
    """Messages in portions that the server takes at once."""
    batch: list[Message] = []
    size = 0
    for message in messages:
        length = len(json.dumps(message))
        if batch and (len(batch) == MESSAGES_AT_ONCE or size + length > BYTES_AT_ONCE):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += length
    if batch:
        yield batch


def post(url: str, token: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send a POST, again if the connection breaks or the server is busy; end with its reason if the server refuses."""
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Idempotency-Key": str(uuid.uuid4()),
    }
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310  (http or https: see main)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310  (the same)
                found: dict[str, Any] = json.load(response)
                return found
        except urllib.error.HTTPError as error:
            if error.code != 503 or attempt == ATTEMPTS:
                sys.exit(f"{url}: {error.code} {explanation(error)}")
        except OSError as error:
            if attempt == ATTEMPTS:
                sys.exit(f"{url} can't be reached: {error}")
        time.sleep(2 ** (attempt - 1))
    raise AssertionError("the last attempt ends above")


def explanation(error: urllib.error.HTTPError) -> str:
    """What a problem's body says."""
    try:
        problem = json.load(error)
    except ValueError:
        return str(error.reason)
    places = "; ".join(f"{found['loc']}: {found['message']}" for found in problem.get("errors", []))
    return f"{problem.get('detail', error.reason)} {places}".strip()


def record(path: Path, url: str, token: str, name: str | None) -> str:
    """Make the session; return the address of its page."""
    lines = list(entries(path))
    messages = messages_of(lines)
    if not messages:
        sys.exit(f"{path} holds no messages of Claude Code.")
    api = f"{url}/api/v1/sessions"
    first, *rest = batches(messages)
    model = next((message["model"] for message in reversed(messages) if message.get("model")), None)
    session = {"name": name or name_of(lines) or None, "model": model, "metadata": {"recorded_from": path.name}}
    session = post(api, token, session | {"messages": first})
    for batch in rest:
        post(f"{api}/{session['session_id']}/messages", token, {"messages": batch})
    return f"{url}/sessions/{session['session_id']}/"


def main() -> None:
    """Read the command line and record the file."""
    parser = argparse.ArgumentParser(description="Record a Claude Code transcript as a session of ResearchMind.")
    parser.add_argument("file", type=Path, help="a transcript, one JSON object a line")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the server (default: %(default)s)")
    parser.add_argument("--token", default=os.environ.get("RESEARCHMIND_TOKEN"), help="or set RESEARCHMIND_TOKEN")
    parser.add_argument("--name", help="the session's name (default: the transcript's own title)")
    chosen = parser.parse_args()
    if not chosen.token:
        parser.error("give --token or set RESEARCHMIND_TOKEN; Settings, API tokens, makes one")
    if not chosen.url.startswith(("http://", "https://")):
        parser.error("--url must start with http:// or https://")
    if not chosen.file.is_file():
        parser.error(f"there is no file {chosen.file}")
    print(record(chosen.file, chosen.url.rstrip("/"), chosen.token, chosen.name))


if __name__ == "__main__":
    main()
