"""Answers of comparisons."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from sessions.api.schemas.common import Answer
from sessions.api.schemas.sessions import StatusName
from sessions.operations.restructure.merging import MAX_SOURCES

ComparedIds = Annotated[
    str,
    Field(
        max_length=4_000,
        description=f"Ids with commas between them, 2 to {MAX_SOURCES}.",
        json_schema_extra={"pattern": f"^[^,]+(,[^,]+){{0,{MAX_SOURCES - 1}}}$"},
    ),
]


class ContentsAnswer(Answer):
    """What a transcript holds."""

    messages: dict[str, int] = Field(description="How many of each role.")
    prompt_tokens: int
    answer_tokens: int


class ModelContentsAnswer(Answer):
    """One model's part in a transcript."""

    model_name: str
    uses: int = Field(description="Messages that name it.")
    answer_tokens: int


class ComparedSessionAnswer(Answer):
    """One of the sessions that are compared."""

    session_id: str
    name: str
    status: StatusName
    tags: list[str]
    model: str | None
    message_count: int
    created_at: datetime
    updated_at: datetime
    last_accessed: datetime
    statistics: ContentsAnswer
    model_usage: list[ModelContentsAnswer]


class ComparisonSummaryAnswer(Answer):
    """What is true of all of them."""

    session_count: int
    message_count: int
    status_distribution: dict[str, int]
    common_models: list[str]
    common_tags: list[str]


class ComparisonAnswer(Answer):
    """Sessions side by side."""

    sessions: list[ComparedSessionAnswer]
    first_difference: int | None = Field(description="The first index at which not all say the same; null without one.")
    summary: ComparisonSummaryAnswer
