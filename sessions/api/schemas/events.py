"""Histories and the change feed."""

from pydantic import Field

from sessions.api.schemas.common import Answer, Form, Id, JsonObject, Limit, Wait


class EventAnswer(Answer):
    """One thing that happened."""

    event_id: int
    session_id: str | None = Field(description="null for what happened to an account.")
    verb: str = Field(description="In the past tense: `created`, `appended`, `archived`, …")
    actor: str = Field(description="The user's name then; `ResearchMind` for what it did by itself.")
    at: str = Field(json_schema_extra={"format": "date-time"})
    detail: JsonObject = Field(description="Names, counts and indexes, never contents.")


class HistoryQuery(Form):
    """Which part of a history."""

    model_config = Form.model_config | {"strict": False}

    limit: Limit = 50
    cursor: str | None = Field(None, description="`next` of the page before.")


class HistoryAnswer(Answer):
    """The newest events first."""

    events: list[EventAnswer]
    next: str | None


class FeedQuery(Form):
    """From where on, and how long to wait for something new."""

    model_config = Form.model_config | {"strict": False}

    after: Id | None = Field(None, description="`next` of the answer before; 0 for the beginning.")
    wait: Wait = 0
    limit: Limit = 50


class FeedAnswer(Answer):
    """What happened after `after`, the oldest first; without it the newest. `next` is the `after` of the next call."""

    events: list[EventAnswer]
    next: int
