"""The palette: sessions by name, and everything that can be done from anywhere. A dialog over a page, or a page."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode, urlsplit

from django.http import HttpResponse
from django.urls import Resolver404, resolve, reverse

from sessions.access import Actor, session_for_reading
from sessions.exceptions import NotFound
from sessions.htmx import PageRequest, current_address, fragment, wants_fragment
from sessions.models import Session
from sessions.models.session_filter import SessionFilter
from sessions.models.session_list import list_sessions
from sessions.views.page import page, render_page

SHOWN = 8
LOOKED_AT = 2000  # of the newest sessions: who is in a hurry looks for one of these
_LONGEST = 200
_NAME = 255  # of a session
_FIELDS = ("id", "name", "pinned", "updated_at")


@dataclass(frozen=True, slots=True)
class Choice:
    """One line: a link, or a button that posts `name` and `value` to `action`. `key` does the same on its page."""

    label: str
    icon: str
    address: str = ""
    action: str = ""
    name: str = ""
    value: str = ""
    key: str = ""
    is_first: bool = False

    def matches(self, words: list[str]) -> bool:
        """Whether every word is in the label."""
        return _matches(self.label, words)


@dataclass(frozen=True, slots=True)
class Group:
    """Choices under a heading."""

    title: str
    choices: list[Choice] = field(default_factory=list)


@page("GET")
def palette(request: PageRequest) -> HttpResponse:
    """What fits the words in `q`; the newest sessions and all commands without any."""
    text = request.GET.get("q", "").replace("\0", "").strip()[:_LONGEST]
    here = current_address(request)
    context = {"q": text, "groups": _groups(request, text, here), "here_address": here}
    if not wants_fragment(request):
        return render_page(request, "sessions/palette.html", context, here="palette")
    is_typing = request.htmx.trigger == "find"
    return fragment(request, "sessions/_choices.html" if is_typing else "sessions/_palette.html", context)


def _groups(request: PageRequest, text: str, here: str) -> list[Group]:
    words = text.casefold().split()
    current = _session_at(request, here)
    groups = [
        Group("Sessions", _sessions(request, words, current)),
        Group("This session", list(_of_session(current)) if current else []),
        Group("Commands", list(_commands(request))),
    ]
    fitting = [Group(group.title, [choice for choice in group.choices if choice.matches(words)]) for group in groups]
    if text:
        new = Choice(f"New session “{text}”", "plus", f"{reverse('session_new')}?{urlencode({'name': text[:_NAME]})}")
        search = Choice(f"Search everywhere for “{text}”", "search", f"{reverse('search')}?{urlencode({'q': text})}")
        fitting.append(Group("Or", [search, new]))
    found = [group for group in fitting if group.choices]
    found[0].choices[0] = replace(found[0].choices[0], is_first=True)
    return found


def _sessions(request: PageRequest, words: list[str], current: Session | None) -> list[Choice]:
    """The newest sessions whose names have all the words; such that begin with the first word come first."""
    wanted = SessionFilter(request.user.pk, scope="all")
    rows = list_sessions(wanted, limit=LOOKED_AT if words else SHOWN + 1, fields=_FIELDS).rows
    here = None if current is None else str(current.pk)
    found = [row for row in rows if _matches(row["name"], words) and row["id"] != here]
    if words:
        found.sort(key=lambda row: not row["name"].casefold().startswith(words[0]))
    return [
        Choice(row["name"], "pin" if row["pinned"] else "session", reverse("session_detail", args=[row["id"]]))
        for row in found[:SHOWN]
    ]


def _matches(label: str, words: list[str]) -> bool:
    folded = label.casefold()
    return all(word in folded for word in words)


def _session_at(request: PageRequest, address: str) -> Session | None:
    """The session whose page the palette was opened over."""
    try:
        session_id = resolve(urlsplit(address).path).kwargs.get("session_id")
        return session_for_reading(Actor.of(request.user), session_id, include_deleted=True) if session_id else None
    except (Resolver404, NotFound):
        return None


def _of_session(session: Session) -> Iterator[Choice]:
    """What can be done to the session that one looks at."""
    page_address = reverse("session_detail", args=[session.pk])

    def act(label: str, icon: str, name: str, key: str) -> Choice:
        return Choice(label, icon, action=reverse("session_actions"), name=name, value=str(session.pk), key=key)

    if session.reader_may_write and not session.in_trash:
        rename = f"{reverse('session_rename', args=[session.pk])}?{urlencode({'next': page_address})}"
        yield Choice("Rename this session", "pencil", rename, key="e")
    if session.in_trash:
        yield act("Restore from the trash", "undo", "restore", "a")
    elif session.is_readers_own:
        if session.pinned:
            yield act("Unpin this session", "pin-off", "unpin", "p")
        else:
            yield act("Pin this session", "pin", "pin", "p")
        if session.archived:
            yield act("Restore from the archive", "archive-restore", "restore", "a")
        else:
            yield act("Archive this session", "archive", "archive", "a")
        yield act("Move this session to the trash", "trash", "trash", "#")
    yield Choice("First message", "chevrons-up", f"{page_address}?at=0#m-0")
    yield Choice("Newest message", "chevrons-down", page_address)
    for label, icon, name in _OF_SESSIONS if session.in_trash else (*_OF_SESSIONS, *_OF_SESSIONS_IN_USE):
        yield Choice(label, icon, reverse(name, args=[session.pk]))
    if session.is_readers_own and session.message_count and not session.in_trash:
        yield Choice("Split this session", "scissors", reverse("session_split", args=[session.pk]))


def _commands(request: PageRequest) -> Iterator[Choice]:
    """What can be done anywhere."""
    yield Choice("New session", "plus", reverse("session_new"), key="n")
    for label, icon, name in _PLACES:
        yield Choice(label, icon, reverse(name))
    if request.user.is_superuser:
        yield Choice("Retention", "clock", reverse("retention"))
    if request.user.is_staff:
        yield Choice("Administration", "lock", reverse("admin:index"))
    for label, icon, theme in _THEMES:
        yield Choice(label, icon, action=reverse("theme"), name="theme", value=theme)
    yield Choice("Sign out", "log-out", action=reverse("sign_out"), name="sign_out", value="yes")


_OF_SESSIONS = (
    ("Revisions of this session", "history", "session_revisions"),
    ("Activity of this session", "clock", "session_activity"),
)
_OF_SESSIONS_IN_USE = (
    ("Export this session with its files", "download", "session_export"),
    ("Files of this session", "folder-open", "session_files"),
    ("Fork this session", "fork", "session_fork"),
)
_PLACES = (
    ("All sessions", "layers", "session_list"),
    ("Pinned sessions", "pin", "pinned_sessions"),
    ("Archived sessions", "archive", "archived_sessions"),
    ("Trash", "trash", "trash"),
    ("Shared with me", "users", "shared_sessions"),
    ("Search", "search", "search"),
    ("Fleet of runs", "bot", "fleet"),
    ("Insights", "lightbulb", "insights"),
    ("Jobs", "clock", "jobs"),
    ("Import", "upload", "import"),
    ("Tags", "tag", "tags"),
    ("Settings", "settings", "settings"),
    ("Change the password", "lock", "change_password"),
    ("API tokens", "key", "tokens"),
    ("Keyboard shortcuts", "keyboard", "keys"),
    ("API documentation", "file-text", "api-1:openapi-view"),
)
_THEMES = (
    ("Light theme", "sun", "light"),
    ("Dark theme", "moon", "dark"),
    ("Theme as the system has it", "monitor", "system"),
)


_ON_LISTS = (
    ("Next, previous session", "j", "k"),
    ("Open it", "Enter"),
    ("Rename", "e"),
    ("Pin or unpin", "p"),
    ("Archive, or restore", "a"),
    ("Move to the trash, or delete for ever", "#"),
    ("Select, many with Shift and a click", "x"),
    ("Let go of the selection", "Esc"),
)
_ON_SESSIONS = (
    ("Next, previous turn", "j", "k"),
    ("Write a message", "c"),
    ("Send it", "Ctrl Enter"),
    ("Rename", "e"),
    ("Pin or unpin", "p"),
    ("Archive, or restore", "a"),
    ("Move to the trash", "#"),
    ("Show or hide the details", "i"),
)
_EVERYWHERE = (
    ("Find a session or a command", "Ctrl K"),
    ("Search", "/"),
    ("New session", "n"),
    ("Undo", "z"),
    ("This list", "?"),
)
KEYS = (("Everywhere", _EVERYWHERE), ("In a list of sessions", _ON_LISTS), ("On a session’s page", _ON_SESSIONS))


@page("GET")
def keys(request: PageRequest) -> HttpResponse:
    """Which key does what."""
    context = {"keys": [(title, [(line[0], line[1:]) for line in lines]) for title, lines in KEYS]}
    if wants_fragment(request):
        return fragment(request, "sessions/_keys.html", context)
    return render_page(request, "sessions/keys.html", context)
