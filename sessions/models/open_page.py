"""What every open page asks each second: is the login still good, and has anything changed? One statement, no objects.

A session's state is its version and its run's state: a run may begin without another version. A list's is how many
sessions its owner has and when the last of them changed: every change moves `updated_at`, so the newest time of each
range of the list's index (owner, status, pinned, updated_at) tells; what is deleted for ever shows in the number. Of
what others share with them it is how many these are and the sum of their versions. (docs/decisions/0012-live.md)
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session as Login
from django.db import connection
from django.utils import timezone

from sessions.models.membership import MEMBERSHIP
from sessions.models.rows import db_id, db_time, prepared_cursor
from sessions.models.run import Run
from sessions.models.session import Session, Status
from sessions.models.session_count import SessionCount

_SESSION = Session._meta.db_table
_RUN_STATE = f"(SELECT r.state FROM {Run._meta.db_table} r WHERE r.session_id = s.id)"
_RANGES = " UNION ALL ".join(
    f"SELECT '{status}' AS status, {pinned} AS pinned" for status in Status.values for pinned in ("TRUE", "FALSE")
)
_NEWEST = (
    "(SELECT max(newest) FROM (SELECT (SELECT max(s.updated_at) FROM "
    f"{_SESSION} s WHERE s.owner_id = u.id AND s.status = k.status AND s.pinned = k.pinned) AS newest "
    f"FROM ({_RANGES}) k) ranges)"
)
_NUMBER = f"(SELECT sum(amount) FROM {SessionCount._meta.db_table} WHERE owner_id = u.id AND tag_id IS NULL)"
_USER = get_user_model()._meta.db_table
_OF_OTHERS = f"{MEMBERSHIP} m JOIN {_SESSION} s ON s.id = m.session_id WHERE m.user_id = u.id AND s.status <> 'deleted'"
_SHARED = f"(SELECT count(*) FROM {_OF_OTHERS}), (SELECT sum(s.version) FROM {_OF_OTHERS})"
_LIST = f"{_NUMBER}, {_NEWEST}, {_SHARED} FROM {_USER} u"
_LOGIN = f"SELECT login.session_data, u.password, {{}} JOIN {Login._meta.db_table} login ON login.session_key = %s "
_STILL_GOOD = "WHERE u.id = %s AND u.is_active AND login.expire_date > %s"


@dataclass(frozen=True, slots=True)
class Look:
    """A login as it is kept, its user's password hash, and the state of what the page shows."""

    login: str
    password: str
    state: str


def look_at_session(login_key: str, user_id: int, session_id: UUID) -> Look | None:
    """Look at a session; None if there is no such login, or the user doesn't see such a session."""
    shared = f"EXISTS (SELECT 1 FROM {MEMBERSHIP} m WHERE m.session_id = s.id AND m.user_id = u.id)"
    visible = f"(s.owner_id = u.id OR (s.status <> '{Status.DELETED.value}' AND {shared}))"
    session = f"s.version, {_RUN_STATE} FROM {_USER} u JOIN {_SESSION} s ON s.id = %s AND {visible}"
    return _look(session, [db_id(session_id)], login_key, user_id)


def look_at_list(login_key: str, user_id: int) -> Look | None:
    """Look at all sessions that a user may see; None if there is no such login."""
    return _look(_LIST, [], login_key, user_id)


def session_state(version: int, run_state: str | None) -> str:
    """The state that `look_at_session` compares with."""
    return _state((version, run_state or None))


def list_state(user_id: int) -> str:
    """The state that `look_at_list` compares with. Read it before the list itself."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_LIST} WHERE u.id = %s", [user_id])
        return _state(cursor.fetchone() or ())


def _look(what: str, values: list[Any], login_key: str, user_id: int) -> Look | None:
    with prepared_cursor() as cursor:
        cursor.execute(_LOGIN.format(what) + _STILL_GOOD, [*values, login_key, user_id, db_time(timezone.now())])
        row = cursor.fetchone()
    return None if row is None else Look(row[0], row[1], _state(row[2:]))


def _state(values: Any) -> str:
    """Values of one row as a text that is the same as long as they are."""
    return "_".join("" if value is None else str(value) for value in values)
