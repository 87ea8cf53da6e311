"""Exporting sessions: streamed, so that memory doesn't grow with a session's size or their number."""

import re
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from uuid import UUID

import orjson
from django.db import transaction

from sessions.access import (
    Actor,
    is_still_let_in,
    may_still_read,
    session_for_reading,
    visible_sessions,
    while_let_in,
)
from sessions.exceptions import Invalid, SessionNotFound
from sessions.formats import entries
from sessions.formats.document import Document, Event, Message, Point, Revision, Vectors, WorkspaceFile
from sessions.formats.recognition import CONTENT_TYPES, SUFFIXES, WRITERS, check_writable
from sessions.formats.values import clean
from sessions.formats.zip_stream import ZipStream
from sessions.models import Event as EventRow
from sessions.models import Message as MessageRow
from sessions.models import Revision as RevisionRow
from sessions.models import Session, Status
from sessions.models.vector_collection import point_id_of
from sessions.operations.bulk import MAX_SESSIONS
from sessions.operations.tags import tags_of
from sessions.operations.transfer.progress import progress_of
from sessions.operations.transfer.statistics import statistics_of
from sessions.operations.vectors.copying import VectorCopy
from sessions.storage.reading import FoundFile, workspace_files

if TYPE_CHECKING:
    from django.contrib.auth.models import User

DEFAULT_FORMAT = "researchmind"
_AT_ONCE = 500  # rows
_ATTEMPTS = 3
_COPIED = (
    "name", "name_is_automatic", "description", "model", "pinned", "summary", "summary_model", "tool_settings",
    "agent_settings", "context_window_config", "configuration", "metadata", "ttl_seconds", "phase", "created_at",
    "updated_at", "last_accessed", "archived_at", "deleted_at", "message_count",
)  # fmt: skip
_MESSAGE_COLUMNS = (
    "role", "content", "created_at", "edited_at", "model", "thinking", "tool_name", "tool_calls", "tool_call_id",
    "source_file", "prompt_eval_count", "eval_count", "metadata",
)  # fmt: skip

_SELECTED = (*_MESSAGE_COLUMNS, "author__username", "origin_session", "origin_index")


@dataclass(frozen=True, slots=True)
class Export:
    """A file on its way out. `chunks` is read once, and reads the database and the disk as it goes.

    It breaks off with NotAllowed when the actor is let out meanwhile.
    """

    file_name: str
    content_type: str
    chunks: Iterator[bytes]

    def begun(self) -> Iterator[bytes]:
        """The chunks, once the first of them is made: what goes wrong before can still be told."""
        return chain([next(self.chunks, b"")], self.chunks)


def export_session(
    *, actor: "Actor | User", session_id: UUID | str, format: str = DEFAULT_FORMAT, vectors: bool = True
) -> Export:
    """One session as a file, with its vectors where the format keeps them, unless they are left out.

    Raises SessionNotFound, Invalid for a format that isn't written; reading the chunks raises VectorStoreError.
    """
    actor = Actor.of(actor)
    check_writable(format)
    session = session_for_reading(actor, session_id)
    chunks = while_let_in(_session_chunks(session, format, vectors=vectors), partial(may_still_read, actor, session.pk))
    return Export(_file_name(session, format), CONTENT_TYPES[SUFFIXES[format]], chunks)


def export_sessions(
    *,
    actor: "Actor | User",
    session_ids: Sequence[UUID | str] | None = None,
    format: str = DEFAULT_FORMAT,
    vectors: bool = True,
) -> Export:
    """Chosen sessions, or everything that the actor owns, trash included, as a zip with a file for each.

    The zip can be imported as a whole. Raises SessionNotFound if a chosen one isn't there, Invalid.
    """
    actor = Actor.of(actor)
    check_writable(format)
    if session_ids is not None and len(session_ids) > MAX_SESSIONS:
        raise Invalid("Too many sessions.", errors=[("session_ids", f"At most {MAX_SESSIONS} at once.")])
    if session_ids is None:
        chosen = _all_of(actor)
    else:
        chosen = iter([session_for_reading(actor, session_id).pk for session_id in dict.fromkeys(session_ids)])
    chunks = while_let_in(_zip_chunks(actor, chosen, format, vectors=vectors), partial(is_still_let_in, actor))
    return Export("researchmind-sessions.zip", CONTENT_TYPES["zip"], chunks)


def _all_of(actor: Actor) -> Iterator[UUID]:
    """The ids of everything that the actor owns, by pages of the primary key."""
    owned = visible_sessions(actor).filter(owner_id=actor.user_id).order_by("pk")
    last: UUID | None = None
    while page := list((owned.filter(pk__gt=last) if last else owned).values_list("pk", flat=True)[:_AT_ONCE]):
        yield from page
        last = page[-1]


