"""Giving tags to a session: one statement if its owner has used them before."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from sessions.models.rows import db_id, prepared_cursor
from sessions.models.session import SessionTag
from sessions.models.tag import Tag

_TAG = Tag._meta.db_table
_SESSION_TAG = SessionTag._meta.db_table


def attach_tags(session_id: UUID, owner_id: int, names: Sequence[str]) -> None:
    """Put tags that it doesn't have yet on a session, in the caller's transaction. Each of `names` is there once."""
    if _attach_known(session_id, owner_id, names) < len(names):
        _make(owner_id, names)
        _attach_known(session_id, owner_id, names)


def _attach_known(session_id: UUID, owner_id: int, names: Sequence[str]) -> int:
    places = ", ".join(["%s"] * len(names))
    with prepared_cursor() if len(names) == 1 else connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_SESSION_TAG} (session_id, tag_id) SELECT %s, id FROM {_TAG} "
            f"WHERE owner_id = %s AND name IN ({places}) ON CONFLICT DO NOTHING",
            [db_id(session_id), owner_id, *names],
        )
        return int(cursor.rowcount)


def _make(owner_id: int, names: Sequence[str]) -> None:
    """Always in one order, whatever the database's own is: of two who make the same tags none waits for the other."""
    places = ", ".join(["(%s, %s)"] * len(names))
    values = [value for name in sorted(names) for value in (owner_id, name)]
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {_TAG} (owner_id, name) VALUES {places} ON CONFLICT DO NOTHING", values)
