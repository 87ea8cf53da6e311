"""Asking over the API, and reading what is streamed."""

import json
from typing import Any

from sessions.models import Session
from tests.clients import ApiClient

CHAT = "/api/v1/chat"
ANSWER = "An *approximate* index."  # of the model server of the tests


def events(response: Any) -> list[tuple[str, Any]]:
    """(event, data) of a stream, read to its end."""
    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/event-stream")
    text = b"".join(response.streaming_content) if response.streaming else response.content
    found = []
    for block in text.decode().split("\n\n"):
        if block and not block.startswith(":"):
            name, data = block.split("\n")
            found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def ask(client: ApiClient, session: Session | None = None, message: str = "What is HNSW?", **more: Any) -> Any:
    """Ask, in a session or in a new one; `headers` and further fields of the body as they are needed."""
    headers = more.pop("headers", {})
    here = {"session_id": str(session.pk)} if session else {}
    return client.post(CHAT, {"message": message} | here | more, headers=headers)
