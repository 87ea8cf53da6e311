"""Forms of chat: a question to the model server, and which models it has."""

from typing import Literal

from pydantic import ConfigDict, Field

from sessions.api.schemas.common import Answer, ExpectedIndex, Form
from sessions.api.schemas.sessions import ModelName, Name, VisibleText
from sessions.api.schemas.turns import SessionId


class ChatForm(Form):
    """A question. Null is the same as leaving out."""

    model_config = ConfigDict(
        **Form.model_config, json_schema_extra={"example": {"message": "Which index keeps recall above 0.95?"}}
    )

    session_id: SessionId | None = Field(None, description="Where to ask; without one a session is made.")
    name: Name | None = Field(None, description="Of the session to be made.")
    message: VisibleText = Field(description="What to ask.")
    model: ModelName | None = Field(None, description="The session's, or the server's first, if left out.")
    stream: bool | None = Field(None, description="true: server-sent events, as the answer comes.")
    expected_index: ExpectedIndex | None = Field(
        None, description="The index that the message must get: 409 with the current count otherwise."
    )


class ModelAnswer(Answer):
    """A model of the model server."""

    name: str
    size: int | None = Field(description="In bytes, if the server tells.")


class ModelListAnswer(Answer):
    """The models that can be asked."""

    models: list[ModelAnswer]
    server: Literal["ollama", "openai"] | None = Field(description="What it speaks; null if none is connected.")
