"""Limits on the processor time that texts may take, whatever somebody made of them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class TooSlow(Exception):
    """The text takes longer to render than it is worth."""


class Deadline:
    """So many seconds of this thread's processor time from now: a busy machine makes no text slower."""

    def __init__(self, seconds: float) -> None:
        self._end = time.thread_time() + seconds

    def check(self) -> None:
        """Raise TooSlow once the time is used up."""
        if time.thread_time() > self._end:
            raise TooSlow


class Allowance:
    """Seconds of processor time that all texts of one page share."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left."""
        return self.left <= 0

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Take what the block uses."""
        start = time.thread_time()
        try:
            yield
        finally:
            self.left -= time.thread_time() - start
