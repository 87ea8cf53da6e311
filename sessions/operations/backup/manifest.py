"""What a backup says of itself. It is written last: a directory without it is no whole backup."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import orjson

from sessions.exceptions import BackupRefused

NAME = "backup.json"
WORKSPACES = "workspaces"
SECRET_KEY = "secret_key"  # noqa: S105  (a file's name)
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """`vendor` is the kind of database, `columns` are PostgreSQL's tables, `sizes` those of the database's files."""

    format: int
    version: str
    taken_at: str
    vendor: str
    migrations: list[tuple[str, str]]
    columns: dict[str, list[str]]
    sizes: dict[str, int]
    sessions: int
    files: int

    def write(self, directory: Path) -> None:
        """Write it, in one piece."""
        draft = directory / f".{NAME}"
        draft.write_bytes(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2))
        draft.rename(directory / NAME)

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read it. Raises BackupRefused if the directory holds no whole backup that this release can read."""
        try:
            found: dict[str, Any] = orjson.loads((directory / NAME).read_bytes())
        except (OSError, orjson.JSONDecodeError) as error:
            raise BackupRefused(f"{directory} holds no whole backup: {NAME} can't be read.") from error
        if found.get("format") != FORMAT:
            raise BackupRefused(f"{directory} holds a backup of another release's kind.")
        manifest = cls(**found | {"migrations": [(app, name) for app, name in found["migrations"]]})
        for name, size in manifest.sizes.items():
            path = directory / name
            if not path.is_file() or path.stat().st_size != size:
                raise BackupRefused(f"{path} isn't as it was written: the backup is damaged.")
        return manifest


def sizes_of(directory: Path) -> Iterator[tuple[str, int]]:
    """(path, bytes) of each file of the database's copy."""
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(directory)), path.stat().st_size
