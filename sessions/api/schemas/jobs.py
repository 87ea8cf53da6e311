"""Jobs: long work that the worker does."""

from datetime import datetime

from pydantic import Field

from sessions.api.schemas.common import Answer, Form, JsonObject, Limit


class JobAnswer(Answer):
    """Long work that goes on in the worker."""

    job_id: str
    kind: str = Field(
        description="`merge`, `fork`, `split`, `import`, `undo_import`, `purge`, `empty_trash`, `insights`, `index`, …"
    )
    subject: str = Field(description="What it works on, in words.")
    state: str = Field(description="`queued`, `running`; then `done`, `failed` or `cancelled`.")
    done: int = Field(description="How far it is, of `total`.")
    total: int | None = Field(description="null while nobody knows.")
    cancel_requested: bool
    result: JsonObject = Field(
        description="What came of it, once it is done: for a merge or a fork `session_id`, for a split `session_ids`."
    )
    error: str | None = Field(description="Why it has failed.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobQuery(Form):
    """Which page of the list."""

    model_config = Form.model_config | {"strict": False}

    limit: Limit = 50
    cursor: str | None = Field(None, description="`next` of the page before.")


class JobListAnswer(Answer):
    """The newest first."""

    jobs: list[JobAnswer]
    next: str | None
