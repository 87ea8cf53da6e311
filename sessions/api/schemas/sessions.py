"""Forms of sessions."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from sessions.api.schemas.common import NOT_SENT, Answer, Flag, Form, Id, JsonObject, Limit, Offset, Seconds
from sessions.api.schemas.messages import MessageAnswer, NewMessageForm
from sessions.models.tag import MAX_TAG_LENGTH
from sessions.operations.tags import MAX_TAGS
from sessions.operations.transcript import MAX_BATCH

StatusName = Literal["active", "archived", "deleted"]
PhaseName = Literal[
    "questionnaire",
    "build_spec",
    "idea",
    "plan_review",
    "execution",
    "clarification",
    "verification",
    "complete",
    "failed",
]

# White space as Python knows it; JavaScript's \s, which the OpenAPI file speaks, leaves out a few.
_SPACE = r"\s\x1c-\x1f\x85"
_TAG = rf"[^,]*[^,{_SPACE}][^,]*"
_NAMED: JsonObject = {
    "example": {
        "name": "Index recall",
        "tags": ["benchmarks"],
        "messages": [{"role": "user", "content": "Which index keeps recall above 0.95?"}],
    },
    "anyOf": [
        {"required": ["name"], "properties": {"name": {"type": "string"}}},
        {"required": ["model"], "properties": {"model": {"type": "string", "minLength": 1}}},
        {"required": ["messages"], "properties": {"messages": {"type": "array", "minItems": 1}}},
    ],
}
_CONTRADICTIONS: JsonObject = {
    "example": {"name": "Recall of four indexes", "pinned": True, "metadata": {"reviewed": True}},
    "not": {
        "required": ["archived", "status"],
        "anyOf": [
            {"properties": {"archived": {"const": True}, "status": {"enum": ["active", "deleted"]}}},
            {"properties": {"archived": {"const": False}, "status": {"const": "archived"}}},
        ],
    },
}


def _is_blank(value: str) -> bool:
    return not value.replace("\ufeff", "").strip()


def _visible(value: str) -> str:
    if _is_blank(value):
        raise PydanticCustomError("blank", "Give it at least one visible character.")
    return value


def _tag(value: str) -> str:
    if "," in value:
        raise PydanticCustomError("tag", "A tag has no comma.")
    return _visible(value)


def _tag_list(value: str) -> str:
    if any(_is_blank(tag) for tag in value.split(",")):
        raise PydanticCustomError("tags", "Give one or more tags with commas between them.")
    return value


def lower(value: Any) -> Any:
    """Words are taken in any case."""
    return value.lower() if isinstance(value, str) else value


Name = Annotated[str, Field(max_length=255, json_schema_extra={"pattern": f"[^{_SPACE}]"}), AfterValidator(_visible)]
VisibleText = Annotated[str, Field(json_schema_extra={"pattern": f"[^{_SPACE}]"}), AfterValidator(_visible)]
Description = Annotated[str, Field(max_length=1024)]
ModelName = Annotated[str, Field(max_length=255)]
TagName = Annotated[
    str, Field(max_length=MAX_TAG_LENGTH, json_schema_extra={"pattern": f"^{_TAG}$"}), AfterValidator(_tag)
]
TagList = Annotated[str, Field(json_schema_extra={"pattern": f"^{_TAG}(,{_TAG})*$"}), AfterValidator(_tag_list)]
Tags = Annotated[list[TagName], Field(max_length=MAX_TAGS)]
PhaseInAnyCase = Annotated[PhaseName, BeforeValidator(lower)]


class ToolSettings(Form):
    """Which tools an agent has, and when it asks before using one."""

    tools: list[str] = NOT_SENT
    tool_group: str | None = NOT_SENT
    execution_policy: Literal["always_confirm", "never_confirm"] | None = NOT_SENT
    tool_policies: JsonObject = NOT_SENT


class AgentSettings(Form):
    """Which agents take part."""

    enabled_agents: list[str] = NOT_SENT


class Configuration(Form):
    """How the session's content is processed."""

    clustering_params: JsonObject = NOT_SENT
    embedding_model: str | None = NOT_SENT
    llm_model: str | None = NOT_SENT
    processing_options: JsonObject = NOT_SENT


class SummaryForm(Form):
    """A summary with its topics."""

    summary: str
    topics: list[str] = NOT_SENT


Summary = Annotated[
    Annotated[str, Tag("<text>")] | Annotated[SummaryForm, Tag("<object>")],
    Discriminator(lambda value: "<text>" if isinstance(value, str) else "<object>"),
]


