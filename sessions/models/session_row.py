"""One session as a row, with its owner's name and its tags: the read that is asked most."""

from uuid import UUID

import orjson
from django.contrib.auth import get_user_model
from django.db import connection

from sessions.models.rows import Row, db_id
from sessions.models.session import Session, Status
from sessions.models.session_filter import TAGS_OF_SESSION
from sessions.models.session_list import LIST_FIELDS, session_reader

_SESSION = Session._meta.db_table
_ENOUGH = 2  # to tell an id that fits one session from one that fits several


def find_session_rows(
    owner_id: int, ids: tuple[UUID, UUID], *, only_session: UUID | None = None, include_deleted: bool = False
) -> list[Row]:
    """Return up to two of the owner's sessions with an id between `ids`, both included.

    A row is what `list_sessions` gives, with `owner_name` beside it.
    """
    reader = session_reader(LIST_FIELDS)
    condition = "s.id >= %s AND s.id <= %s AND s.owner_id = %s"
    values: list[str | int] = [db_id(ids[0]), db_id(ids[1]), owner_id]
    if only_session is not None:
        condition += " AND s.id = %s"
        values.append(db_id(only_session))
    if not include_deleted:
        condition += " AND s.status <> %s"
        values.append(Status.DELETED.value)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {reader.columns()}, owner.username, {TAGS_OF_SESSION[connection.vendor]} FROM {_SESSION} s "
            f"JOIN {get_user_model()._meta.db_table} owner ON owner.id = s.owner_id "
            f"WHERE {condition} LIMIT {_ENOUGH}",
            values,
        )
        rows = reader.read_all(cursor.fetchall(), "owner_name", "tags")
    for row in rows:
        row["tags"] = orjson.loads(row["tags"])
    return rows
