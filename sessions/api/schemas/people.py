"""Forms of the people of a session, and of its public links."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from sessions.api.schemas.common import NOT_SENT, Answer, Form, JsonObject, Time, UserId
from sessions.operations.sharing import MAX_MEMBERS

_EXAMPLE: JsonObject = {
    "example": {"usernames": ["bob"], "permissions": ["read", "write"]},
    "anyOf": [{"required": ["usernames"]}, {"required": ["user_ids"]}],
}


def _permissions(value: list[str]) -> list[str]:
    if "read" not in value or len(set(value)) < len(value):
        raise PydanticCustomError("permissions", 'Either ["read"] or ["read", "write"].')
    return value


UserName = Annotated[str, Field(min_length=1, max_length=150)]
Permissions = Annotated[
    list[Literal["read", "write"]],
    Field(
        min_length=1,
        max_length=2,
        json_schema_extra={"uniqueItems": True, "contains": {"const": "read"}},
        description='`["read"]` makes viewers, `["read", "write"]` editors.',
    ),
    AfterValidator(_permissions),
]


class ShareForm(Form):
    """Who is to have the session too, and what they may do. Give `usernames`, `user_ids`, or both."""

    model_config = ConfigDict(**Form.model_config, json_schema_extra=_EXAMPLE)

    usernames: Annotated[list[UserName], Field(min_length=1, max_length=MAX_MEMBERS)] = NOT_SENT
    user_ids: Annotated[list[UserId], Field(min_length=1, max_length=MAX_MEMBERS)] = NOT_SENT
    permissions: Permissions


class CollaboratorAnswer(Answer):
    """Somebody who has the session too."""

    user_id: int
    username: str
    role: Literal["editor", "viewer"]


class CollaboratorListAnswer(Answer):
    """The people of a session."""

    collaborators: list[CollaboratorAnswer]
    owner: str
    owner_id: int
    total: int = Field(description="How many collaborators there are.")


class LinkForm(Form):
    """A public link to be made."""

    model_config = ConfigDict(
        **Form.model_config,
        json_schema_extra={"example": {"expires_at": "2099-12-31T00:00:00Z", "include_files": True}},
    )

    expires_at: Time | None = None
    include_files: bool = Field(False, description="Whether the files of the workspace are public too.")


class LinkAnswer(Answer):
    """A public link: anybody who has its address reads the transcript."""

    link_id: int
    created_at: datetime
    expires_at: datetime | None
    include_files: bool
    is_expired: bool


class NewLinkAnswer(LinkAnswer):
    """A link that was made, with its address, which is told only now."""

    url: str


class LinkListAnswer(Answer):
    """The links of a session that nobody has revoked, the newest first."""

    links: list[LinkAnswer]
    total: int
