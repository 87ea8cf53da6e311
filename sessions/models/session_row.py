"""One session as a row, with its owner's name and its tags: the read that is asked most."""

from uuid import UUID

import orjson
from django.contrib.auth import get_user_model
from django.db import connection

from sessions.models.membership import has_members, is_member, role_in
from sessions.models.rows import Row, db_id, prepared_cursor
from sessions.models.session import Session, Status
from sessions.models.session_filter import TAGS_OF_SESSION
from sessions.models.session_list import LIST_FIELDS, PEOPLE_FIELDS, session_reader

_SESSION = Session._meta.db_table
_ENOUGH = 2  # to tell an id that fits one session from one that fits several


def find_session_rows(
    user_id: int, *ranges: tuple[UUID, UUID], only_session: UUID | None = None, include_deleted: bool = False
) -> list[Row]:
    """Return the sessions that the user may see with an id in one of the ranges, both ends included.

    Of a single range two are enough. A row is what `list_sessions` gives. One statement.
    """
    reader = session_reader(LIST_FIELDS)
    within = " OR ".join(["(s.id >= %s AND s.id <= %s)"] * len(ranges))
    condition = f"({within}) AND (s.owner_id = %s OR (s.status <> %s AND {is_member('s.id')}))"
    ids = [db_id(end) for ends in ranges for end in ends]
    values: list[str | int] = [*ids, user_id, Status.DELETED.value, user_id]
    if only_session is not None:
        condition += " AND s.id = %s"
        values.append(db_id(only_session))
    if not include_deleted:
        condition += " AND s.status <> %s"
        values.append(Status.DELETED.value)
    with prepared_cursor() as cursor:
        cursor.execute(
            f"SELECT {reader.columns()}, owner.username, {role_in('s.id')}, {has_members('s.id')}, "
            f"{TAGS_OF_SESSION[connection.vendor]} FROM {_SESSION} s "
            f"JOIN {get_user_model()._meta.db_table} owner ON owner.id = s.owner_id "
            f"WHERE {condition}{f' LIMIT {_ENOUGH}' if len(ranges) == 1 else ''}",
            [user_id, *values],
        )
        rows = reader.read_all(cursor.fetchall(), *PEOPLE_FIELDS, "tags")
    for row in rows:
        row["tags"] = orjson.loads(row["tags"])
    return rows
