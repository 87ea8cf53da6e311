"""Forms of forks, merges and splits, and of what is done to many sessions."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from sessions.api.schemas.common import (
    FILE_PATH,
    NOT_SENT,
    Answer,
    ExpectedIndex,
    Form,
    JsonObject,
    ProblemAnswer,
)
from sessions.api.schemas.points import PointId
from sessions.api.schemas.sessions import Description, Name, SessionAnswer, TagName, Tags
from sessions.operations.bulk import MAX_SESSIONS
from sessions.operations.restructure.merging import MAX_SOURCES
from sessions.operations.restructure.splitting import MAX_PARTS, MAX_PATHS, MAX_POINT_IDS, MAX_RANGES

_AN_ID = "0f3b6a1c-52d4-4f0e-9a57-c1d2e3f4a5b6"
SessionId = Annotated[str, Field(max_length=64)]
Range = Annotated[list[ExpectedIndex], Field(min_length=2, max_length=2)]
FilePath = Annotated[str, Field(max_length=1024, json_schema_extra=FILE_PATH)]


class ForkForm(Form):
    """Where to fork, and what comes along. Null is the same as leaving out."""

    model_config = ConfigDict(
        **Form.model_config, json_schema_extra={"example": {"at_index": 1, "name": "Another way"}}
    )

    at_index: ExpectedIndex | None = Field(None, description="The last message that comes along; without it, all do.")
    name: Name | None = Field(None, description="Of the fork; without it, the session's with “(fork)”.")
    files: bool = Field(True, description="Whether the files of the workspace are copied. A search index never is.")
    vectors: bool = Field(True, description="Whether the points of the vector collection are copied.")


class MergeForm(Form):
    """Which sessions become one, and how. Null is the same as leaving out."""

    model_config = ConfigDict(
        **Form.model_config,
        json_schema_extra={"example": {"source_session_ids": [_AN_ID, "1a2b3c4d5e"], "order": "time"}},
    )

    source_session_ids: Annotated[list[SessionId], Field(max_length=MAX_SOURCES)] = Field(
        description="Two or more, in their order."
    )
    target_name: Name | None = Field(None, description="Of the new session; without it, it is called after the first.")
    target_description: Description | None = None
    tags: Tags | None = Field(None, description="Beside those of the sources, as many as a session may have.")
    metadata: JsonObject | None = None
    order: Literal["sequence", "time"] = Field(
        "sequence", description="Source by source, or by `created_at`; the order within a source stays."
    )
    archive_sources: bool = True
    vectors: bool = Field(True, description="Whether the points are copied: 422 if they don't fit into one collection.")


class PartForm(Form):
    """What one new session gets: messages, files, or both."""

    name: Name
    description: Description | None = None
    tags: Tags | None = Field(None, description="Without it, the session's.")
    metadata: JsonObject | None = None
    message_ranges: Annotated[list[Range], Field(max_length=MAX_RANGES)] | None = Field(
        None, description="Pairs of a first and a last index, both included."
    )
    files: Annotated[list[FilePath], Field(max_length=MAX_PATHS)] | None = Field(
        None, description="Paths in the workspace; a directory stands for all that is in it."
    )
    point_ids: Annotated[list[PointId], Field(max_length=MAX_POINT_IDS)] | None = Field(
        None, description="Points of the vector collection."
    )


class SplitForm(Form):
    """The parts of a session that become sessions."""

    model_config = ConfigDict(
        **Form.model_config,
        json_schema_extra={"example": {"parts": [{"name": "Recall", "message_ranges": [[0, 1]]}]}},
    )

    parts: Annotated[list[PartForm], Field(max_length=MAX_PARTS)]
    archive_original: bool = False
    remove_points: bool = Field(True, description="Whether the session loses the points that its parts get.")


class SplitAnswer(Answer):
    """The new sessions, in the order of the parts."""

    new_sessions: list[SessionAnswer]
    assigned_points: int = Field(description="How many points the parts got.")
    removed_points: int = Field(description="How many of them the session lost.")


class BulkForm(Form):
    """One action for many sessions."""

    model_config = ConfigDict(
        **Form.model_config, json_schema_extra={"example": {"session_ids": [_AN_ID], "action": "tag", "tag": "done"}}
    )

    session_ids: Annotated[list[SessionId], Field(max_length=MAX_SESSIONS)]
    action: Literal["archive", "restore", "delete", "purge", "pin", "unpin", "tag", "untag"]
    tag: TagName | None = Field(None, description="For `tag` and `untag`.")


class BulkResultAnswer(Answer):
    """What became of one session: if it stayed as it was, `problem` says why."""

    session_id: str
    ok: bool
    problem: ProblemAnswer = NOT_SENT


class BulkAnswer(Answer):
    """What became of each session, in the order asked for."""

    results: list[BulkResultAnswer]
