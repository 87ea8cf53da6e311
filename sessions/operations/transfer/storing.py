"""One document becomes one session: rows, events and workspace, all of it or nothing."""

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.utils import timezone

from sessions.access import Actor, session_for_reading
from sessions.exceptions import AlreadyImported, Invalid, NothingToImport, SessionNotFound, TooLarge
from sessions.formats import entries
from sessions.formats.document import Document, Message, WorkspaceFile
from sessions.formats.document import Revision as KeptRevision
from sessions.formats.values import digest_of
from sessions.models import (
    Event,
    Import,
    ImportSource,
    Lineage,
    LineageKind,
    Phase,
    Reason,
    Revision,
    RevisionMessage,
    Role,
    Session,
    Status,
    Verb,
)
from sessions.models import Message as MessageRow
from sessions.models.bulk_rows import insert_object, insert_rows
from sessions.models.event import OF_ACCOUNTS
from sessions.models.tag import MAX_TAG_LENGTH, normalise_tag
from sessions.models.tag_rows import attach_tags
from sessions.operations import audit
from sessions.operations.naming import name_from, preview_of
from sessions.operations.sessions import checked_fields, checked_name
from sessions.operations.tags import MAX_TAGS
from sessions.operations.transcript import NewMessage, checked_messages
from sessions.operations.transfer.progress import store_progress
from sessions.operations.transfer.statistics import store_statistics
from sessions.operations.transfer.vectors import store_vectors
from sessions.operations.workspaces import create_workspace, settle_staged_workspace
from sessions.storage.staging import StagedWorkspace, staged_workspace

_VALUES = [name for name in NewMessage.__slots__ if name != "created_at"]
_COLUMNS = ["author", "created_at", "edited_at", "origin_session", "origin_index", *_VALUES]
_FIELDS, _REVISION_FIELDS = ["session", "index", *_COLUMNS], ["revision", "position", *_COLUMNS]
_CONTENT, _THINKING = _FIELDS.index("content"), _FIELDS.index("thinking")
_PORTION_ROWS, _PORTION_CHARACTERS = 2_000, 2 * 2**20
_values = attrgetter(*_VALUES)
_EVENT_FIELDS = ["session_id", "actor_name", "token_name", "verb", "detail", "at", "owner_id"]
_VERBS = frozenset(Verb.values) - {Verb.PURGED.value} - OF_ACCOUNTS
_COUNTS_OF_EVENTS = ("messages", "first_index", "index", "cut", "number", "tasks", "version", "events", "points")
_LISTS_OF_EVENTS = ("tags", "fields")
_KEPT_FIELDS = (
    "description", "model", "summary", "summary_model", "tool_settings", "agent_settings", "context_window_config",
    "configuration", "metadata",
)  # fmt: skip
_LARGEST = 2**31 - 1  # of numbers in the database
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class Stored:
    """A session that was made."""

    session_id: UUID
    name: str
    messages: int


def source_id_of(document: Document) -> str:
    """The document's id in its system, short enough to be kept."""
    return document.source_id if len(document.source_id) <= 255 else digest_of(document.source_id)


def store_document(*, actor: Actor, document: Document, batch: Import, name: str = "") -> Stored:
    """Make a session of a document, which belongs to an import; `name` goes before the document's own.

    Files are staged first; then everything is one transaction. Raises AlreadyImported,
    NothingToImport, Invalid, TooLarge, UnsafeArchive, StorageError; nothing is left then.
    """
    with ExitStack() as stack:
        staged = _stage(document, stack)
        with transaction.atomic():
            return _Storing(actor, document, batch, name).store(staged)


def _stage(document: Document, stack: ExitStack) -> StagedWorkspace | None:
    """Write the document's files where nobody sees them; None if it has none."""
    staged: StagedWorkspace | None = None
    for file in document.files:
        staged = staged or stack.enter_context(staged_workspace())
        if file.open is None:
            staged.add_directory(file.path)
        else:
            staged.add_file(file.path, _blocks(file))
    if staged is not None:
        staged.flush()
    return staged


def _blocks(file: WorkspaceFile) -> Iterator[bytes]:
    assert file.open is not None  # noqa: S101  (for the type checker; directories don't come here)
    with file.open() as opened:
        yield from iter(partial(opened.read, _BLOCK), b"")


