"""Messages copied from session to session inside the database: no message passes through Python, whatever their number.

A copy keeps its origin, the session and the index where the message was first stored: a copy of a copy tells the same
as its model did (docs/decisions/0017-restructure.md).
"""

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


def copy_messages(source_id: UUID, target_id: UUID, *, count: int, offset: int = 0) -> int:
    """Copy the first `count` messages of a transcript, their indexes moved by `offset`; return how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO {_MESSAGE} ({_COLUMNS}) SELECT %s, m."index" + %s, {_COPIED} FROM {_MESSAGE} m '
            'WHERE m.session_id = %s AND m."index" < %s ORDER BY m."index"',
            [db_id(target_id), offset, db_id(source_id), count],
        )
        return int(cursor.rowcount)
