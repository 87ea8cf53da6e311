"""Forms of the files of a workspace."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from sessions.api.schemas.common import FILE_PATH, Answer

_TEXT = "Relative to the workspace, such as `content/notes.txt`."
FilePath = Annotated[str, Field(description=_TEXT, json_schema_extra=FILE_PATH)]
DirectoryPath = Annotated[
    str, Field(description="Relative to the workspace.", json_schema_extra={"pattern": f"^$|{FILE_PATH['pattern']}"})
]


class EntryAnswer(Answer):
    """A file or a directory."""

    name: str
    path: str = Field(description="Relative to the workspace.")
    type: Literal["file", "directory"]
    size: int | None = Field(description="Bytes of a file; null for a directory.")
    modified_at: datetime


class FileListAnswer(Answer):
    """What is in a directory, directories first."""

    path: str
    files: list[EntryAnswer]
    is_complete: bool = Field(description="false: there are more than 10,000 entries, and no more are looked at.")
    used: int = Field(description="Bytes that the session's files have together.")
    quota: int = Field(description="Bytes that they may have.")
