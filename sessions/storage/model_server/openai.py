"""OpenAI's chat completions, which many servers speak: server-sent events, `[DONE]` at the end."""

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

NAME = "openai"
MODELS = "/models"
CHAT = "/chat/completions"
DEFAULT_PATH = "/v1"


def request_of(question: Question) -> dict[str, Any]:
    """The body of a question. The window is the server's own affair: the protocol has no word for it."""
    return {
        "model": question.model,
        "messages": [{"role": said.role, "content": said.content} for said in question.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def models_of(document: dict[str, Any]) -> list[Model]:
    """What `/models` lists. Raises ModelServerError for anything else."""
    listed = document.get("data")
    if not isinstance(listed, list):
        nonsense()
    return [Model(entry["id"]) for entry in listed if isinstance(entry, dict) and isinstance(entry.get("id"), str)]


def has(names: set[str], name: str) -> bool:
    """Whether the server knows the name."""
    return name in names


def read(reply: Reply) -> Iterator[Piece | Finish]:
    """The pieces of an answer, and its end if it has one. Raises ModelServerError.

    A server that doesn't stream sends the whole as one document.
    """
    if reply.content_type == "application/json":
        yield from _whole(document_of(reply.body()))
        return
    is_finished = False
    usage: Any = None
    for data in _events(reply):
        if data == b"[DONE]":
            is_finished = True
            break
        document = document_of(data)
        check_no_error(document)
        choice = _choice(document)
        usage = document.get("usage") or usage
        is_finished = is_finished or bool(choice.get("finish_reason"))
        yield _piece(choice.get("delta"))
    if is_finished:
        yield _finish(usage)


def _events(reply: Reply) -> Iterator[bytes]:
    for line in reply.lines():
        name, _, value = line.strip().partition(b":")
        if name == b"data":
            yield value.strip()
        elif line.startswith(b"{"):
            check_no_error(document_of(line))
            nonsense()
        elif name not in (b"", b"event", b"id", b"retry"):
            nonsense()


def _whole(document: dict[str, Any]) -> Iterator[Piece | Finish]:
    check_no_error(document)
    choice = _choice(document)
    yield _piece(choice.get("message"))
    if choice.get("finish_reason"):
        yield _finish(document.get("usage"))


def _choice(document: dict[str, Any]) -> dict[str, Any]:
    """The first choice; a document that only tells the usage has none."""
    choices = document.get("choices")
    if not isinstance(choices, list) or (choices and not isinstance(choices[0], dict)):
        nonsense()
    return choices[0] if choices else {}


def _piece(message: Any) -> Piece:
    message = {} if message is None else message
    if not isinstance(message, dict):
        nonsense()
    thinking = message.get("reasoning_content") or message.get("reasoning")
    return Piece(text_of(message.get("content")), text_of(thinking))


def _finish(usage: Any) -> Finish:
    usage = usage if isinstance(usage, dict) else {}
    return Finish(count_of(usage.get("prompt_tokens")), count_of(usage.get("completion_tokens")))
