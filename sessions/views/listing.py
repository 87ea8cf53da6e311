"""Lists of sessions as their addresses ask for them: which ones, in which order, from where on."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from django.http import QueryDict
from django.urls import Resolver404, resolve, reverse

from sessions.models import Status
from sessions.models.session_filter import Position, Scope, SessionFilter
from sessions.models.session_list import DEFAULT_SORT, decode_position, encode_position
from sessions.models.tag import normalise_tag
from sessions.search.query import Query
from sessions.search.results import Filtered, filter_by
from sessions.views import times

PAGE_SIZE = 50
PINNED = "Pinned"
REST = "Everything else"


@dataclass(frozen=True, slots=True)
class View:
    """One of the lists: its URL name, what it holds, and what it says when it holds nothing."""

    name: str
    title: str
    icon: str
    status: str
    pinned: bool | None
    empty: tuple[str, str]
    scope: Scope = "owned"

    @property
    def is_shared(self) -> bool:
        """Whether these are sessions of others."""
        return self.scope == "shared"

    @property
    def statuses(self) -> list[str]:
        """What is in it; of other people's sessions the archived ones have no list of their own."""
        return [self.status, Status.ARCHIVED.value] if self.is_shared else [self.status]

    @property
    def is_trash(self) -> bool:
        """Whether this is the trash, from which sessions are restored or deleted for ever."""
        return self.status == Status.DELETED

    @property
    def is_archive(self) -> bool:
        """Whether this is the archive."""
        return self.status == Status.ARCHIVED

    def loses(self, action: str) -> bool:
        """Whether a session leaves this list when this is done to it."""
        leaving = {"purge", "restore"} if self.is_trash else {"trash"}
        if self.is_archive:
            leaving.add("restore")
        elif not self.is_trash:
            leaving.add("archive")
        if self.pinned:
            leaving.add("unpin")
        return action in leaving


ALL = View(
    "session_list", "All sessions", "layers", Status.ACTIVE.value, None,
    ("No sessions yet", "A session keeps one piece of research together: its transcript, its files, what came of it."),
)  # fmt: skip
PINNED_ONLY = View(
    "pinned_sessions", "Pinned", "pin", Status.ACTIVE.value, True,
    ("Nothing is pinned", "Pin the sessions that you come back to, and they stay on top of every list."),
)  # fmt: skip
ARCHIVE = View(
    "archived_sessions", "Archived", "archive", Status.ARCHIVED.value, None,
    ("The archive is empty", "Archive what is finished. It stays readable, and takes no more messages."),
)  # fmt: skip
TRASH = View(
    "trash", "Trash", "trash", Status.DELETED.value, None,
    ("The trash is empty", "Sessions that you delete wait here with their files, until you delete them for ever."),
)  # fmt: skip
SHARED = View(
    "shared_sessions", "Shared with me", "users", Status.ACTIVE.value, None,
    ("Nobody shares with you yet", "Sessions that others let you read, or work on with them, are listed here."),
    "shared",
)  # fmt: skip
VIEWS = {view.name: view for view in (ALL, PINNED_ONLY, ARCHIVE, TRASH, SHARED)}

# field: (menu entry, descending first, name of descending, name of ascending)
SORTS = {
    "updated_at": ("Last activity", True, "Newest first", "Oldest first"),
    "created_at": ("Created", True, "Newest first", "Oldest first"),
    "last_accessed": ("Last opened", True, "Newest first", "Oldest first"),
    "name": ("Name", False, "Z to A", "A to Z"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of the sort menu."""

    label: str
    address: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A list as its address asks for it. What can't be read is left out: an old link still shows a list."""

    view: View = ALL
    tag: str = ""
    q: str = ""
    sort: str = DEFAULT_SORT
    after: Position | None = None

    @classmethod
    def read(cls, view: View, parameters: QueryDict | dict[str, str]) -> Self:
        """Read the parameters tag, q, sort and after."""
        sort = parameters.get("sort") or DEFAULT_SORT
        if sort.removeprefix("-") not in SORTS:
            sort = DEFAULT_SORT
        tag = normalise_tag((parameters.get("tag") or "").replace("\0", ""))
        q = Query.parse(parameters.get("q") or "").text
        return cls(view, tag, q, sort, _read_position(parameters.get("after") or "", sort))

    @classmethod
    def at(cls, address: str) -> Self | None:
        """The list at this address of ours; None if another page is there."""
        parts = urlsplit(address)
        try:
            view = VIEWS.get(resolve(parts.path).url_name or "")
        except Resolver404:
            return None
        if view is None:
            return None
        return cls.read(view, {name: values[-1] for name, values in parse_qs(parts.query).items()})

    @property
    def column(self) -> str:
        """The field that is sorted by."""
        return self.sort.removeprefix("-")

    def filter(self, owner_id: int) -> Filtered:
        """What the model's list takes, narrowed to what is looked for; `status:` widens the list of all sessions."""
        query = Query.parse(self.q, is_unfinished=True)
        statuses = query.statuses_of(self.view.statuses, are_chosen=self.view != ALL)
        tags = [self.tag] if self.tag else []
        plain = SessionFilter(
            owner_id, statuses=statuses, pinned=self.view.pinned, tags_any=tags, scope=self.view.scope
        )
        return filter_by(query, plain) if self.q else Filtered(plain)

    def address(self, **changes: Any) -> str:
        """The address of this list with something else; without `after` unless it is given."""
        query = replace(self, **({"after": None} | changes))
        parameters = {}
        if query.tag:
            parameters["tag"] = query.tag
        if query.q:
            parameters["q"] = query.q
        if query.sort != DEFAULT_SORT:
            parameters["sort"] = query.sort
        if query.after is not None:
            parameters["after"] = urlsafe_b64encode(encode_position(query.after, query.sort)).decode().rstrip("=")
        path = reverse(query.view.name)
        return f"{path}?{urlencode(parameters)}" if parameters else path

    @property
    def sort_label(self) -> str:
        """What the sort menu's button says."""
        return self._label(self.column)

    def _label(self, column: str) -> str:
        """What sorting by this field is called; the last that happened to a session in the trash is its deletion."""
        return "Deleted" if self.view.is_trash and column == "updated_at" else SORTS[column][0]

    def sort_fields(self) -> list[Choice]:
        """The menu's upper half: what to sort by, each in its usual direction."""
        return [
            Choice(
                self._label(column), self.address(sort=f"-{column}" if descending else column), column == self.column
            )
            for column, (_, descending, _, _) in SORTS.items()
        ]

    def sort_directions(self) -> list[Choice]:
        """The menu's lower half: the two directions, the usual one first."""
        _, descending_first, descending, ascending = SORTS[self.column]
        choices = [
            Choice(descending, self.address(sort=f"-{self.column}"), self.sort.startswith("-")),
            Choice(ascending, self.address(sort=self.column), not self.sort.startswith("-")),
        ]
        return choices if descending_first else choices[::-1]

    def group(self, *, pinned: bool, value: datetime | str, now: datetime) -> str:
        """The heading that a row with this pin and sort value comes under."""
        if pinned and not self.view.pinned:
            return PINNED
        if isinstance(value, datetime):
            return times.period(value, now)
        return "" if self.view.pinned else REST


def _read_position(text: str, sort: str) -> Position | None:
    try:
        return decode_position(urlsafe_b64decode(text + "=" * (-len(text) % 4)), sort) if text else None
    except (ValueError, binascii.Error):
        return None
