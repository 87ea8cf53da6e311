"""Ollama's own protocol: one JSON object a line; the last one says `done`."""

from collections.abc import Iterator
from typing import Any

from sessions.storage.exchange import Reply
from sessions.storage.model_server.answers import (
    Finish,
    Model,
    Piece,
    Question,
    check_no_error,
    count_of,
    document_of,
    nonsense,
    text_of,
)

NAME = "ollama"
MODELS = "/api/tags"
CHAT = "/api/chat"
DEFAULT_PATH = ""


def request_of(question: Question) -> dict[str, Any]:
    """The body of a question."""
    return {
        "model": question.model,
        "messages": [{"role": said.role, "content": said.content} for said in question.messages],
        "stream": True,
        "options": {"num_ctx": question.window},
    }


def models_of(document: dict[str, Any]) -> list[Model]:
    """What `/api/tags` lists. Raises ModelServerError for anything else."""
    listed = document.get("models")
    if not isinstance(listed, list):
        nonsense()
    found = [entry for entry in listed if isinstance(entry, dict) and isinstance(entry.get("name"), str)]
    return [Model(entry["name"], count_of(entry.get("size"))) for entry in found]


def has(names: set[str], name: str) -> bool:
    """Whether the server knows the name: `llama3` is `llama3:latest` to it."""
    return name in names or (":" not in name and f"{name}:latest" in names)


def read(reply: Reply) -> Iterator[Piece | Finish]:
    """The pieces of an answer, and its end if it has one. Raises ModelServerError."""
    for line in reply.lines():
        if not line.strip():
            continue
        document = document_of(line)
        check_no_error(document)
        message = document.get("message") or {}
        if not isinstance(message, dict) or not document.keys() & {"message", "done"}:
            nonsense()
        yield Piece(text_of(message.get("content")), text_of(message.get("thinking")))
        if document.get("done") is True:
            yield Finish(count_of(document.get("prompt_eval_count")), count_of(document.get("eval_count")))
            return