def _zip_chunks(actor: Actor, session_ids: Iterator[UUID], form: str, *, vectors: bool) -> Iterator[bytes]:
    out = ZipStream()
    for session_id in session_ids:
        try:
            session = session_for_reading(actor, session_id, include_deleted=True)
        except SessionNotFound:
            continue  # purged meanwhile
        name = _file_name(session, form)
        chunks = _session_chunks(session, form, vectors=vectors)
        yield from out.add(name, chunks) if SUFFIXES[form] == "zip" else out.add_text(name, chunks)
    yield from out.finish()


def _session_chunks(session: Session, form: str, *, vectors: bool) -> Iterator[bytes]:
    """The session in a format, from a snapshot of its transcript; everything that can fail is read before it begins."""
    with tempfile.TemporaryFile() as spool, VectorCopy() as copied:
        document = _snapshot(session, cast("BinaryIO", spool), form)
        if vectors and form == DEFAULT_FORMAT:
            copied.add(session.pk)
            document.vectors = _vectors(copied)
        yield from WRITERS[form](document)


def _vectors(copied: VectorCopy) -> Vectors | None:
    if not copied.count:
        return None
    points = (Point(point_id_of(point.key), point.vector, point.payload) for point in copied.points())
    return Vectors(copied.size, copied.distance.value, points)


def _snapshot(session: Session, spool: BinaryIO, form: str) -> Document:
    """The session with a transcript that it had at one moment, however long writing it takes.

    Messages are copied to a file of their own; when the session has changed meanwhile, again. In
    the end its row is locked for as long as that takes.
    """
    for _ in range(_ATTEMPTS):
        _copy_messages(session, spool)
        current = Session.objects.filter(pk=session.pk).first()
        if current is None:
            raise SessionNotFound(session.pk)
        if current.version == session.version:
            return _document(session, spool, form)
        session = current
    with transaction.atomic():
        locked = Session.objects.select_for_update().filter(pk=session.pk).first()
        if locked is None:
            raise SessionNotFound(session.pk)
        _copy_messages(locked, spool)
    return _document(locked, spool, form)


def _copy_messages(session: Session, spool: BinaryIO) -> None:
    spool.seek(0)
    spool.truncate()
    rows = MessageRow.objects.of(session.pk).values("index", *_SELECTED)
    for start in range(0, session.message_count, _AT_ONCE):
        for row in rows.filter(index__gte=start, index__lt=min(start + _AT_ONCE, session.message_count)):
            line = orjson.dumps(entries.message_object(_message(row), row["index"]), option=orjson.OPT_UTC_Z)
            spool.write(line + b"\n")
    spool.seek(0)


def _message(row: dict[str, Any]) -> Message:
    origin = row["origin_session"]
    return Message(
        **{name: row[name] for name in _MESSAGE_COLUMNS},
        author=row["author__username"] or "",
        origin=None if origin is None else (str(origin), row["origin_index"]),
    )


def _revisions(session: Session) -> Iterator[Revision]:
    """What edits replaced, the oldest first."""
    for row in session.revisions.order_by("number"):
        yield Revision(row.number, row.first_index, row.reason, row.created_at, _revision_messages(row))


def _revision_messages(revision: RevisionRow) -> Iterator[Message]:
    rows = revision.messages.order_by("position").values(*_SELECTED)
    for start in range(0, revision.message_count, _AT_ONCE):
        yield from map(_message, rows.filter(position__gte=start, position__lt=start + _AT_ONCE))


def _document(session: Session, spool: BinaryIO, form: str) -> Document:
    session.loaded_tags = None
    document = Document(
        source=entries.SYSTEM,
        source_id=str(session.pk),
        tags=tags_of(session),
        archived=session.status == Status.ARCHIVED,
        messages=(entries.message_of(orjson.loads(line)) for line in spool),
        events=_events(session),
        revisions=_revisions(session),
        progress=progress_of(session.pk) if form == DEFAULT_FORMAT else None,
        statistics=statistics_of(session.pk) if form == DEFAULT_FORMAT else None,
    )
    for name in _COPIED:
        setattr(document, name, getattr(session, name))
    document.files = _files(session, document)
    return document


def _events(session: Session) -> Iterator[Event]:
    """The session's history, the oldest first, by pages."""
    last = 0
    rows = EventRow.objects.filter(session_id=session.pk).order_by("id")
    while page := list(rows.filter(pk__gt=last)[:_AT_ONCE]):
        for row in page:
            yield Event(row.verb, row.at, row.actor_name, row.token_name, clean(row.detail))
        last = page[-1].pk


def _files(session: Session, document: Document) -> Iterator[WorkspaceFile]:
    for found in workspace_files(session.pk, in_trash=session.in_trash):
        if found.left_out:
            document.tally.drop(found.left_out)
        else:
            yield _file(found)


def _file(found: FoundFile) -> WorkspaceFile:
    file = found.file
    return WorkspaceFile(found.path, found.size, None if file is None else lambda: file)


def _file_name(session: Session, form: str) -> str:
    """A name that every system takes: the session's in ASCII, and its short id."""
    plain = unicodedata.normalize("NFKD", session.name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].rstrip("-")
    return f"{slug or 'session'}-{session.short_id}.{SUFFIXES[form]}"
