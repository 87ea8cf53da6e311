"""What the two databases' modules are asked, and what they answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sessions.models.session import Session, SessionTag
from sessions.models.session_count import SessionCount
from sessions.models.session_filter import places
from sessions.models.tag import Tag
from sessions.search.words import Phrase

FEW = 20_000  # messages of the sessions with a tag or a status; up to here these are looked at, and not the newest hits

_COUNT, _SESSION_TAG, _TAG = SessionCount._meta.db_table, SessionTag._meta.db_table, Tag._meta.db_table
_SESSION = Session._meta.db_table


@dataclass(frozen=True, slots=True)
class Asked:
    """Entries of one owner that hold all `phrases` and none of `without`, with ids from `oldest` to `newest`.

    With `tags` only what lies in the sessions with the rarest of them, with `statuses` and no tags only what lies in
    sessions with one of these; FEW entries at most.
    """

    owner_id: int
    phrases: Sequence[Phrase]
    without: Sequence[Phrase] = ()
    oldest: int | None = None
    newest: int | None = None
    tags: Sequence[str] = ()
    statuses: Sequence[str] = ()

    @property
    def has_few(self) -> bool:
        """Whether it asks for sessions that may be few."""
        return bool(self.tags or self.statuses)


@dataclass(frozen=True, slots=True)
class Source:
    """A SELECT whose rows are the `id`s of entries, the newest first, and what has to stand before it.

    `looked_at` is a SELECT of what had to be looked at for them, where that is more than the rows.
    """

    rows: str
    values: Sequence[Any]
    before: str = ""
    before_values: Sequence[Any] = field(default_factory=list)
    looked_at: str = ""


def of_few_sessions(asked: Asked, looked_up: str) -> tuple[str, list[Any]]:
    """A SELECT of the ids of messages, or of names, of the sessions with the rarest tag or the statuses asked for.

    In no order, and FEW at most: as many say that there are too many to look at. The kept counts tell which is rarest.
    `looked_up` joins the rows `e` of a session `{}`.
    """
    # SQLite takes CROSS JOIN as the order to read in
    if not asked.tags:
        condition = f"s.owner_id = %s AND s.status IN ({places(asked.statuses)})"
        of_status = f"{_SESSION} s CROSS JOIN {looked_up.format('s.id')} WHERE {condition}"
        return f"SELECT e.id FROM {of_status} LIMIT {FEW}", [asked.owner_id, *asked.statuses]
    rarest = (
        f"SELECT t.id FROM {_TAG} t LEFT JOIN {_COUNT} c ON c.owner_id = t.owner_id AND c.tag_id = t.id "
        f"WHERE t.owner_id = %s AND t.name IN ({places(asked.tags)}) "
        "GROUP BY t.id ORDER BY COALESCE(sum(c.amount), 0) LIMIT 1"
    )
    tagged = f"{_SESSION_TAG} st CROSS JOIN {looked_up.format('st.session_id')} WHERE st.tag_id = ({rarest})"
    return f"SELECT e.id FROM {tagged} LIMIT {FEW}", [asked.owner_id, *asked.tags]
