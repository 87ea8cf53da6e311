"""How much text and how many vectors are kept for sessions."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from sessions.models.message import Message
from sessions.models.revision import Revision, RevisionMessage
from sessions.models.rows import db_id
from sessions.models.vector_collection import FLOAT_BYTES, Place, VectorCollection, VectorPoint

_COLUMNS = ("content", "thinking", "tool_calls", "metadata")
_SIZE = {"sqlite": "length(CAST({} AS blob))", "postgresql": "octet_length(CAST({} AS text))"}


def text_bytes(session_ids: Sequence[UUID]) -> int:
    """Bytes of UTF-8 in the messages of these sessions and in their revisions: text, thinking, tool calls, metadata.

    Indexes, and what a database puts around a row, are not counted.
    """
    if not session_ids:
        return 0
    size = _SIZE[connection.vendor]
    total = " + ".join(f"COALESCE({size.format('m.' + column)}, 0)" for column in _COLUMNS)
    places = ", ".join(["%s"] * len(session_ids))
    ids = [db_id(session_id) for session_id in session_ids]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT (SELECT COALESCE(sum({total}), 0) FROM {Message._meta.db_table} m "
            f"WHERE m.session_id IN ({places})) + "
            f"(SELECT COALESCE(sum({total}), 0) FROM {RevisionMessage._meta.db_table} m "
            f"JOIN {Revision._meta.db_table} r ON r.id = m.revision_id WHERE r.session_id IN ({places}))",
            [*ids, *ids],
        )
        return int(cursor.fetchone()[0])


def vector_bytes(session_ids: Sequence[UUID]) -> int:
    """Bytes of the vectors of these sessions: exactly those in this database, with their payloads.

    Qdrant tells nobody what a collection takes: there it is the numbers of its points, four bytes each.
    """
    if not session_ids:
        return 0
    places = ", ".join(["%s"] * len(session_ids))
    ids = [db_id(session_id) for session_id in session_ids]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT (SELECT COALESCE(sum(length(p.vector) + {_SIZE[connection.vendor].format('p.payload')}), 0) "
            f"FROM {VectorPoint._meta.db_table} p WHERE p.session_id IN ({places})) + "
            f"(SELECT COALESCE(sum(CAST(c.point_count AS bigint) * c.size * {FLOAT_BYTES}), 0) "
            f"FROM {VectorCollection._meta.db_table} c WHERE c.place = %s AND c.session_id IN ({places}))",
            [*ids, Place.QDRANT.value, *ids],
        )
        return int(cursor.fetchone()[0])
