"""Forms of imports and exports."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from sessions.api.schemas.common import Answer, Form
from sessions.api.schemas.sessions import Name
from sessions.operations.bulk import MAX_SESSIONS

ReadFormat = Literal["researchmind", "json", "mochi", "chatgpt", "openwebui", "librechat", "claude_code", "codex"]
WrittenFormat = Literal["researchmind", "json", "markdown", "mochi"]
SessionIds = Annotated[
    str,
    Field(
        max_length=20_000,
        description=f"Ids with commas between them, at most {MAX_SESSIONS}.",
        json_schema_extra={"pattern": f"^[^,]+(,[^,]+){{0,{MAX_SESSIONS - 1}}}$"},
    ),
]


class ImportQuery(Form):
    """How to import."""

    format: ReadFormat | None = Field(None, description="Recognised from the content if left out.")
    new_name: Name | None = Field(None, description="The name of the session, if the file holds a single one.")


class ToldAnswer(Answer):
    """Something about one place of a file."""

    place: str
    message: str


class ImportedFileAnswer(Answer):
    """A file that was read, perhaps out of an archive."""

    name: str
    format: str


class ImportedSessionAnswer(Answer):
    """A session of the import."""

    session_id: str | None
    name: str
    messages: int
    place: str = Field(description="Where it stands in the file.")
    in_trash: bool


class ImportAnswer(Answer):
    """What an import did. Counts are of everything; lists hold at most 200."""

    import_id: str | None = Field(description="For taking it back; null if nothing was made.")
    dry_run: bool
    files: list[ImportedFileAnswer]
    created: int
    skipped: int = Field(description="Sessions that were there already.")
    failed: int
    messages: int = Field(description="Messages kept.")
    branches: int = Field(description="Branches of conversations that were left out.")
    dropped: dict[str, int] = Field(description="Parts that can't be kept, counted by their kind.")
    sessions: list[ImportedSessionAnswer]
    already_there: list[ImportedSessionAnswer]
    failures: list[ToldAnswer]
    warnings: list[ToldAnswer]
    warning_count: int


class UndoneAnswer(Answer):
    """What taking an import back did."""

    import_id: str
    undone_at: datetime
    purged: int = Field(description="Sessions deleted for ever: nobody had changed them.")
    trashed: int = Field(description="Sessions moved to the trash: somebody had worked on them.")
