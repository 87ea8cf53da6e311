"""A token with its user, in one read of one index: what every call of the API starts with."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model

from sessions.models.rows import RowReader, prepared_cursor
from sessions.models.token import ApiToken, is_usable

_TOKEN = ApiToken._meta.db_table
_reader = RowReader(ApiToken, ["id", "name", "digest", "scope", "expires_at", "last_used_at", "revoked_at"], "t")


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token, and the user that it speaks for."""

    token_id: int
    name: str
    digest: str
    scope: str
    only_session: UUID | None
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    user_id: int
    username: str
    is_administrator: bool
    user_is_active: bool

    @property
    def is_usable(self) -> bool:
        """Neither revoked nor expired, and its user may sign in."""
        return self.user_is_active and is_usable(revoked_at=self.revoked_at, expires_at=self.expires_at)


def read_token(digest: str) -> TokenRow | None:
    """Return the token with this digest, usable or not; None if there is none."""
    users = get_user_model()._meta.db_table
    with prepared_cursor() as cursor:
        cursor.execute(
            f"SELECT {_reader.columns()}, t.session_id, u.id, u.username, u.is_superuser, u.is_active "
            f"FROM {_TOKEN} t JOIN {users} u ON u.id = t.user_id WHERE t.digest = %s",
            [digest],
        )
        found = cursor.fetchone()
    return None if found is None else _token_row(found)


def _token_row(found: tuple[Any, ...]) -> TokenRow:
    token = _reader.read(found)
    only_session, user_id, username, is_superuser, is_active = found[len(_reader.names) :]
    return TokenRow(
        token_id=token.pop("id"),
        **token,
        only_session=None if only_session is None else UUID(str(only_session)),
        user_id=user_id,
        username=username,
        is_administrator=bool(is_superuser),
        user_is_active=bool(is_active),
    )
