"""What the two databases' modules are asked, and what they answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sessions.models.session import SessionTag
from sessions.models.session_count import SessionCount
from sessions.models.session_filter import places
from sessions.models.tag import Tag
from sessions.search.words import Phrase

FEW = 20_000  # messages of the sessions with a tag; up to here these are looked at, and not the newest hits

_COUNT, _SESSION_TAG, _TAG = SessionCount._meta.db_table, SessionTag._meta.db_table, Tag._meta.db_table


@dataclass(frozen=True, slots=True)
class Asked:
    """Entries of one owner that hold all `phrases` and none of `without`, with ids from `oldest` to `newest`.

    With `tags` only what lies in the sessions with the rarest of them, FEW entries at most.
    """

    owner_id: int
    phrases: Sequence[Phrase]
    without: Sequence[Phrase] = ()
    oldest: int | None = None
    newest: int | None = None
    tags: Sequence[str] = ()


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


def of_rarest_tag(asked: Asked, table: str) -> tuple[str, list[Any]]:
    """A SELECT of the ids in `table`, of messages or of names, that belong to the rarest of the tags asked for.

    In no order, and FEW at most: as many say that there are too many to look at. The kept counts tell which is rarest.
    """
    rarest = (
        f"SELECT t.id FROM {_TAG} t LEFT JOIN {_COUNT} c ON c.owner_id = t.owner_id AND c.tag_id = t.id "
        f"WHERE t.owner_id = %s AND t.name IN ({places(asked.tags)}) "
        "GROUP BY t.id ORDER BY COALESCE(sum(c.amount), 0) LIMIT 1"
    )
    # SQLite takes CROSS JOIN as the order to read in
    tagged = f"{_SESSION_TAG} st CROSS JOIN {table} e WHERE st.tag_id = ({rarest}) AND e.session_id = st.session_id"
    return f"SELECT e.id FROM {tagged} LIMIT {FEW}", [asked.owner_id, *asked.tags]
