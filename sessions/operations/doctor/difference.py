"""What a check finds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """Two things that should agree and don't; `sentence` says which, and what to do where `repair` is None.

    `repair` puts it right and returns whether it is right then.
    """

    kind: str
    subject: str
    sentence: str
    repair: Callable[[], bool] | None = None


Check = Callable[[], Iterator[Difference]]
