"""Forms of turns: what was asked and what was answered, together."""

from typing import Annotated

from pydantic import ConfigDict, Field

from sessions.api.schemas.common import Answer, ExpectedIndex, Form, JsonObject
from sessions.api.schemas.messages import MessageAnswer
from sessions.api.schemas.sessions import ModelName, Name

SessionId = Annotated[str, Field(max_length=64)]


class TurnForm(Form):
    """A finished turn. Null is the same as leaving out."""

    model_config = ConfigDict(
        **Form.model_config,
        json_schema_extra={
            "example": {"user": "Which index keeps recall above 0.95?", "assistant": "HNSW.", "model": "qwen3:14b"}
        },
    )

    session_id: SessionId | None = Field(None, description="Where to append it; without one a session is made.")
    name: Name | None = Field(None, description="Of the session to be made.")
    user: str = Field(description="What was asked.")
    assistant: str = Field(description="What was answered.")
    model: ModelName | None = Field(None, description="What answered; also the model of a session to be made.")
    metadata: JsonObject | None = Field(None, description="Kept with the assistant's message.")
    expected_index: ExpectedIndex | None = Field(
        None, description="The index that the user's message must get: 409 with the current count otherwise."
    )


class TurnAnswer(Answer):
    """Both messages as they are in the transcript, and the session's state after them."""

    session_id: str
    user_message: MessageAnswer
    assistant_message: MessageAnswer
    message_count: int
    version: int
