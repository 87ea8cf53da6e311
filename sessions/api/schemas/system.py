"""Forms of what the API says about itself and its caller."""

from typing import Literal

from sessions.api.schemas.common import NOT_SENT, Answer


class TokenAnswer(Answer):
    """The token that was sent."""

    name: str
    scope: Literal["read", "write"]
    session_id: str | None


class MeAnswer(Answer):
    """Who calls."""

    user_id: int
    username: str
    is_administrator: bool
    token: TokenAnswer | None


class VersionAnswer(Answer):
    """Which version answers."""

    version: str
    api: Literal["v1"]


class HealthAnswer(Answer):
    """Whether the service works; of what it is made, for those who are known."""

    status: Literal["ok"]
    database: str = NOT_SENT
    workspaces: str = NOT_SENT
