"""What several chat formats share: an answer in parts becomes messages, a tree of messages becomes one line."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sessions.formats.document import Message, Tally
from sessions.formats.values import clean, clean_text, text_of

_BETWEEN = "\n\n"


@dataclass(slots=True)
class Turn:
    """An assistant's answer that comes in parts: text, thinking, calls of tools and their results.

    A result is a message of its own; what is said after it is another message of the assistant.
    """

    model: str = ""
    created_at: datetime | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    _text: list[str] = field(default_factory=list)
    _thinking: list[str] = field(default_factory=list)
    _calls: list[Any] = field(default_factory=list)
    _names: dict[str, str] = field(default_factory=dict)

    def say(self, text: Any) -> None:
        """Add text."""
        self._text += filter(None, [text_of(text)])

    def think(self, text: Any) -> None:
        """Add thinking."""
        self._thinking += filter(None, [text_of(text)])

    def call(self, call_id: Any, name: Any, arguments: Any) -> None:
        """Add a call of a tool; arguments that are JSON in a text are read."""
        self._names[text_of(call_id)] = text_of(name)
        self._calls.append({"id": text_of(call_id), "name": text_of(name), "arguments": clean(decoded(arguments))})

    def result(self, call_id: Any, content: str, *, name: str = "", is_error: bool = False) -> Iterator[Message]:
        """End what was said so far, and give the tool's result as a message."""
        yield from self.finished()
        yield tool_message(
            call_id, content, name=name or self._names.get(text_of(call_id), ""), at=self.created_at, is_error=is_error
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said, thought or called since the last message."""
        return not (self._text or self._thinking or self._calls)

    def finished(self) -> Iterator[Message]:
        """The message of what was said so far, if anything was."""
        if self.is_empty:
            return
        yield Message(
            role="assistant",
            content=_BETWEEN.join(self._text),
            created_at=self.created_at,
            model=self.model,
            thinking=_BETWEEN.join(self._thinking),
            tool_calls=self._calls or None,
            prompt_eval_count=self.prompt_eval_count,
            eval_count=self.eval_count,
        )
        self._text, self._thinking, self._calls = [], [], []
        self.prompt_eval_count = self.eval_count = None


def tool_message(
    call_id: Any, content: str, *, name: str = "", at: datetime | None = None, is_error: bool = False
) -> Message:
    """A tool's result."""
    return Message(
        role="tool",
        content=clean_text(content),
        created_at=at,
        tool_name=text_of(name, 255),
        tool_call_id=text_of(call_id, 255),
        metadata={"is_error": True} if is_error else {},
    )


def decoded(arguments: Any) -> Any:
    """Arguments of a call; often they come as JSON inside a text."""
    if isinstance(arguments, str) and arguments.lstrip().startswith(("{", "[")):
        try:
            return json.loads(arguments)
        except (ValueError, RecursionError):
            return arguments
    return arguments


def texts_of_blocks(content: Any, tally: Tally) -> str:
    """The text of a content: a string, or blocks, of which other kinds than text are counted and left out."""
    if not isinstance(content, list):
        return text_of(content)
    texts = []
    for block in content:
        text = block if isinstance(block, str) else block.get("text") if isinstance(block, dict) else None
        if isinstance(text, str):
            texts.append(clean_text(text))
        else:
            tally.drop(kind_of(block))
    return _BETWEEN.join(filter(None, texts))


def kind_of(part: Any) -> str:
    """What a part calls itself."""
    if isinstance(part, dict):
        return text_of(part.get("type") or part.get("content_type")) or "unknown"
    return type(part).__name__


def parent_in(nodes: Mapping[Any, Any], parent: Any) -> Any:
    """The parent's id if it is in the tree, None if it isn't."""
    return parent if isinstance(parent, str | int) and parent in nodes else None


def line_to(
    leaf: Any,
    parents: Mapping[Any, Any],
    newest: Callable[[Any], Any],
    tally: Tally,
    place: str,
) -> list[Any]:
    """The ids from the root to a leaf of a tree, and count the branches that are left out.

    Without a leaf that is in the tree it is the newest: the one that `newest` puts last. A parent
    that is missing, or that goes round in circles, begins the line.
    """
    inner = {parent for parent in parents.values() if parent is not None}
    leaves = [node for node in parents if node not in inner]
    if leaf is None or leaf not in parents:
        leaf = max(leaves or parents, key=newest, default=None)
    line: list[Any] = []
    seen: set[Any] = set()
    while leaf is not None and leaf in parents and leaf not in seen:
        seen.add(leaf)
        line.append(leaf)
        leaf = parents[leaf]
    if leaf is not None:
        tally.warn(place, "The conversation's tree is broken: what came before a missing message is left out.")
    tally.branches += sum(1 for other in leaves if other not in seen)
    return line[::-1]


def in_order(found: Iterable[Message], start: datetime | None) -> Iterator[Message]:
    """The messages, those without a time at the time of the one before."""
    at = start
    for message in found:
        at = message.created_at = message.created_at or at
        yield message
