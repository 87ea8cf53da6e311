"""Rendered HTML, kept in memory: the second look at a page renders nothing.

Django's cache in memory is bounded by a number of entries, and one message can be a hundred
times as large as another. This one is bounded by bytes, so that a worker's memory stays flat.
"""

import sys
from collections import OrderedDict
from hashlib import blake2b
from threading import Lock

from django.utils.safestring import SafeString

from sessions.rendering import markdown
from sessions.rendering.deadline import Allowance

CAPACITY = 16 * 2**20  # bytes


class KeptHtml:
    """HTML by the text it came from; what was looked at longest ago goes first. For many threads."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.size = 0
        self._kept: OrderedDict[bytes, SafeString | None] = OrderedDict()
        self._lock = Lock()

    def html(self, text: str, *, breaks: bool, allowance: Allowance) -> SafeString | None:
        """Return `markdown.render(text)`, rendered at most once.

        None, for a text to show as it is. That is kept too, unless it was only the page's
        allowance that ran out: then the next look renders it.
        """
        key = _key(text, breaks)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        if allowance.is_spent:
            return None
        with allowance.spending():
            html = markdown.render(text, breaks=breaks)
        self._keep(key, html)
        return html

    def _keep(self, key: bytes, html: SafeString | None) -> None:
        size = _size(html)
        if size > self.capacity:
            return
        with self._lock:
            if key not in self._kept:
                self._kept[key] = html
                self.size += size
            while self.size > self.capacity:
                _, gone = self._kept.popitem(last=False)
                self.size -= _size(gone)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self.size = 0


def _key(text: str, breaks: bool) -> bytes:
    return blake2b(f"{markdown.VERSION}{breaks:d}{text}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _size(html: SafeString | None) -> int:
    return 200 + (sys.getsizeof(html) if html is not None else 0)  # 200: key, entry, links


kept = KeptHtml()
