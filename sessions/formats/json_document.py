"""Our own single document: {session, messages, export_timestamp}. Read and written."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO

import orjson

from sessions.formats import entries
from sessions.formats.document import Document, Fault, Message
from sessions.formats.json_stream import first_item, holds, items
from sessions.formats.values import digest_of

_UTC = orjson.OPT_UTC_Z


def read(file: BinaryIO) -> Iterator[Document | Fault]:
    """The one session of the file; its messages are read one at a time."""
    session = first_item(file, "session")
    if not isinstance(session, dict):
        yield Fault("session", "There is no session in this document.")
        return
    document = entries.document_of(session, "session")
    document.source_id = document.source_id or digest_of(session)
    if holds(file, "collection_data"):
        document.tally.drop("collection_data")
    document.messages = _messages(file, document)
    yield document


def _messages(file: BinaryIO, document: Document) -> Iterator[Message]:
    for number, found in enumerate(items(file, "messages.item")):
        if isinstance(found, dict):
            yield entries.message_of(found)
        else:
            document.tally.drop("not a message")
            document.tally.warn(f"messages[{number}]", "This is not a message.")


def write(document: Document) -> Iterator[bytes]:
    """The document in pieces."""
    session = orjson.dumps(entries.session_object(document), option=_UTC)
    exported = orjson.dumps(datetime.now(UTC), option=_UTC)
    yield (
        b'{"format":"researchmind.session","format_version":1,"export_timestamp":' + exported + b',"session":' + session
    )
    yield b',"messages":['
    for index, message in enumerate(document.messages):
        yield (b",\n" if index else b"\n") + orjson.dumps(entries.message_object(message, index), option=_UTC)
    yield b"\n]}\n"
