"""Reading samples in tests."""

import io
from typing import Any

from sessions.formats.document import Document, Fault, Message
from sessions.formats.recognition import reader_for
from tests.formats.samples import as_json


def read_all(data: bytes, form: str = "") -> tuple[str, list[Document | Fault], list[list[Message]]]:
    """The format of a file, its documents and faults, and the messages of each document."""
    file = io.BytesIO(data)
    name, read = reader_for(file, form)
    found, messages = [], []
    for document in read(file):
        found.append(document)
        messages.append([] if isinstance(document, Fault) else list(document.messages))
    return name, found, messages


def read_one(value: Any, form: str = "") -> tuple[Document, list[Message]]:
    """The one document of a file and its messages; `value` is bytes, or becomes JSON."""
    _, found, messages = read_all(value if isinstance(value, bytes) else as_json(value), form)
    (document,) = found
    assert isinstance(document, Document), document
    return document, messages[0]


def said(messages: list[Message]) -> list[tuple[str, str]]:
    """(role, content) of each message."""
    return [(message.role, message.content) for message in messages]
