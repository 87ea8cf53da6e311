"""Statements that compare rows with what is kept beside them, in portions that never grow."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from sessions.models.message import Message, Role
from sessions.models.revision import Revision, RevisionMessage
from sessions.models.rows import db_id
from sessions.models.session import Session, Status
from sessions.models.transcript_rows import ASIDE

_SESSION, _MESSAGE = Session._meta.db_table, Message._meta.db_table
_REVISION, _KEPT = Revision._meta.db_table, RevisionMessage._meta.db_table
_AT_ONCE = 500
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class KeptTranscript:
    """What a session says about its transcript, and what the messages say."""

    session_id: UUID
    in_trash: bool
    message_count: int
    preview: str
    messages: int
    last_index: int
    beginning: str  # of the first user message: 101 characters

    @property
    def has_gap(self) -> bool:
        """Whether an index is missing between 0 and the last one."""
        return self.last_index + 1 != self.messages


def kept_transcripts(only: UUID | None = None) -> Iterator[KeptTranscript]:
    """Every session with the figures of its transcript, each portion one statement and so of one moment."""
    last = only or UUID(int=0)
    while True:
        portion = _transcripts_after(last, is_only=only is not None)
        yield from portion
        if len(portion) < _AT_ONCE:
            return
        last = portion[-1].session_id


def _transcripts_after(last: UUID, *, is_only: bool) -> list[KeptTranscript]:
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT s.id, s.status, s.message_count, s.preview, count(m.id), coalesce(max(m."index"), -1), '
            f"(SELECT substr(f.content, 1, 101) FROM {_MESSAGE} f WHERE f.session_id = s.id AND f.role = %s "
            'ORDER BY f."index" LIMIT 1) '
            f"FROM (SELECT id, status, message_count, preview FROM {_SESSION} WHERE id {'=' if is_only else '>'} %s "
            f"ORDER BY id LIMIT {_AT_ONCE}) s LEFT JOIN {_MESSAGE} m ON m.session_id = s.id "
            "GROUP BY s.id, s.status, s.message_count, s.preview ORDER BY s.id",
            [Role.USER.value, db_id(last)],
        )
        return [
            KeptTranscript(uuid_of(pk), status == Status.DELETED, kept, preview, messages, last_index, beginning or "")
            for pk, status, kept, preview, messages, last_index, beginning in cursor.fetchall()
        ]


def close_gaps(session_id: UUID) -> None:
    """Give a transcript's messages the indexes 0..n-1 in the order that they have, in the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f'UPDATE {_MESSAGE} SET "index" = "index" + {ASIDE} WHERE session_id = %s', [db_id(session_id)])
        cursor.execute(
            f'UPDATE {_MESSAGE} SET "index" = ranked.place FROM (SELECT id, '
            f'row_number() OVER (ORDER BY "index") - 1 AS place FROM {_MESSAGE} WHERE session_id = %s) ranked '
            f"WHERE {_MESSAGE}.id = ranked.id",
            [db_id(session_id)],
        )


def miscounted_revisions() -> Iterator[tuple[int, UUID, int, int]]:
    """(id, session, messages that the revision says it has, messages) of each that is wrong."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT r.id, r.session_id, r.message_count, (SELECT count(*) FROM {_KEPT} k WHERE k.revision_id = r.id) "
            f"FROM {_REVISION} r WHERE r.message_count <> "
            f"(SELECT count(*) FROM {_KEPT} k WHERE k.revision_id = r.id) ORDER BY r.id"
        )
        while row := cursor.fetchone():
            yield row[0], uuid_of(row[1]), row[2], row[3]


def without_a_row(session_ids: Iterable[UUID]) -> list[UUID]:
    """Those of some ids that no session has."""
    wanted = list(session_ids)
    known = set(Session.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    return [session_id for session_id in wanted if session_id not in known]


def outlive_writers(seconds: float = 30.0) -> bool:
    """Wait until every transaction that was writing when this was called has ended; False if that takes too long."""
    if connection.vendor == "sqlite":
        with transaction.atomic():  # there is one writer, and now it is us
            return True
    until = time.monotonic() + seconds
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        (newest,) = cursor.fetchone()
        while True:
            cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= %s", [newest])
            if cursor.fetchone()[0]:
                return True
            if time.monotonic() > until:
                return False
            time.sleep(_POLL_SECONDS)


def uuid_of(value: Any) -> UUID:
    """An id as a statement gives it, an object or a text."""
    return value if isinstance(value, UUID) else UUID(str(value))
