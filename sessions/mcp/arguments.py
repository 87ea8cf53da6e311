"""What each tool takes: agents read the descriptions, and a name that isn't here is refused."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sessions.operations.runs.clarifications import MAX_OPTIONS

MOST_ROWS = 50
MOST_MESSAGES = 100

SessionId = Annotated[str, Field(description="The session's id, whole or its first ten hex digits.")]
Limit = Annotated[int, Field(ge=1, le=MOST_ROWS, description="How many at most.")]
Cursor = Annotated[str | None, Field(description="`next` of the page before, to go on there.")]
Index = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Arguments(BaseModel):
    """Arguments of a tool."""

    model_config = ConfigDict(extra="forbid")


class ListSessions(Arguments):
    """Which sessions, and which part of their list."""

    q: str = Field("", description="Words that the name or a message must hold, and filters, as in `search`.")
    status: Literal["active", "archived", "deleted"] = "active"
    scope: Literal["owned", "shared", "all"] = Field("all", description="Your own, shared with you by others, or all.")
    tags: list[str] = Field([], description="Sessions with any of these tags.")
    phase: str | None = Field(None, description="Sessions whose run is in this phase.")
    limit: Limit = 20
    cursor: Cursor = None


class Search(Arguments):
    """What to look for, and which part of the results."""

    q: str = Field(
        description='Words, "phrases", -without, begin*, tag:x, role:user, model:x, status:archived, after:2026-01, '
        "before:2026-02-03."
    )
    limit: Limit = 20
    cursor: Cursor = None


class ReadSession(Arguments):
    """Which part of a transcript."""

    session_id: SessionId
    after: Index | None = Field(None, description="Only messages with a larger index.")
    before: Index | None = Field(None, description="Only messages with a smaller index.")
    order: Literal["asc", "desc"] = Field("asc", description="asc from the first one, desc from the newest one.")
    limit: Limit = 20


class ReadMessage(Arguments):
    """Which part of a message."""

    session_id: SessionId
    index: Index
    part: Literal["content", "thinking", "tool_calls"] = "content"
    offset: int = Field(0, ge=0, le=2**31 - 1, description="`next` of the part before: where to go on.")


class OneSession(Arguments):
    """A session."""

    session_id: SessionId


class MessageArguments(Arguments):
    """A finished message."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    model: str = Field("", description="The model that wrote it.")
    thinking: str = ""
    tool_name: str = Field("", description="Of a tool's message: the tool that said it.")
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str = ""
    metadata: dict[str, Any] = {}


class AppendMessages(Arguments):
    """Messages for the end of a transcript."""

    session_id: SessionId
    messages: list[MessageArguments] = Field(min_length=1, max_length=MOST_MESSAGES)
    expected_index: Index | None = Field(
        None, description="The index that the first of them must get, message_count as you know it: refused otherwise."
    )


class SetPhase(Arguments):
    """A phase to enter."""

    session_id: SessionId
    phase: str = Field(
        description="questionnaire, build_spec, idea, plan_review, execution, clarification, verification, complete "
        "or failed."
    )


class Ask(Arguments):
    """A question to whoever looks after the run."""

    session_id: SessionId
    question: str
    context: str = Field("", description="What one should know to answer.")
    options: list[str] = Field([], max_length=MAX_OPTIONS, description="The answer must be one of these, if any.")


class ReportError(Arguments):
    """Something that went wrong."""

    session_id: SessionId
    error_message: str
    task_id: str = Field("", description="The task that it happened in.")
    phase: str | None = Field(None, description="The phase that it happened in; the current one without it.")
