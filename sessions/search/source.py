"""What the two databases' modules are asked, and what they answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sessions.search.words import Phrase


@dataclass(frozen=True, slots=True)
class Asked:
    """Entries of one owner that hold all `phrases` and none of `without`, with ids from `oldest` to `newest`."""

    owner_id: int
    phrases: Sequence[Phrase]
    without: Sequence[Phrase] = ()
    oldest: int | None = None
    newest: int | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A SELECT whose rows are the `id`s of entries, the newest first, and what has to stand before it."""

    rows: str
    values: Sequence[Any]
    before: str = ""
    before_values: Sequence[Any] = field(default_factory=list)
