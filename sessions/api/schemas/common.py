"""Kinds of values that several forms share."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

# The default of a field that may be left out but not be null. It is never read: only what is
# in `model_fields_set` counts.
NOT_SENT: Any = None

JsonObject = dict[str, Any]

LARGEST_INDEX = 2**31 - 1
LARGEST_INTEGER = 2**63 - 1
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


class Form(BaseModel):
    """A body, or a part of one: no unknown fields, no guessing of types."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Answer(BaseModel):
    """An answer, for the OpenAPI file: every field is always there."""

    model_config = ConfigDict(extra="forbid", title=None)


class ErrorAt(Answer):
    """What is wrong, and where."""

    loc: str = Field(description="The field, such as `messages[0].role`, the parameter or the header.")
    message: str


class ProblemAnswer(Answer):
    """What went wrong and what to do (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable, for programs.")
    errors: list[ErrorAt] = Field(default=NOT_SENT, description="Each value that breaks a rule.")
    state: JsonObject = Field(default=NOT_SENT, description="The current state that the request didn't fit.")
    request_id: str | None = Field(default=NOT_SENT, description="Under this id the server has logged the error.")


def _time(value: Any) -> datetime:
    """Read a time of RFC 3339 and turn it into UTC; nothing else that could pass for a time."""
    if isinstance(value, str) and _RFC3339.fullmatch(value):
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise PydanticCustomError("time", "This must be a time with its zone, such as 2026-05-04T12:30:00Z.")


def _whole_number(text: str) -> int:
    """Digits of an address; pydantic would take ` 5` and `1_000` too."""
    digits = re.fullmatch(r"(-?[0-9]{1,19})(\.0+)?", text)
    if digits is None:
        raise PydanticCustomError("int_parsing", "This must be a whole number.")
    return int(digits[1])


def _true_or_false(text: str) -> bool:
    """`true` or `false` in an address, and no other spelling."""
    if text not in ("true", "false"):
        raise PydanticCustomError("bool_type", "This must be true or false.")
    return text == "true"


def whole(value: Any) -> Any:
    """`5.0` in JSON is the whole number 5."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Time = Annotated[datetime, BeforeValidator(_time)]
Flag = Annotated[bool, BeforeValidator(_true_or_false)]

_FILE_NAME = r"[^\s./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*"  # not hidden
FILE_PATH = {"pattern": f"^{_FILE_NAME}(/{_FILE_NAME})*$"}

# Numbers in addresses
Limit = Annotated[int, Field(ge=1, le=200), BeforeValidator(_whole_number)]
Offset = Annotated[int, Field(ge=0, le=LARGEST_INDEX), BeforeValidator(_whole_number)]
Index = Annotated[int, Field(ge=0, le=LARGEST_INDEX), BeforeValidator(_whole_number)]
Id = Annotated[int, Field(ge=0, le=LARGEST_INTEGER), BeforeValidator(_whole_number)]
MessagesLimit = Annotated[int, Field(ge=0, le=1000), BeforeValidator(_whole_number)]
Place = Id  # whatever lies beyond the last one is 404

Wait = Annotated[
    int, Field(ge=0, le=25, description="Seconds to wait until something happens."), BeforeValidator(_whole_number)
]

# Numbers in bodies
TokenCount = Annotated[int, Field(ge=0, le=LARGEST_INTEGER), BeforeValidator(whole)]
ExpectedIndex = Annotated[int, Field(ge=0, le=LARGEST_INDEX), BeforeValidator(whole)]
UserId = Annotated[int, Field(ge=1, le=LARGEST_INTEGER), BeforeValidator(whole)]
Seconds = Annotated[int, Field(ge=1, le=2**31 - 1), BeforeValidator(whole)]
