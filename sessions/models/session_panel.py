"""What stands beside a transcript: revisions, whether there is a system prompt, the run, vectors, in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson
from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone

from sessions.models.job import Job
from sessions.models.membership import MEMBERSHIP
from sessions.models.message import Message, Role
from sessions.models.progress import Progress, RowList, from_runs, progress_columns, read_columns
from sessions.models.relatives import Relative, read_relatives, relatives_column
from sessions.models.revision import Reason, Revision
from sessions.models.rows import db_id, time_of
from sessions.models.session import SessionQuerySet
from sessions.models.share_link import ShareLink
from sessions.models.vector_collection import VectorCollection
from sessions.models.vector_rows import COLLECTION_COLUMNS, COLLECTION_WIDTH, Collection, collection_from

_REVISION = Revision._meta.db_table
_COLLECTION = VectorCollection._meta.db_table
_COLUMNS = "r.number, r.first_index, r.message_count, r.reason, r.created_at, r.actor_id, actor.username"
_NAMES = "number, first_index, message_count, reason, created_at, actor_id, username"
_NEWEST = (
    f"SELECT {_COLUMNS} FROM {_REVISION} r LEFT JOIN {get_user_model()._meta.db_table} actor ON actor.id = r.actor_id "
    "WHERE r.session_id = s.id ORDER BY r.number DESC LIMIT %s"
)
_REVISIONS = {
    "sqlite": f"(SELECT json_group_array(json_array({_NAMES})) FROM ({_NEWEST}) newest)",
    "postgresql": f"CAST((SELECT json_agg(json_build_array({_NAMES})) FROM ({_NEWEST}) newest) AS text)",
}


_INDEXING = RowList(
    Job,
    ("id", "state", "created_at", "started_at", "finished_at", "cancel_requested", "error", "result"),
    order="created_at",
    newest=1,
)
_USER = get_user_model()._meta.db_table
_PERSON, _LINK = "user_id, username, role", "id, created_at, expires_at, include_files"
_MEMBERS = (
    f"SELECT p.user_id, u.username, p.role FROM {MEMBERSHIP} p JOIN {_USER} u ON u.id = p.user_id "
    "WHERE p.session_id = s.id ORDER BY u.username"
)
_WORKING = (
    f"SELECT {_LINK} FROM {ShareLink._meta.db_table} l WHERE l.session_id = s.id AND l.revoked_at IS NULL "
    "ORDER BY l.id DESC"
)
_PEOPLE = {
    "sqlite": f"(SELECT json_group_array(json_array({_PERSON})) FROM ({_MEMBERS}) members), "
    f"(SELECT json_group_array(json_array({_LINK})) FROM ({_WORKING}) links)",
    "postgresql": f"CAST((SELECT json_agg(json_build_array({_PERSON})) FROM ({_MEMBERS}) members) AS text), "
    f"CAST((SELECT json_agg(json_build_array({_LINK})) FROM ({_WORKING}) links) AS text)",
}


@dataclass(frozen=True, slots=True)
class Person:
    """A member of a session."""

    user_id: int
    username: str
    role: str


@dataclass(frozen=True, slots=True)
class LinkLine:
    """A public link that nobody has revoked."""

    id: int
    created_at: datetime
    expires_at: datetime | None
    include_files: bool

    @property
    def is_expired(self) -> bool:
        """Whether it leads nowhere any more."""
        return self.expires_at is not None and self.expires_at <= timezone.now()


@dataclass(frozen=True, slots=True)
class RevisionLine:
    """A revision in a list; `actor` is a user name, or None for somebody who is gone."""

    number: int
    first_index: int
    message_count: int
    reason: Reason
    created_at: datetime
    actor_id: int | None
    actor: str | None


@dataclass(frozen=True, slots=True)
class PanelRows:
    """The newest revisions, how many there are, whether message 0 is a system prompt, people, lineage, run, vectors."""

    revisions: Sequence[RevisionLine]
    revision_count: int
    has_system_prompt: bool
    people: Sequence[Person]
    links: Sequence[LinkLine]
    relatives: Sequence[Relative]
    progress: Progress
    vectors: Collection | None
    indexing: Job | None = None  # the newest, without its output


def read_panel(session_id: UUID, *, revisions: int, visible: SessionQuerySet) -> PanelRows:
    """Read it for a session that exists, with at most so many revisions, newest first.

    `visible` is what the reader may see: of its relatives only these have names.
    """
    family, seen = relatives_column(visible)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_REVISIONS[connection.vendor]}, "
            f"(SELECT count(*) FROM {_REVISION} r WHERE r.session_id = s.id), "
            f"EXISTS (SELECT 1 FROM {Message._meta.db_table} m "
            f'WHERE m.session_id = s.id AND m."index" = 0 AND m.role = %s), '
            f"{_PEOPLE[connection.vendor]}, {family}, {_INDEXING.select(connection.vendor)}, "
            f"{COLLECTION_COLUMNS}, {progress_columns(with_data=False)} "
            f"FROM {from_runs()} LEFT JOIN {_COLLECTION} ON {_COLLECTION}.session_id = s.id WHERE s.id = %s",
            [revisions, Role.SYSTEM.value, *seen, db_id(session_id)],
        )
        row = cursor.fetchone()
    if row is None:
        return PanelRows([], 0, False, [], [], [], Progress(), None)
    lines, count, has_prompt, people, links, relatives, indexing, *more = row
    vectors, progress = more[:COLLECTION_WIDTH], more[COLLECTION_WIDTH:]
    return PanelRows(
        [_line(*line) for line in orjson.loads(lines or "[]")],
        count,
        bool(has_prompt),
        [Person(*person) for person in orjson.loads(people or "[]")],
        [_link(*link) for link in orjson.loads(links or "[]")],
        read_relatives(session_id, relatives),
        read_columns(progress, with_data=False),
        None if vectors[0] is None else collection_from(session_id, vectors),
        next((Job(**job) for job in _INDEXING.read(indexing)), None),
    )


def _line(
    number: int, first_index: int, count: int, reason: str, created_at: str, actor_id: int | None, actor: str | None
) -> RevisionLine:
    return RevisionLine(number, first_index, count, Reason(reason), time_of(created_at), actor_id, actor)


def _link(number: int, created_at: str, expires_at: str | None, include_files: bool) -> LinkLine:
    until = None if expires_at is None else time_of(expires_at)
    return LinkLine(number, time_of(created_at), until, bool(include_files))
