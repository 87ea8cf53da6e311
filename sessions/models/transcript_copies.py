"""Messages copied from session to session inside the database: no message passes through Python, whatever their number.

A copy keeps its origin, the session and the index where the message was first stored: a copy of a copy tells the same
as its model did (docs/decisions/0017-restructure.md).
"""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from sessions.models.message import Message, TranscriptEntry
from sessions.models.rows import db_id

_MESSAGE = Message._meta.db_table
_ORIGIN = ("origin_session", "origin_index")
_ENTRY = [str(field.column) for field in TranscriptEntry._meta.fields if field.column not in _ORIGIN]
_COLUMNS = ", ".join(["session_id", '"index"', *(f'"{column}"' for column in _ENTRY), *_ORIGIN])
_COPIED = ", ".join(
    [
        *(f'm."{column}"' for column in _ENTRY),
        "coalesce(m.origin_session, m.session_id)",
        'CASE WHEN m.origin_session IS NULL THEN m."index" ELSE m.origin_index END',
    ]
)


def copy_messages(source_id: UUID, target_id: UUID, *, count: int, first: int = 0, to: int = 0) -> int:
    """Copy `count` messages of a transcript from `first` on to the indexes from `to` on; return how many they were."""
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO {_MESSAGE} ({_COLUMNS}) SELECT %s, m."index" + %s, {_COPIED} FROM {_MESSAGE} m '
            'WHERE m.session_id = %s AND m."index" >= %s AND m."index" < %s ORDER BY m."index"',
            [db_id(target_id), to - first, db_id(source_id), first, first + count],
        )
        return int(cursor.rowcount)


def copy_interleaved(source_ids: Sequence[UUID], target_id: UUID) -> int:
    """Copy whole transcripts into one by time; return how many messages there were.

    Within a source the order stays, whatever its times say: a message counts as no earlier than the ones before it. Of
    two at the same time the one of the earlier source comes first. Sorted are ids, not texts.
    """
    ids = [db_id(source_id) for source_id in source_ids]
    places = " ".join(f"WHEN %s THEN {number}" for number in range(len(ids)))
    wanted = ", ".join(["%s"] * len(ids))
    running = (
        f'SELECT m.id, m."index" AS number, CASE m.session_id {places} END AS source, max(m.created_at) OVER '
        '(PARTITION BY m.session_id ORDER BY m."index" ROWS UNBOUNDED PRECEDING) AS at '
        f"FROM {_MESSAGE} m WHERE m.session_id IN ({wanted})"
    )
    order = f"SELECT id, row_number() OVER (ORDER BY at, source, number) - 1 AS place FROM ({running}) running"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_MESSAGE} ({_COLUMNS}) SELECT %s, o.place, {_COPIED} FROM ({order}) o "
            f"CROSS JOIN {_MESSAGE} m WHERE m.id = o.id ORDER BY o.place",
            [db_id(target_id), *ids, *ids],
        )
        return int(cursor.rowcount)
