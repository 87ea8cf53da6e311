"""Forms of the vector collection."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from sessions.api.schemas.common import LARGEST_INTEGER, NOT_SENT, Answer, Flag, Form, JsonObject, Limit, whole
from sessions.operations.vectors.values import LARGEST, MAX_BATCH, MAX_SIZE

_UUID = "^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$"
_ID = "A whole number, 0 or more, or a UUID."


def _point_id(value: object) -> object:
    """A number as it is, a UUID read. Raises for anything else, which could be no point of Qdrant's."""
    value = whole(value)
    if isinstance(value, str) and len(value) == 36:
        try:
            return UUID(value)
        except ValueError:
            pass
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_INTEGER:
        return value
    raise PydanticCustomError("point_id", "This must be a whole number, 0 or more, or a UUID.")


PointId = Annotated[
    int | UUID,
    BeforeValidator(_point_id),
    Field(
        description=_ID,
        json_schema_extra={
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": LARGEST_INTEGER},
                {"type": "string", "pattern": _UUID},
            ]
        },
    ),
]
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
Vector = Annotated[
    list[Number], Field(min_length=1, max_length=MAX_SIZE, description="Numbers, kept in single precision.")
]
_DISTANCES = Literal["cosine", "dot", "euclid"]


class PointForm(Form):
    """A point of a collection."""

    point_id: PointId
    vector: Vector
    payload: JsonObject | None = Field(None, description="What is kept with it, at most 64 KiB of JSON.")


class PutPointsForm(Form):
    """Points to keep. The first ones of a session choose the size and the distance."""

    model_config = ConfigDict(
        **Form.model_config,
        json_schema_extra={
            "example": {
                "points": [{"point_id": 1, "vector": [0.1, 0.7, 0.2], "payload": {"path": "content/notes.txt"}}]
            }
        },
    )

    points: list[PointForm] = Field(min_length=1, max_length=MAX_BATCH)
    distance: _DISTANCES | None = Field(
        None, description="How near vectors are: cosine if the first points don't say, then what those said."
    )


class RemovePointsForm(Form):
    """Points to remove; ids that aren't there are left out."""

    model_config = ConfigDict(**Form.model_config, json_schema_extra={"example": {"point_ids": [1, 2]}})

    point_ids: list[PointId] = Field(min_length=1, max_length=MAX_BATCH)


class SearchPointsForm(Form):
    """What the points found are to be near to."""

    model_config = ConfigDict(
        **Form.model_config, json_schema_extra={"example": {"vector": [0.1, 0.7, 0.2], "limit": 5}}
    )

    vector: Vector
    limit: Annotated[int, Field(ge=1, le=200), BeforeValidator(whole)] = Field(10, description="How many at most.")


class PointListQuery(Form):
    """Which points."""

    model_config = Form.model_config | {"strict": False}

    limit: Limit = 50
    cursor: str | None = Field(None, description="`next` of the page before.")
    vectors: Flag = Field(False, description="Whether to give the vectors too.")
    count: Flag = Field(True, description="Whether to count them.")


class PointAnswer(Answer):
    """A point."""

    point_id: int | str
    payload: JsonObject
    vector: list[float] | None = Field(description="Null where it wasn't asked for.")


class PointListAnswer(Answer):
    """Points by their ids, numbers before UUIDs."""

    points: list[PointAnswer]
    size: int | None = Field(description="Numbers in each vector; null as long as there was none.")
    distance: _DISTANCES | None
    next: str | None = Field(description="The `cursor` of the next page; null on the last one.")
    count: int = Field(default=NOT_SENT, description="In pages without a cursor, unless `count=false`.")


class PutPointsAnswer(Answer):
    """What was kept."""

    upserted_points: int
    size: int
    distance: _DISTANCES


class RemovedPointsAnswer(Answer):
    """What was removed."""

    removed_points: int


class ScoredPointAnswer(Answer):
    """A point near to what was asked for."""

    point_id: int | str
    score: float = Field(
        description="The cosine or the product, larger for nearer points; or the Euclidean distance, smaller for them."
    )
    payload: JsonObject


class PointSearchAnswer(Answer):
    """The nearest points, the nearest first."""

    results: list[ScoredPointAnswer]
