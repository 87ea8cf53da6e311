"""Reading pages as people do: the names in a list, its headings, what the toasts say, where a form leads."""

import re
from html import unescape
from typing import Any

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/"}

_NAME = re.compile(r'<a class="name"[^>]*>(.*?)</a>', re.DOTALL)
_GROUP = re.compile(r'<li class="group"><h2>(.*?)</h2>')
_TOAST = re.compile(r'<div class="toast[^"]*">\s*<span>(.*?)</span>', re.DOTALL)
_MORE = re.compile(r'<li class="more">.*?<a [^>]*href="([^"]*)"', re.DOTALL)


def html(response: Any) -> str:
    return response.content.decode()


def _texts(pattern: re.Pattern[str], response: Any) -> list[str]:
    return [unescape(found).strip() for found in pattern.findall(html(response))]


def names(response: Any) -> list[str]:
    """The sessions of a list, from the top."""
    return _texts(_NAME, response)


def groups(response: Any) -> list[str]:
    """The headings of a list, from the top."""
    return _texts(_GROUP, response)


def toasts(response: Any) -> list[str]:
    """What the toasts say."""
    return _texts(_TOAST, response)


def more(response: Any) -> str:
    """Where the list goes on; empty on the last page."""
    return next(iter(_texts(_MORE, response)), "")


def htmx(at: str = "/") -> dict[str, str]:
    """The headers that htmx sends from the page at this address."""
    return HTMX | {"HX-Current-URL": f"http://testserver{at}"}