class _Storing:
    """The rows of one document. Messages go first: only then some formats know the rest."""

    def __init__(self, actor: Actor, document: Document, batch: Import, name: str) -> None:
        self.actor = actor
        self.document = document
        self.batch = batch
        self.name = name
        self.session_id = uuid4()
        self.now = timezone.now()
        self.count = 0
        self.first_user: str | None = None
        self.newest: datetime | None = None
        self.oldest: datetime | None = None

    def store(self, staged: StagedWorkspace | None) -> Stored:
        self._claim()
        for rows in _portions(self._message_rows()):
            insert_rows(MessageRow, _FIELDS, rows)
        if not self.count and not self.document.may_be_empty:
            raise NothingToImport("It holds no messages.")
        session = self._session()
        self._place_workspace(session, staged)
        insert_object(session)
        self._store_revisions()
        if tags := kept_tags(self.document.tags):
            attach_tags(session.pk, session.owner_id, tags)
        if self.document.vectors is not None:
            store_vectors(session.pk, self.document.vectors)
        if self.document.progress is not None:
            store_progress(session, self.document.progress, self.document.tally)
        if self.document.statistics is not None:
            store_statistics(session.pk, self.document.statistics, self.document.tally, self.now)
        self._note_lineage(session)
        insert_rows(Event, _EVENT_FIELDS, self._event_rows())
        detail = {"name": session.name, "messages": self.count, "source": self.document.source}
        audit.record(self.actor, Verb.IMPORTED, session.pk, **detail)
        return Stored(session.pk, session.name, self.count)

    def _claim(self) -> None:
        """Note where the session comes from; of two imports at once, the second waits here and then finds it there."""
        source = ImportSource(
            session_id=self.session_id,
            owner_id=self.actor.user_id,
            batch=self.batch,
            system=self.document.source,
            source_id=source_id_of(self.document),
        )
        try:
            source.save(force_insert=True)
        except IntegrityError as error:
            raise AlreadyImported("This session has been imported before.") from error

    def _message_rows(self) -> Iterator[tuple[Any, ...]]:
        for message in self.document.messages:
            at = message.created_at or self.newest or self.document.created_at or self.now
            new = NewMessage(**{name: getattr(message, name) for name in _VALUES}, created_at=at)
            self._check(new)
            if self.first_user is None and new.role == Role.USER:
                self.first_user = new.content
            self.newest = max(self.newest or at, at)
            self.oldest = min(self.oldest or at, at)
            yield (self.session_id, self.count, *self._columns(message, new))
            self.count += 1

    def _store_revisions(self) -> None:
        """What edits replaced before the session was exported."""
        numbers: set[int] = set()
        for found in self.document.revisions:
            if (
                found.number in numbers
                or found.reason not in Reason.values
                or max(found.number, found.first_index) > _LARGEST
            ):
                self.document.tally.drop("revision")
                continue
            numbers.add(found.number)
            revision = Revision(
                session_id=self.session_id,
                number=found.number,
                first_index=found.first_index,
                message_count=0,
                reason=found.reason,
                created_at=min(found.created_at or self.now, self.now),
                actor_id=self.actor.user_id,
            )
            revision.save(force_insert=True)
            for rows in _portions(self._revision_rows(revision, found)):
                revision.message_count += insert_rows(RevisionMessage, _REVISION_FIELDS, rows)
            if revision.reason == Reason.SYSTEM_PROMPT and revision.message_count != 1:  # nothing to put back
                self.document.tally.drop("revision")
                revision.delete()
            else:
                revision.save(update_fields=["message_count"])

    def _revision_rows(self, revision: Revision, found: KeptRevision) -> Iterator[tuple[Any, ...]]:
        for position, message in enumerate(found.messages):
            at = message.created_at or self.now
            new = NewMessage(**{name: getattr(message, name) for name in _VALUES}, created_at=at)
            self._check(new, f"revision {found.number}, message {position}")
            yield (revision.pk, position, *self._columns(message, new))

    def _columns(self, message: Message, new: NewMessage) -> tuple[Any, ...]:
        origin = _origin(message)
        return (self._author_id(message), new.created_at, message.edited_at, *origin, *_values(new))

    def _check(self, message: NewMessage, here: str = "") -> None:
        try:
            checked_messages([message])
        except (Invalid, TooLarge) as error:
            here = here or f"messages[{self.count}]"
            error.detail = error.detail.replace("messages[0]", here)
            if isinstance(error, Invalid):
                error.errors = [(loc.replace("messages[0]", here), text) for loc, text in error.errors]
            raise

    def _author_id(self, message: Message) -> int | None:
        """Names in a file prove nothing: only the importer is taken for an author."""
        if self.document.has_authors:
            return self.actor.user_id if message.author == self.actor.username else None
        return self.actor.user_id if message.role in (Role.USER, Role.SYSTEM) else None

    def _session(self) -> Session:
        document = self.document
        first = self.first_user or ""
        name = self.name or ("" if document.name_is_automatic else document.name.strip())
        fields = {field: getattr(document, field) for field in _KEPT_FIELDS} | {
            "ttl_seconds": document.ttl_seconds if (document.ttl_seconds or 0) <= _LARGEST else None,
            "phase": document.phase if document.phase in Phase.values else "",
        }
        return Session(
            id=self.session_id,
            owner_id=self.actor.user_id,
            name=checked_name(name) if name else name_from(first),
            name_is_automatic=not name,
            status=_status(document),
            pinned=document.pinned,
            message_count=self.count,
            preview=preview_of(first),
            **self._times(),
            **checked_fields(fields),
        )

    def _times(self) -> dict[str, datetime | None]:
        """The document's times, none of them in the future."""
        document, now = self.document, self.now
        created = document.created_at or self.oldest or now
        updated = document.updated_at or max(self.newest or created, created)
        times: dict[str, datetime | None] = {
            "created_at": created,
            "updated_at": updated,
            "last_accessed": now if document.ttl_seconds else document.last_accessed or updated,
            "archived_at": (document.archived_at or updated) if document.archived else None,
            "deleted_at": document.deleted_at,
        }
        if document.deleted_at:
            times["archived_at"] = document.archived_at
        return {name: at and min(max(at, _BEGINNING), now) for name, at in times.items()}

    def _note_lineage(self, session: Session) -> None:
        """That it came from outside, and out of which session here, if it is a copy of one that the importer has.

        An id in a file proves nothing: nobody's else session gets a child by it.
        """
        found = None
        if self.document.source == entries.SYSTEM and len(self.document.source_id) == len(str(self.session_id)):
            with suppress(SessionNotFound):
                found = session_for_reading(self.actor, self.document.source_id, include_deleted=True)
        detail = {"source": self.document.source, "source_id": source_id_of(self.document)}
        Lineage.objects.bulk_create([Lineage(parent=found, child=session, kind=LineageKind.IMPORT, detail=detail)])

    def _event_rows(self) -> Iterator[tuple[Any, ...]]:
        for event in self.document.events:
            if event.verb in _VERBS and _is_plain(event.detail):
                at = min(max(event.at, _BEGINNING), self.now)
                yield (self.session_id, event.actor, event.token, event.verb, event.detail, at, self.actor.user_id)
            else:
                self.document.tally.drop("event")

    def _place_workspace(self, session: Session, staged: StagedWorkspace | None) -> None:
        if staged is None and not session.in_trash:
            create_workspace(session.pk)
            return
        if staged is None:
            with staged_workspace() as empty:
                settle_staged_workspace(session.pk, empty, in_trash=True)
            return
        settle_staged_workspace(session.pk, staged, in_trash=session.in_trash)


