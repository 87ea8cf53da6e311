"""Codex's transcripts ("rollouts"): JSONL of {timestamp, type, payload}. Read only."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from sessions.formats.document import Document, Fault, Message
from sessions.formats.json_stream import lines
from sessions.formats.turns import Turn, kind_of, texts_of_blocks, tool_message
from sessions.formats.values import digest_of_beginning, object_of, text_of, time_of

SYSTEM = "codex"
_CALLS = {
    "function_call": "arguments",
    "custom_tool_call": "input",
    "local_shell_call": "action",
    "web_search_call": "action",
}
_RESULTS = ("function_call_output", "custom_tool_call_output", "local_shell_call_output")
# What Codex itself says in the user's name, before the user's first words.
_NOT_THE_USER = ("<environment_context>", "<user_instructions>", "<permissions", "# AGENTS.md instructions")


def read(file: BinaryIO) -> Iterator[Document | Fault]:
    """The one session of the file. Its model is known when its messages have been read."""
    meta = _meta(file)
    document = Document(
        source=SYSTEM,
        source_id=text_of(meta.get("id")) or digest_of_beginning(file),
        place="line 1",
        created_at=time_of(meta.get("timestamp")),
        may_be_empty=False,
    )
    document.messages = _Transcript(file, document).messages()
    yield document


def _meta(file: BinaryIO) -> dict[str, Any]:
    for number, entry in lines(file):
        if isinstance(entry, dict) and entry.get("type") == "session_meta" and isinstance(entry.get("payload"), dict):
            found: dict[str, Any] = entry["payload"]
            return found
        if isinstance(entry, dict) and number == 1 and "type" not in entry and "id" in entry:
            return entry  # as the first versions began
        if number > 20:
            break
    return {}


class _Transcript:
    """One pass over the lines: reasoning and calls in a row belong to one message."""

    def __init__(self, file: BinaryIO, document: Document) -> None:
        self._file = file
        self._document = document
        self._tally = document.tally
        self._turn = Turn()
        self._model = ""
        self._names: dict[str, str] = {}

    def messages(self) -> Iterator[Message]:
        for number, entry in lines(self._file):
            if not isinstance(entry, dict):
                self._tally.warn(f"line {number}", "This line is not JSON, or too long.")
                self._tally.drop("unreadable line")
                continue
            payload = entry.get("payload")
            kind = text_of(entry.get("type"))
            at = time_of(entry.get("timestamp"))
            self._document.created_at = self._document.created_at or at
            if kind == "response_item" and isinstance(payload, dict):
                yield from self._item(payload, at)
            elif "payload" not in entry and (kind == "message" or kind in (*_CALLS, *_RESULTS, "reasoning")):
                yield from self._item(entry, at)
            elif kind == "turn_context" and isinstance(payload, dict):
                self._model = text_of(payload.get("model"), 255) or self._model
            elif kind not in ("session_meta", ""):
                self._tally.drop(kind)
        yield from self._turn.finished()
        self._document.model = self._model

    def _item(self, item: dict[str, Any], at: Any) -> Iterator[Message]:
        kind = kind_of(item)
        self._document.updated_at = at or self._document.updated_at
        if kind == "message" and item.get("role") != "assistant":
            yield from self._turn.finished()
            yield from self._said(item, at)
        elif kind == "message":
            self._begin(at)
            self._turn.say(texts_of_blocks(item.get("content"), self._tally))
            yield from self._turn.finished()
        elif kind == "reasoning":
            self._begin(at)
            self._turn.think(self._reasoning(item))
        elif kind in _CALLS:
            self._begin(at)
            call_id = text_of(item.get("call_id") or item.get("id"))
            name = text_of(item.get("name")) or kind.removesuffix("_call")
            self._names[call_id] = name
            self._turn.call(call_id, name, item.get(_CALLS[kind]))
        elif kind in _RESULTS:
            yield from self._turn.finished()
            call_id = text_of(item.get("call_id"))
            yield tool_message(call_id, self._output(item.get("output")), name=self._names.get(call_id, ""), at=at)
        else:
            self._tally.drop(kind)

    def _begin(self, at: Any) -> None:
        """Go on with the answer that is being put together, or begin one."""
        if self._turn.is_empty:
            self._turn = Turn(model=self._model, created_at=at)

    def _said(self, item: dict[str, Any], at: Any) -> Iterator[Message]:
        text = texts_of_blocks(item.get("content"), self._tally)
        if not text.strip():
            self._tally.drop("empty")
            return
        is_user = item.get("role") == "user" and not text.lstrip().startswith(_NOT_THE_USER)
        yield Message(role="user" if is_user else "system", content=text, created_at=at)

    def _reasoning(self, item: dict[str, Any]) -> str:
        for key in ("content", "summary"):
            if isinstance(item.get(key), list) and item[key]:
                return texts_of_blocks(item[key], self._tally)
        if item.get("encrypted_content"):
            self._tally.drop("encrypted reasoning")
        return ""

    def _output(self, output: Any) -> str:
        """A tool's output: a text, blocks, or {content}."""
        if isinstance(output, dict):
            return texts_of_blocks(object_of(output).get("content") or object_of(output).get("output"), self._tally)
        return texts_of_blocks(output, self._tally)