class SessionFieldsForm(Form):
    """What may be set when a session is made, and later."""

    description: Description | None = None
    tags: Tags | None = None
    model: ModelName | None = None
    tool_settings: ToolSettings | None = None
    agent_settings: AgentSettings | None = None
    context_window_config: JsonObject | None = None
    configuration: Configuration | None = None
    ttl_seconds: Seconds | None = Field(None, description="The session expires so long after last_accessed.")
    phase: PhaseInAnyCase | None = None


class NewSessionForm(SessionFieldsForm):
    """A new session. `name` is required unless `model` or `messages` are given."""

    model_config = ConfigDict(**Form.model_config, json_schema_extra=_NAMED)

    name: Name | None = None
    metadata: JsonObject | None = None
    system_prompt: str | None = Field(None, description="Becomes message 0.")
    system_prompt_source_file: Annotated[str, Field(max_length=1024)] | None = None
    messages: Annotated[list[NewMessageForm], Field(max_length=MAX_BATCH)] | None = None


class SessionChangesForm(SessionFieldsForm):
    """Changes of a session; what isn't sent stays. Null clears what can be empty."""

    model_config = ConfigDict(**Form.model_config, json_schema_extra=_CONTRADICTIONS)

    name: Name = NOT_SENT
    pinned: bool = NOT_SENT
    archived: bool = NOT_SENT
    status: StatusName = NOT_SENT
    metadata: JsonObject = Field(NOT_SENT, description="Merged into what is there; null removes a key.")
    summary: Summary | None = None
    summary_model: ModelName | None = None


class SessionListQuery(Form):
    """What a list of sessions shows, in which order, and which part of it."""

    model_config = Form.model_config | {"strict": False}

    status: StatusName | None = None
    include_archived: Flag = False
    pinned: Flag | None = None
    tags: TagList | None = Field(None, description="Comma list: sessions with any of these tags.")
    tags_all: TagList | None = Field(None, description="Comma list: sessions with all of these tags.")
    owner_id: Id | None = Field(None, description="Sessions of this owner.")
    model: ModelName | None = None
    phase: PhaseInAnyCase | None = None
    q: str | None = Field(
        None,
        description="A search, as in `GET /search`: sessions of which the name or a message fits. Its last word may be "
        "unfinished. Looked for among the newest 1,000 messages and names that fit.",
    )
    shared: Flag | None = Field(None, description="Whether it has collaborators.")
    scope: Literal["owned", "shared", "all"] = Field(
        "all", description="Your own sessions, those that others share with you, or all of them."
    )
    sort: Literal[
        "-updated_at", "updated_at", "-created_at", "created_at", "-last_accessed", "last_accessed", "-name", "name"
    ] = "-updated_at"
    limit: Limit = 50
    cursor: str | None = Field(None, description="`next` of the page before.")
    offset: Offset = 0
    count: Flag = Field(True, description="false leaves the exact total out.")


class SessionAnswer(Answer):
    """A session."""

    session_id: str
    short_id: str
    name: str
    description: str
    status: StatusName
    archived: bool
    pinned: bool
    owner: str
    owner_id: int
    tags: list[str]
    model: str | None
    phase: PhaseName | None
    message_count: int
    preview: str
    summary: str | JsonObject | None
    summary_model: str | None
    tool_settings: JsonObject
    agent_settings: JsonObject
    context_window_config: JsonObject
    configuration: JsonObject
    metadata: JsonObject
    ttl_seconds: int | None
    expires_at: datetime | None
    workspace_path: str | None = Field(description="Null in the trash.")
    is_indexed: bool
    content_count: int
    is_shared: bool = Field(description="Whether it has collaborators.")
    role: Literal["owner", "editor", "viewer"] = Field(description="The caller's own.")
    created_at: datetime
    updated_at: datetime
    last_accessed: datetime
    archived_at: datetime | None
    deleted_at: datetime | None
    version: int


class SessionWithMessagesAnswer(SessionAnswer):
    """A session with the first part of its transcript."""

    messages: list[MessageAnswer]
    messages_next: str | None = Field(description="For `cursor` of the messages, where the rest starts.")


class SessionListAnswer(Answer):
    """A page of sessions."""

    sessions: list[SessionAnswer]
    count: int = Field(NOT_SENT, description="The exact total, on pages without a cursor.")
    count_is_exact: bool = Field(NOT_SENT, description="With `q`: whether more sessions may fit than were looked for.")
    next: str | None
