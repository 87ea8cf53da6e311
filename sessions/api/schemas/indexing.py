"""Forms of the search index of a workspace."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from sessions.api.schemas.common import Answer


class IndexJobAnswer(Answer):
    """The indexing that was started last."""

    job_id: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    cancel_requested: bool
    started_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    exit_code: int | None = Field(description="The program's; null while it runs, and if it was ended.")
    error: str | None = Field(description="Why it failed.")
    output: str = Field(description="The end of what the program said, 64 KiB at most.")


class IndexAnswer(Answer):
    """The search index of a workspace."""

    session_id: str
    is_indexed: bool = Field(description="Whether the index is there: asked of the disk.")
    is_installed: bool = Field(description="Whether this server has the program that makes it.")
    job: IndexJobAnswer | None