def _is_plain(detail: dict[str, Any]) -> bool:
    """Whether an event's detail has the types that those who show it rely on."""
    counts = [detail[name] for name in _COUNTS_OF_EVENTS if name in detail]
    lists = [detail[name] for name in _LISTS_OF_EVENTS if name in detail]
    return all(type(count) is int for count in counts) and all(
        isinstance(words, list) and all(isinstance(word, str) for word in words) for words in lists
    )


def _portions(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """Rows in portions of some megabytes: drivers keep what they are given until it is written."""
    portion: list[tuple[Any, ...]] = []
    size = 0
    for row in rows:
        portion.append(row)
        size += len(row[_CONTENT]) + len(row[_THINKING])
        if size > _PORTION_CHARACTERS or len(portion) == _PORTION_ROWS:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def _status(document: Document) -> Status:
    return Status.DELETED if document.deleted_at else Status.ARCHIVED if document.archived else Status.ACTIVE


def _origin(message: Message) -> tuple[UUID | None, int | None]:
    """Where the message was copied from, if that can be said in an id and an index."""
    if message.origin is None:
        return None, None
    session_id, index = message.origin
    try:
        return (UUID(session_id), index) if 0 <= index < 2**31 else (None, None)
    except ValueError:
        return None, None


def kept_tags(names: list[str]) -> list[str]:
    """The tags as far as they can be kept: without commas, cut to length, each once, so many."""
    tags = {normalise_tag(name.replace(",", " "))[:MAX_TAG_LENGTH].strip() for name in names}
    return sorted(tags - {""})[:MAX_TAGS]
