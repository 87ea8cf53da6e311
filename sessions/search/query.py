"""The query language: words, "phrases", -word, prefix*, and filters such as tag:x and -tag:x. Any text is a query."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo

from django.utils import timezone

from sessions.models.message import Role
from sessions.models.session import Status
from sessions.models.tag import normalise_tag
from sessions.search.words import Phrase

LONGEST_QUERY = 400  # characters that are read
MOST_PHRASES = 40

_PARTS = re.compile(
    r"""(?P<minus>-)?
        (?:(?P<key>tag|role|model|status|before|after):(?=\S))?
        (?:"(?P<quoted>[^"]*)"?|(?P<bare>[^\s"]+))
        (?P<star>\*)?""",
    re.VERBOSE | re.IGNORECASE,
)
_STATUSES = {"trash": Status.DELETED.value, "trashed": Status.DELETED.value} | {name: name for name in Status.values}
_DATE = re.compile(r"(?P<year>\d{4})(?:-(?P<month>\d\d?)(?:-(?P<day>\d\d?))?)?")


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter as it was understood, for people: `tag: ann`, and the query without it."""

    key: str
    value: str
    rest: str


@dataclass(frozen=True, slots=True)
class Query:
    """What a text asks for. Phrases must all be there, `without` none of them; an empty filter lets all through."""

    text: str = ""
    phrases: Sequence[Phrase] = ()
    without: Sequence[Phrase] = ()
    tags: Sequence[str] = ()
    roles: Sequence[str] = ()
    models: Sequence[str] = ()
    statuses: Sequence[str] = ()
    without_tags: Sequence[str] = ()
    without_roles: Sequence[str] = ()
    before: datetime | None = None
    after: datetime | None = None
    chips: Sequence[Chip] = field(default=(), compare=False)

    @classmethod
    def parse(cls, text: str, *, is_unfinished: bool = False) -> "Query":
        """Read a query. With `is_unfinished` the last word may be the beginning of one, as somebody types it.

        Days begin in the current time zone. What can't be read as a filter is taken as words.
        """
        text = text.replace("\0", " ")[:LONGEST_QUERY].strip()
        query = Query(text)
        zone = timezone.get_current_timezone()
        parts = list(_PARTS.finditer(text))
        said = []
        for part in parts:
            filtered = _with_filter(query, part, zone)
            query = filtered or query
            if filtered is None:
                said.append(part)
        for part in said:
            query = _with_phrase(query, part, is_unfinished=is_unfinished and part is said[-1])
        return query

    @property
    def has_filters(self) -> bool:
        """Whether it says anything about sessions beside words."""
        return bool(self.tags or self.without_tags or self.models or self.statuses or self.before or self.after)

    @property
    def has_any_filter(self) -> bool:
        """Whether not everything with its words is wanted."""
        return self.has_filters or bool(self.roles or self.without_roles)

    def statuses_of(self, statuses: Sequence[str], *, are_chosen: bool) -> list[str]:
        """Which statuses a list shows: those of the query instead of what is usual, or of what was chosen some."""
        if not self.statuses:
            return list(statuses)
        return [status for status in dict.fromkeys(self.statuses) if not are_chosen or status in statuses]

    @property
    def pattern(self) -> re.Pattern[str]:
        """Finds what is to be marked, in a text that went through `fold`."""
        return re.compile("|".join(phrase.pattern for phrase in self.phrases) or "(?!)")


def _with_phrase(query: Query, part: re.Match[str], *, is_unfinished: bool) -> Query:
    said = part["quoted"] if part["quoted"] is not None else part["bare"]
    text = f"{part['key']} {said}" if part["key"] else said
    is_bare = part["quoted"] is None
    is_prefix = bool(part["star"]) or (is_bare and (said.endswith("*") or (is_unfinished and said[-1:].isalnum())))
    phrase = Phrase.of(text, is_prefix=is_prefix)
    if phrase is None or len(query.phrases) + len(query.without) >= MOST_PHRASES:
        return query
    if part["minus"]:
        return replace(query, without=[*query.without, phrase])
    return replace(query, phrases=[*query.phrases, phrase])


def _with_filter(query: Query, part: re.Match[str], zone: tzinfo) -> Query | None:
    """The query with a filter more; None if the part is none."""
    key = (part["key"] or "").lower()
    said = part["quoted"] if part["quoted"] is not None else part["bare"]
    readers = _WITHOUT if part["minus"] else _READERS
    if key not in readers or not said.strip():
        return None
    changed = readers[key](query, said.strip(), zone)
    if changed is None:
        return None
    key = f"{part['minus'] or ''}{key}"
    rest = " ".join((query.text[: part.start()] + query.text[part.end() :]).split())
    return replace(changed, chips=[*query.chips, Chip(key, said.strip(), rest)])


def _tag(query: Query, said: str, zone: tzinfo) -> Query | None:
    return replace(query, tags=[*query.tags, normalise_tag(said)])


def _without_tag(query: Query, said: str, zone: tzinfo) -> Query | None:
    return replace(query, without_tags=[*query.without_tags, normalise_tag(said)])


def _without_role(query: Query, said: str, zone: tzinfo) -> Query | None:
    return replace(query, without_roles=[*query.without_roles, said.lower()]) if said.lower() in Role.values else None


def _role(query: Query, said: str, zone: tzinfo) -> Query | None:
    return replace(query, roles=[*query.roles, said.lower()]) if said.lower() in Role.values else None


def _model(query: Query, said: str, zone: tzinfo) -> Query | None:
    return replace(query, models=[*query.models, said.lower()])


def _status(query: Query, said: str, zone: tzinfo) -> Query | None:
    status = _STATUSES.get(said.lower())
    return replace(query, statuses=[*query.statuses, status]) if status else None


def _before(query: Query, said: str, zone: tzinfo) -> Query | None:
    start = _start_of(said, zone)
    return None if start is None else replace(query, before=min(start, query.before or start))


def _after(query: Query, said: str, zone: tzinfo) -> Query | None:
    start = _start_of(said, zone)
    return None if start is None else replace(query, after=max(start, query.after or start))


_READERS: dict[str, Callable[[Query, str, tzinfo], Query | None]] = {
    "tag": _tag, "role": _role, "model": _model, "status": _status, "before": _before, "after": _after,
}  # fmt: skip
_WITHOUT: dict[str, Callable[[Query, str, tzinfo], Query | None]] = {"tag": _without_tag, "role": _without_role}


def _start_of(said: str, zone: tzinfo) -> datetime | None:
    """The moment at which a year, a month or a day begins, or a moment with its time."""
    found = _DATE.fullmatch(said)
    try:
        if found is None:
            moment = datetime.fromisoformat(said.upper())
            moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        else:
            month, day = int(found["month"] or 1), int(found["day"] or 1)
            moment = datetime(int(found["year"]), month, day, tzinfo=zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
