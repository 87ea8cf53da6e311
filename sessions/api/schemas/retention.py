"""Forms of retention: the policy, and what applying it does."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from sessions.api.schemas.common import NOT_SENT, Answer, Form
from sessions.models.retention import LONGEST_DAYS, MOST_SESSIONS

ReasonName = Literal["in_trash", "expired", "too_old", "archived", "too_many", "inactive"]


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Days = Annotated[int, Field(ge=1, le=LONGEST_DAYS), BeforeValidator(_whole)]
Amount = Annotated[int, Field(ge=1, le=MOST_SESSIONS), BeforeValidator(_whole)]


class RetentionPolicyForm(Form):
    """What to change. Null turns a rule off."""

    model_config = ConfigDict(
        **Form.model_config, json_schema_extra={"example": {"enabled": True, "trash_days": 14, "max_age_days": None}}
    )

    enabled: bool = Field(NOT_SENT, description="Whether the worker applies it by itself.")
    auto_archive_inactive_days: Days | None = Field(NOT_SENT, description="Not opened or changed: archived.")
    auto_delete_archived_days: Days | None = Field(NOT_SENT, description="In the archive: to the trash.")
    trash_days: Days | None = Field(NOT_SENT, description="In the trash: deleted for ever.")
    max_age_days: Days | None = Field(NOT_SENT, description="Since the creation: to the trash.")
    max_sessions_per_user: Amount | None = Field(
        NOT_SENT, description="Of more, the least recently opened: to the trash."
    )


class CleanupForm(Form):
    """Apply the policy, or see what that would do."""

    model_config = ConfigDict(
        **Form.model_config, json_schema_extra={"example": {"policy": {"trash_days": 14}, "dry_run": True}}
    )

    policy: RetentionPolicyForm | None = Field(
        None, description="Other numbers for this once; the rest as it is stored."
    )
    dry_run: bool = Field(description="true: nothing is changed.")


class RetentionPolicyAnswer(Answer):
    """The policy. null is a rule that is off."""

    enabled: bool
    auto_archive_inactive_days: int | None
    auto_delete_archived_days: int | None
    trash_days: int | None
    max_age_days: int | None
    max_sessions_per_user: int | None


class RetainedAnswer(Answer):
    """A session that the policy concerns."""

    session_id: str
    name: str
    owner: str
    reason: ReasonName
    since: datetime = Field(
        description="The time that counts: when it was last accessed, archived, created or deleted."
    )


class CleanupAnswer(Answer):
    """What was done, or would be."""

    dry_run: bool
    archived: list[RetainedAnswer] = Field(description="The first 200.")
    trashed: list[RetainedAnswer] = Field(description="The first 200.")
    purged: list[RetainedAnswer] = Field(description="The first 200.")
    archived_count: int
    trashed_count: int
    purged_count: int
    bytes: int = Field(description="What comes free: the purged workspaces on the disk, their text and their vectors.")
    bytes_are_exact: bool = Field(description="false: it was too much to measure, and there is more.")
    is_complete: bool = Field(description="false: the time of one call was up. Call again to go on.")
