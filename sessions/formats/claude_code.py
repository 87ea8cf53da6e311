"""Claude Code's transcripts: JSONL, one event a line. Read only."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from sessions.formats.document import Document, Fault, Message
from sessions.formats.json_stream import lines
from sessions.formats.turns import Turn, kind_of, texts_of_blocks, tool_message
from sessions.formats.values import dict_in, digest_of_beginning, text_of, time_of, title_of, whole_number

SYSTEM = "claude_code"
_TITLES = {"custom-title": "customTitle", "ai-title": "aiTitle", "summary": "summary"}  # the most telling first


def read(file: BinaryIO) -> Iterator[Document | Fault]:
    """The one session of the file. Its name and model are known when its messages have been read."""
    document = Document(source=SYSTEM, source_id=_session_id(file), place="line 1", may_be_empty=False)
    document.messages = _Transcript(file, document).messages()
    yield document


def _session_id(file: BinaryIO) -> str:
    """The id that the first lines tell; of a file without one, a digest of its beginning."""
    for number, entry in lines(file):
        if isinstance(entry, dict) and (found := text_of(entry.get("sessionId"))):
            return found
        if number > 200:
            break
    return digest_of_beginning(file)


class _Transcript:
    """One pass over the lines: one answer is one message, however many lines it came in."""

    def __init__(self, file: BinaryIO, document: Document) -> None:
        self._file = file
        self._document = document
        self._tally = document.tally
        self._turn = Turn()
        self._answer_id: Any = None
        self._titles: dict[str, str] = {}
        self._tools: dict[str, str] = {}
        self._seen: set[str] = set()

    def messages(self) -> Iterator[Message]:
        for number, entry in lines(self._file):
            if not isinstance(entry, dict):
                self._tally.warn(f"line {number}", "This line is not JSON, or too long.")
                self._tally.drop("unreadable line")
            elif (kind := text_of(entry.get("type"))) in _TITLES:
                title = text_of(entry.get(_TITLES[kind])).strip()
                self._titles |= {kind: title} if title else {}
            elif self._is_said(entry):
                yield from self._said(entry)
        yield from self._turn.finished()
        self._document.name = next((title_of(self._titles[kind]) for kind in _TITLES if kind in self._titles), "")

    def _is_said(self, entry: dict[str, Any]) -> bool:
        """Whether the line belongs to the transcript; what doesn't is counted."""
        reason = ""
        uuid = text_of(entry.get("uuid"))
        if entry.get("type") not in ("user", "assistant") or not isinstance(entry.get("message"), dict):
            reason = text_of(entry.get("type"), 40) or "unknown"
        elif entry.get("isSidechain") is True:
            reason = "sidechain"
        elif entry.get("isMeta") is True:
            reason = "meta"
        elif uuid and uuid in self._seen:
            reason = "repeated line"
        if uuid:
            self._seen.add(uuid)
        if reason:
            self._tally.drop(reason)
        return not reason

    def _said(self, entry: dict[str, Any]) -> Iterator[Message]:
        said = entry["message"]
        at = time_of(entry.get("timestamp"))
        document = self._document
        document.created_at = document.created_at or at
        document.updated_at = at or document.updated_at
        content = said.get("content")
        blocks = content if isinstance(content, list) else [{"type": "text", "text": text_of(content)}]
        if entry["type"] == "user":
            yield from self._turn.finished()
            self._answer_id = None
            yield from self._of_user(blocks, entry)
            return
        if not said.get("id") or said.get("id") != self._answer_id:
            yield from self._turn.finished()
            model = text_of(said.get("model"), 255)
            self._turn = Turn(model="" if model == "<synthetic>" else model, created_at=at)
            document.model = self._turn.model or document.model
        self._answer_id = said.get("id")
        self._of_assistant(blocks, said)

    def _of_user(self, blocks: list[Any], entry: dict[str, Any]) -> Iterator[Message]:
        """Results of tools, then what the user said."""
        at = time_of(entry.get("timestamp"))
        said = []
        results = 0
        for block in blocks:
            if kind_of(block) != "tool_result":
                said.append(block)
                continue
            results += 1
            call = text_of(block.get("tool_use_id"))
            content = texts_of_blocks(block.get("content") or "", self._tally)
            is_error = block.get("is_error") is True
            yield tool_message(call, content, name=self._tools.get(call, ""), at=at, is_error=is_error)
        text = texts_of_blocks(said, self._tally)
        if text.strip():
            yield Message(role="user", content=text, created_at=at)
        elif not results:
            self._tally.drop("empty")

    def _of_assistant(self, blocks: list[Any], said: dict[str, Any]) -> None:
        for block in blocks:
            kind = kind_of(block)
            if kind == "text":
                self._turn.say(block.get("text"))
            elif kind == "thinking":
                self._turn.think(block.get("thinking"))
            elif kind == "tool_use":
                self._tools[text_of(block.get("id"))] = text_of(block.get("name"))
                self._turn.call(block.get("id"), block.get("name"), block.get("input"))
            else:
                self._tally.drop(kind)
        usage = dict_in(said, "usage")
        for name, key in (("prompt_eval_count", "input_tokens"), ("eval_count", "output_tokens")):
            if (count := whole_number(usage.get(key))) is not None:
                setattr(self._turn, name, count)
