"""Forms of statistics."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from sessions.api.schemas.common import Answer, Form, Time
from sessions.api.schemas.sessions import Name
from sessions.operations.statistics import LARGEST_STEP

ModelKindName = Literal["llm", "embedding"]


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Step = Annotated[int, Field(ge=0, le=LARGEST_STEP), BeforeValidator(_whole)]


class StatisticsForm(Form):
    """What to add to the counters."""

    model_config = ConfigDict(
        **Form.model_config, json_schema_extra={"example": {"urls_processed": 3, "embeddings_created": 120}}
    )

    urls_processed: Step = 0
    content_analyzed: Step = 0
    clusters_generated: Step = 0
    embeddings_created: Step = 0
    last_processing_time: Time | None = Field(None, description="When it was done; now, if left out.")


class ModelUseForm(Form):
    """A model that was used once more."""

    model_config = ConfigDict(
        **Form.model_config,
        json_schema_extra={"example": {"model_type": "embedding", "model_name": "nomic-embed-text"}},
    )

    model_type: ModelKindName
    model_name: Name


class ModelUsageAnswer(Answer):
    """One model's part in the session."""

    model_type: ModelKindName
    model_name: str
    uses: int = Field(description="Messages that name it, and uses that were reported.")
    first_used_at: datetime
    last_used_at: datetime


class ModelSwitchesAnswer(Answer):
    """How often another model took over."""

    llm: int
    embedding: int


class CollectionAnswer(Answer):
    """The vector collection."""

    name: str
    size: int
    distance: str
    point_count: int


class StatisticsAnswer(Answer):
    """A session in numbers."""

    session_id: str
    urls_processed: int
    content_analyzed: int
    clusters_generated: int
    embeddings_created: int
    last_processing_time: datetime | None
    model_usage: list[ModelUsageAnswer]
    model_switches: ModelSwitchesAnswer
    message_count: int
    prompt_tokens: int
    answer_tokens: int
    collection: CollectionAnswer | None
    age_days: int
    people: int = Field(description="The owner and everybody that it is shared with.")
    disk_bytes: int
    disk_bytes_are_exact: bool = Field(description="false: the workspace holds more than is measured.")
    vector_bytes: int
