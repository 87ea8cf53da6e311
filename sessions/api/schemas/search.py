"""Forms of searching."""

from datetime import datetime

from pydantic import Field

from sessions.api.schemas.common import Answer, Form, Limit
from sessions.api.schemas.messages import RoleName


class SearchQuery(Form):
    """What to look for, and which part of what is found."""

    model_config = Form.model_config | {"strict": False}

    q: str = Field("", description='Words, "phrases", -word, prefix*, tag: role: model: status: before: after:')
    limit: Limit = 50
    cursor: str | None = Field(None, description="`next` of the page before.")


class SearchResultAnswer(Answer):
    """A message, or a session that was found by its name."""

    session_id: str
    session_name: str
    index: int | None = Field(description="Null for a session's name.")
    role: RoleName | None
    created_at: datetime
    snippet: str = Field(description="Plain text, what was looked for between ⟦ and ⟧.")
    score: float = Field(description="How well it fits, 0 to 1.")


class SearchAnswer(Answer):
    """A page of results, the best first."""

    results: list[SearchResultAnswer]
    count: int
    count_is_exact: bool = Field(description="False: there are at least `count`.")
    next: str | None
