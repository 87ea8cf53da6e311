"""Events as feeds: one session's history, and the changes that somebody may see, in an order in which none is missed.

On PostgreSQL a number taken early may be committed late, so the order of ids is not the order in which events
appear. Events are therefore ordered by the number of their transaction, and only those are shown that every running
transaction comes after: what is committed later stands later (docs/decisions/0020-jobs-doctor-and-backup.md).
"""

from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from sessions.models.event import Event, Verb
from sessions.models.membership import MEMBERSHIP
from sessions.models.rows import Row, RowReader, db_id
from sessions.models.session import Session, Status

_EVENT = Event._meta.db_table
_FIELDS = ("id", "session_id", "actor", "actor_name", "token_name", "verb", "detail", "at", "transaction_number")
_reader = RowReader(Event, _FIELDS, "e")
_SETTLED = {
    "postgresql": "e.transaction_number < pg_snapshot_xmin(pg_current_snapshot())::text::bigint",
    "sqlite": "TRUE",  # one writer at a time: ids are in the order of commits
}


_SHOWN_TO_MEMBERS = f"(s.status <> '{Status.DELETED.value}' OR e.verb = '{Verb.TRASHED.value}')"
_FROM_ELSEWHERE = "transaction_number >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint"


class FeedPlace(NamedTuple):
    """After which event a reading of the feed goes on."""

    transaction_number: int
    event_id: int


BEGINNING = FeedPlace(0, 0)


def place_of(event_id: int) -> FeedPlace | None:
    """The place of an event; None if there is none with this id."""
    if event_id == 0:
        return BEGINNING
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT transaction_number FROM {_EVENT} WHERE id = %s", [event_id])
        row = cursor.fetchone()
    return None if row is None else FeedPlace(int(row[0]), event_id)


def read_feed(
    user_id: int, *, limit: int, after: FeedPlace | None = None, only_session: UUID | None = None
) -> list[Row]:
    """Events of the user's own sessions, of those shared with them, and of their account, the oldest first.

    From `after` on, or the newest ones. Sessions that are gone keep their events in their owner's
    feed; of one in the trash its members hear that it went there. `only_session` is for a token that opens one
    session.
    """
    settled = _SETTLED[connection.vendor]
    conditions = [settled]
    values: list[Any] = []
    if after is not None:
        conditions.append("(e.transaction_number, e.id) > (%s, %s)")
        values += list(after)
    if only_session is not None:
        conditions.append("e.session_id = %s")
        values.append(db_id(only_session))
    step = "DESC" if after is None else "ASC"
    where = " AND ".join(conditions)
    ordered = f"ORDER BY {{0}}transaction_number {step}, {{0}}id {step} LIMIT %s"
    own = f"SELECT e.id FROM {_EVENT} e WHERE e.owner_id = %s AND {where} {ordered.format('e.')}"
    shared = (
        f"SELECT e.id FROM {MEMBERSHIP} m JOIN {Session._meta.db_table} s ON s.id = m.session_id "
        f"JOIN {_EVENT} e ON e.session_id = m.session_id "
        f"WHERE m.user_id = %s AND {_SHOWN_TO_MEMBERS} AND {where} {ordered.format('e.')}"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_reader.columns()} FROM {_EVENT} e WHERE e.id IN "
            f"(SELECT id FROM ({own}) own UNION SELECT id FROM ({shared}) shared) {ordered.format('e.')}",
            [*[user_id, *values, limit] * 2, limit],
        )
        rows = _reader.read_all(cursor.fetchall())
    return rows if after is not None else rows[::-1]


def read_history(session_id: UUID | str, *, limit: int, before: int | None = None) -> list[Row]:
    """The newest events of a session, or those before one of them, the newest first."""
    conditions = "e.session_id = %s"
    values: list[Any] = [db_id(UUID(str(session_id)))]
    if before is not None:
        conditions += " AND e.id < %s"
        values.append(before)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_reader.columns()} FROM {_EVENT} e WHERE {conditions} ORDER BY e.id DESC LIMIT %s",
            [*values, limit],
        )
        return _reader.read_all(cursor.fetchall())


def count_from_elsewhere() -> int:
    """How many events have a number that this PostgreSQL hasn't given yet: they came from another one."""
    if connection.vendor == "sqlite":
        return 0
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {_EVENT} WHERE {_FROM_ELSEWHERE}")
        return int(cursor.fetchone()[0])


def number_anew() -> None:
    """Put events with numbers of another PostgreSQL before all others, in the order of their ids."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {_EVENT} SET transaction_number = 0 WHERE {_FROM_ELSEWHERE}")


def was_purged_from(user_id: int, session_id: UUID) -> bool:
    """Whether a session with this id is gone, and was the user's."""
    was_theirs = Event.objects.filter(session_id=session_id, owner_id=user_id).exists()
    return was_theirs and not Session.objects.filter(pk=session_id).exists()
