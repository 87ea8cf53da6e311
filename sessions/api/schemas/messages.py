"""Forms of messages and revisions."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag

from sessions.api.schemas.common import (
    NOT_SENT,
    Answer,
    ExpectedIndex,
    Flag,
    Form,
    Index,
    JsonObject,
    Limit,
    Offset,
    Time,
    TokenCount,
)
from sessions.operations.transcript import MAX_BATCH

RoleName = Literal["system", "user", "assistant", "tool"]
ReasonName = Literal["edit", "restore", "system_prompt"]
ShortText = Annotated[str, Field(max_length=255)]
SourceFile = Annotated[str, Field(max_length=1024)]


class NewMessageForm(Form):
    """A finished message. Null is the same as leaving out."""

    role: RoleName
    content: str
    created_at: Time | None = Field(None, description="When it was said; now, if left out.")
    model: ShortText | None = None
    thinking: str | None = None
    tool_name: ShortText | None = None
    tool_calls: list[JsonObject] | None = None
    tool_call_id: ShortText | None = None
    source_file: SourceFile | None = None
    prompt_eval_count: TokenCount | None = None
    eval_count: TokenCount | None = None
    metadata: JsonObject | None = None


_EXPECTED = "The index that the first of these messages must get: 409 with the current count otherwise."


class OneMessageForm(NewMessageForm):
    """One message to append."""

    model_config = ConfigDict(
        **Form.model_config,
        json_schema_extra={"example": {"role": "assistant", "content": "HNSW.", "model": "qwen3:14b", "eval_count": 4}},
    )

    expected_index: ExpectedIndex | None = Field(None, description=_EXPECTED)


class ManyMessagesForm(Form):
    """Messages to append, all or none."""

    messages: Annotated[list[NewMessageForm], Field(min_length=1, max_length=MAX_BATCH)]
    expected_index: ExpectedIndex | None = Field(None, description=_EXPECTED)


def _form_of(value: Any) -> str:
    return "<many>" if isinstance(value, dict) and "messages" in value else "<one>"


AppendForm = Annotated[
    Annotated[OneMessageForm, Tag("<one>")] | Annotated[ManyMessagesForm, Tag("<many>")], Discriminator(_form_of)
]


class EditForm(Form):
    """The new text of a user message."""

    model_config = ConfigDict(
        **Form.model_config, json_schema_extra={"example": {"content": "Which index keeps recall above 0.99?"}}
    )

    content: str


class SystemPromptForm(Form):
    """The system prompt."""

    model_config = ConfigDict(**Form.model_config, json_schema_extra={"example": {"content": "Be brief."}})

    content: str
    source_file: SourceFile | None = Field(None, description="The file that the prompt was read from.")


class MessageListQuery(Form):
    """Which part of a transcript."""

    model_config = Form.model_config | {"strict": False}

    after: Index | None = Field(None, description="Only messages with a larger index.")
    before: Index | None = Field(None, description="Only messages with a smaller index.")
    role: RoleName | None = None
    order: Literal["asc", "desc"] = "asc"
    limit: Limit = 50
    cursor: str | None = Field(None, description="`next` of the page before.")
    offset: Offset = 0
    count: Flag = Field(True, description="false leaves the exact total out.")


class PageQuery(Form):
    """Which part of a list."""

    model_config = Form.model_config | {"strict": False}

    limit: Limit = 50
    cursor: str | None = Field(None, description="`next` of the page before.")
    offset: Offset = 0
    count: Flag = Field(True, description="false leaves the exact total out.")


class OriginAnswer(Answer):
    """The message that this one was copied from."""

    session_id: str
    index: int


class MessageAnswer(Answer):
    """A message of a transcript."""

    message_id: str
    index: int
    role: RoleName
    content: str
    created_at: datetime
    edited_at: datetime | None
    author: str | None = Field(description="The user name of who wrote or sent it; null for assistants and tools.")
    model: str | None
    thinking: str | None
    tool_name: str | None
    tool_calls: list[Any] | None
    tool_call_id: str | None
    source_file: str | None
    prompt_eval_count: int | None
    eval_count: int | None
    metadata: JsonObject
    origin: OriginAnswer | None


class MessageListAnswer(Answer):
    """A page of a transcript."""

    messages: list[MessageAnswer]
    count: int = Field(NOT_SENT, description="All messages, or all of the role, on pages without a cursor.")
    next: str | None


class AppendedAnswer(Answer):
    """The messages as they are in the transcript, and the session's state after them."""

    messages: list[MessageAnswer]
    message_count: int
    version: int


class RevisionAnswer(Answer):
    """A run of messages that an edit replaced."""

    number: int
    first_index: int
    message_count: int
    reason: ReasonName
    created_at: datetime
    actor: str | None


class RevisionListAnswer(Answer):
    """Revisions, the newest first."""

    revisions: list[RevisionAnswer]
    count: int = Field(NOT_SENT, description="The exact total, on pages without a cursor.")
    next: str | None
