"""The neutral document: what a session is, whichever format it comes from or goes to."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

MOST_WARNINGS = 20  # of one document; more of them are counted


@dataclass(slots=True)
class Message:
    """A finished message. Times are aware; `origin` is the session id and index that it was copied from."""

    role: str
    content: str = ""
    created_at: datetime | None = None
    edited_at: datetime | None = None
    author: str = ""
    model: str = ""
    thinking: str = ""
    tool_name: str = ""
    tool_calls: list[Any] | None = None
    tool_call_id: str = ""
    source_file: str = ""
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    origin: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to the session."""

    verb: str
    at: datetime
    actor: str
    token: str
    detail: dict[str, Any]


@dataclass(slots=True)
class Revision:
    """Messages that an edit replaced. They are read before the next revision is asked for."""

    number: int
    first_index: int
    reason: str
    created_at: datetime | None
    messages: Iterable[Message]


@dataclass(frozen=True, slots=True)
class WorkspaceFile:
    """A file of the workspace, or an empty directory. `path` is relative to the workspace, in bytes of the disk."""

    path: bytes
    size: int
    open: Callable[[], BinaryIO] | None  # None for an empty directory


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the vector collection. `vector` is little-endian float32."""

    point_id: int | str
    vector: bytes
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Vectors:
    """The vector collection. Its points are read once."""

    size: int
    distance: str
    points: Iterable[Point]


@dataclass(slots=True)
class Tally:
    """What was done to make a transcript of what was there."""

    branches: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    more_warnings: int = 0

    def drop(self, kind: str) -> None:
        """Count a part that can't be kept, by its kind."""
        self.dropped[kind[:60]] += 1

    def warn(self, place: str, sentence: str) -> None:
        """Tell of something odd, and where it is."""
        if len(self.warnings) < MOST_WARNINGS:
            self.warnings.append((place, sentence))
        else:
            self.more_warnings += 1


@dataclass(slots=True)
class Document:
    """A session. Whoever reads it takes `messages` first: some formats know the rest only then.

    `source` and `source_id` say what it is in the system it comes from; `place` where it stands in the file.
    """

    source: str
    source_id: str
    place: str = ""
    messages: Iterable[Message] = ()
    tally: Tally = field(default_factory=Tally)
    name: str = ""
    name_is_automatic: bool = False
    description: str = ""
    tags: list[str] = field(default_factory=list)
    model: str = ""
    pinned: bool = False
    archived: bool = False
    summary: Any = None
    summary_model: str = ""
    tool_settings: dict[str, Any] = field(default_factory=dict)
    agent_settings: dict[str, Any] = field(default_factory=dict)
    context_window_config: dict[str, Any] = field(default_factory=dict)
    configuration: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    ttl_seconds: int | None = None
    phase: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    last_accessed: datetime | None = None
    archived_at: datetime | None = None
    deleted_at: datetime | None = None
    message_count: int | None = None  # None where only reading the messages tells
    events: Iterable[Event] = ()
    revisions: Iterable[Revision] = ()
    files: Iterable[WorkspaceFile] = ()
    progress: dict[str, Any] | None = None  # of the session's run; an Iterator in it is read once
    statistics: dict[str, Any] | None = None  # its counters, and the uses of models that were reported
    vectors: Vectors | None = None
    has_authors: bool = False  # whether messages name who wrote them
    may_be_empty: bool = True  # a conversation of another system that holds no message is not worth a session


@dataclass(frozen=True, slots=True)
class Fault:
    """A conversation that can't be read; the others go on."""

    place: str
    sentence: str


Reader = Callable[[BinaryIO], Iterator[Document | Fault]]
Writer = Callable[[Document], Iterator[bytes]]
