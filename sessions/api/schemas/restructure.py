"""Forms of forks, merges and splits."""

from pydantic import ConfigDict, Field

from sessions.api.schemas.common import ExpectedIndex, Form
from sessions.api.schemas.sessions import Name


class ForkForm(Form):
    """Where to fork, and what comes along. Null is the same as leaving out."""

    model_config = ConfigDict(
        **Form.model_config, json_schema_extra={"example": {"at_index": 12, "name": "Another way"}}
    )

    at_index: ExpectedIndex | None = Field(None, description="The last message that comes along; without it, all do.")
    name: Name | None = Field(None, description="Of the fork; without it, the session's with “(fork)”.")
    files: bool = Field(True, description="Whether the files of the workspace are copied. A search index never is.")
