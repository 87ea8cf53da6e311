"""What is asked of a model server and what it answers, whichever protocol it speaks."""

from dataclasses import dataclass
from typing import Any, NoReturn

import orjson

from sessions.exceptions import ModelServerError

_LARGEST_COUNT = 2**63 - 1
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Model:
    """A model that the server has. Size in bytes, if it tells."""

    name: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A message as the model reads it: role `system`, `user` or `assistant`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that the model is to read, and how many tokens its window has."""

    model: str
    messages: list[Said]
    window: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer, as soon as it is there."""

    content: str = ""
    thinking: str = ""


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of an answer that is whole. Counts are tokens, None where the server doesn't tell."""

    prompt_eval_count: int | None = None
    eval_count: int | None = None


def document_of(data: bytes) -> dict[str, Any]:
    """A JSON object. Raises ModelServerError for anything else."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        nonsense()
    return document


def nonsense() -> NoReturn:
    """Raise ModelServerError: this isn't what the protocol says."""
    raise ModelServerError(
        "The model server's answer can't be understood. Is RESEARCHMIND_MODEL_SERVER the right kind of server?"
    )


def text_of(value: Any) -> str:
    """A text without the characters that no database keeps; null is empty. Raises ModelServerError."""
    if value is None:
        return ""
    if not isinstance(value, str):
        nonsense()
    return value.replace("\x00", "")


def count_of(value: Any) -> int | None:
    """A number of tokens; None for anything that can't be one."""
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_COUNT
    return value if fits else None


def reason_of(document: dict[str, Any]) -> str:
    """What a server says went wrong, on one line; empty if it doesn't say."""
    error = document.get("error")
    if isinstance(error, dict):
        error = error.get("message")
    return " ".join(error.split())[:_LONGEST_REASON] if isinstance(error, str) else ""


def check_no_error(document: dict[str, Any]) -> None:
    """Raise ModelServerError if the document tells of one."""
    if document.get("error"):
        raise ModelServerError(f"The model server gave up: {reason_of(document) or 'it does not say why'}.")
