"""The sidebar: where one can go, with how much is there. One query."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from zlib import crc32

from django.urls import reverse

from sessions.htmx import PageRequest
from sessions.models import SessionCount, Status
from sessions.models.session_count import SHARED_WITH_ME

TAGS_SHOWN = 12
HUES = 8  # css/tokens.css


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the sidebar."""

    label: str
    address: str
    count: int = 0
    mark: str = ""  # the icon of a view, the hue of a tag
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class Sidebar:
    """What `_sidebar.html` shows. `tag_count` counts all tags, of which the most used are shown."""

    views: list[Entry] = field(default_factory=list)
    tags: list[Entry] = field(default_factory=list)
    tag_count: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """How many sessions each view and each tag has."""

    views: Counter[str]
    tags: Counter[str]

    @classmethod
    def of(cls, groups: Iterable[tuple[str | None, str, bool, int]]) -> "Counts":
        """Add up what `SessionCount.objects.by_group` answers; tags count active sessions alone."""
        views: Counter[str] = Counter()
        tags: Counter[str] = Counter()
        for tag, status, pinned, total in groups:
            if tag is None:
                views[status] += total
                if pinned and status == Status.ACTIVE:
                    views["pinned"] += total
            elif status == Status.ACTIVE:
                tags[tag] += total
        return cls(views, tags)


_VIEWS = (
    ("All", "session_list", Status.ACTIVE.value, "layers"),
    ("Pinned", "pinned_sessions", "pinned", "pin"),
    ("Archived", "archived_sessions", Status.ARCHIVED.value, "archive"),
    ("Trash", "trash", Status.DELETED.value, "trash"),
    ("Shared with me", "shared_sessions", SHARED_WITH_ME, "users"),
)


def shell_context(request: PageRequest, *, here: str = "", tag: str = "") -> dict[str, Any]:
    """The context of `shell.html`. `here` is the URL name of the current view, `tag` the tag shown."""
    counts = Counts.of(SessionCount.objects.by_group(request.user.pk))
    return {"sidebar": sidebar(counts, here=here, tag=tag), "here": here}


def sidebar(counts: Counts, *, here: str = "", tag: str = "") -> Sidebar:
    """The sidebar for these counts."""
    if here != "session_list":
        tag = ""  # a tag's own list is one of active sessions
    views = [
        Entry(label, reverse(name), counts.views[key], icon, name == here and not tag)
        for label, name, key, icon in _VIEWS
    ]
    shown = {name for name, _ in counts.tags.most_common(TAGS_SHOWN)} | ({tag} & counts.tags.keys())
    tags = [tag_entry(name, counts.tags[name], current=tag) for name in sorted(shown)]
    return Sidebar(views, tags, len(counts.tags))


def tag_entry(name: str, count: int, *, current: str = "") -> Entry:
    """A tag's line: its hue, and the active sessions that have it."""
    return Entry(name, f"{reverse('session_list')}?{urlencode({'tag': name})}", count, hue(name), name == current)


def hue(tag: str) -> str:
    """The class of a tag's colour; the same name always has the same."""
    return f"h{crc32(tag.encode()) % HUES}"
