"""What an import did, for the one who asked for it."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from sessions.formats.document import Tally

MOST_TOLD = 200  # warnings, and sessions by name, that a report keeps; all are counted


@dataclass(frozen=True, slots=True)
class Told:
    """Something about one place of a file."""

    place: str
    message: str


@dataclass(frozen=True, slots=True)
class ImportedSession:
    """A session that was made, or that was there already."""

    session_id: str | None  # None in a dry run
    name: str
    messages: int
    place: str
    in_trash: bool = False


@dataclass(slots=True)
class ImportReport:
    """What became of some files. Counts are of everything; lists may be cut, see `MOST_TOLD`."""

    import_id: str | None = None
    dry_run: bool = False
    files: list[dict[str, str]] = field(default_factory=list)
    created: int = 0
    skipped: int = 0
    failed: int = 0
    messages: int = 0
    branches: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    sessions: list[ImportedSession] = field(default_factory=list)
    already_there: list[ImportedSession] = field(default_factory=list)
    failures: list[Told] = field(default_factory=list)
    warnings: list[Told] = field(default_factory=list)
    warning_count: int = 0

    def add_file(self, name: str, form: str) -> None:
        """A file was recognised."""
        if len(self.files) < MOST_TOLD:
            self.files.append({"name": name, "format": form})

    def add_created(self, session_id: UUID | None, name: str, messages: int, place: str) -> None:
        """A session was made."""
        self.created += 1
        self.messages += messages
        if len(self.sessions) < MOST_TOLD:
            self.sessions.append(ImportedSession(str(session_id) if session_id else None, name, messages, place))

    def add_skipped(self, found: ImportedSession) -> None:
        """A session was there already."""
        self.skipped += 1
        if len(self.already_there) < MOST_TOLD:
            self.already_there.append(found)

    def add_failure(self, place: str, message: str) -> None:
        """A session, or a file, can't be imported."""
        self.failed += 1
        if len(self.failures) < MOST_TOLD:
            self.failures.append(Told(place, message))

    def add_tally(self, tally: Tally, file_name: str) -> None:
        """What had to be done to make a transcript."""
        self.branches += tally.branches
        self.dropped.update(tally.dropped)
        self.warning_count += len(tally.warnings) + tally.more_warnings
        room = max(0, MOST_TOLD - len(self.warnings))
        self.warnings += [Told(placed(file_name, place), message) for place, message in tally.warnings[:room]]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was made and nothing was there."""
        return not (self.created or self.skipped)

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON."""
        return asdict(self) | {"dropped": dict(self.dropped.most_common())}


def placed(file_name: str, place: str) -> str:
    """A place with its file: `conversations.json [3]`."""
    return " ".join(filter(None, (file_name, place)))
