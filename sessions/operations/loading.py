"""Many finished sessions at once, each with its transcript, workspace, tags and events."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import connection, transaction

from sessions.access import Actor, require_write
from sessions.models import Event, Message, Phase, Role, Session, SessionTag, Status, Tag, Verb, session_count
from sessions.models.bulk_rows import insert_rows
from sessions.operations.naming import name_from, preview_of
from sessions.operations.sessions import checked_name
from sessions.operations.tags import checked_tags
from sessions.operations.transcript import NewMessage, checked_message
from sessions.operations.values import checked_json, checked_text
from sessions.operations.workspaces import create_workspace
from sessions.search.index import sessions_follow
from sessions.storage.workspaces import move_to_trash

_SESSIONS_AT_ONCE = 2_000  # a transaction
_MESSAGES_AT_ONCE = {"sqlite": 20_000, "postgresql": 5_000}  # as many as are prepared while the ones before are indexed
_PART_MESSAGES, _PART_SESSIONS, _PARTS_AHEAD = 1_000, 200, 5
_COMPACT_EVERY = 10  # batches
_MESSAGE_VALUES = [name for name in NewMessage.__slots__ if name != "created_at"]
_MESSAGE_FIELDS = ["session", "index", "author", "created_at", *_MESSAGE_VALUES]
_message_values = attrgetter(*_MESSAGE_VALUES)
_SESSION_FIELDS = [field.name for field in Session._meta.concrete_fields]
_EVENT_FIELDS = ["session_id", "actor", "actor_name", "token_name", "verb", "detail", "at", "owner_id"]


@dataclass(slots=True)
class SessionDraft:
    """A session that is over: what it is called, when it was, and its messages, which may be a generator."""

    created_at: datetime
    messages: Iterable[NewMessage] = ()
    name: str = ""
    description: str = ""
    tags: Iterable[str] = ()
    model: str = ""
    phase: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    pinned: bool = False
    archived_at: datetime | None = None
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """How far loading has come."""

    sessions: int
    messages: int


def owner_named(username: str) -> tuple[User, bool]:
    """Return the user, and whether it was made now: without a password, so nobody can sign in as it."""
    users = get_user_model()
    with transaction.atomic():
        owner = users.objects.filter(username=username).first()
        return (owner, False) if owner else (users.objects.create_user(username), True)


def load_sessions(
    *, actor: "Actor | User", drafts: Iterable[SessionDraft], workspaces: bool = True
) -> Iterator[Loaded]:
    """Store sessions of the actor's in batches, one transaction each; yield after each how many are stored.

    A batch is all or nothing, directories included; memory grows neither with the number of
    sessions nor with a transcript's length. `workspaces=False` makes no directories. Raises
    Invalid, TooLarge, StorageError; batches before that one stay.
    """
    actor = Actor.of(actor)
    require_write(actor)
    tag_ids: dict[str, int] = {}
    waiting = _Preparation(actor).parts(drafts)
    if connection.vendor == "postgresql":  # SQLite's work is done in this process, and would wait for its turn
        waiting = _ahead(waiting)
    sessions = messages = batches = 0
    while True:
        batch = _Batch(actor, tag_ids)
        with transaction.atomic():
            batch.store(waiting, workspaces=workspaces)
        if not batch.sessions:
            break
        sessions, messages, batches = sessions + len(batch.sessions), messages + batch.messages, batches + 1
        if batches % _COMPACT_EVERY == 0:
            session_count.compact()
        yield Loaded(sessions, messages)
    session_count.compact()
    _analyse()


def _analyse() -> None:
    """Tell PostgreSQL's planner what the tables hold now; SQLite plans by the indexes alone."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for model in (Session, Message, SessionTag, Event, session_count.SessionCount):
                cursor.execute(f"ANALYZE {model._meta.db_table}")


@dataclass(slots=True)
class _Part:
    """Rows of messages, and the sessions that end with one of them. `is_whole`: no session goes on in the next part."""

    messages: list[tuple[Any, ...]] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    tagged: list[tuple[UUID, str]] = field(default_factory=list)
    events: list[tuple[Any, ...]] = field(default_factory=list)
    is_whole: bool = False


def _ahead(parts: Iterator[_Part]) -> Iterator[_Part]:
    """The same parts, prepared by a thread while the database works on those before."""
    with ThreadPoolExecutor(1) as preparing:
        waiting = deque(preparing.submit(next, parts, None) for _ in range(_PARTS_AHEAD))
        try:
            while (part := waiting.popleft().result()) is not None:
                waiting.append(preparing.submit(next, parts, None))
                yield part
        finally:
            preparing.shutdown(cancel_futures=True)


class _Preparation:
    """Makes rows of drafts, without the database. Messages go first; what is known of them is then in their session."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self._part = _Part()

    def parts(self, drafts: Iterable[SessionDraft]) -> Iterator[_Part]:
        """Check the drafts and yield their rows, a part at a time. Raises Invalid, TooLarge."""
        for draft in drafts:
            yield from self._messages_of(draft)
            if len(self._part.messages) >= _PART_MESSAGES or len(self._part.sessions) >= _PART_SESSIONS:
                yield self._finished(is_whole=True)
        yield self._finished(is_whole=True)

    def _finished(self, *, is_whole: bool) -> _Part:
        part, self._part = self._part, _Part()
        part.is_whole = is_whole
        return part

    def _messages_of(self, draft: SessionDraft) -> Iterator[_Part]:
        session_id = uuid4()
        count, first_user, newest = 0, None, draft.created_at
        for message in draft.messages:
            checked_message("message", message)
            if first_user is None and message.role == Role.USER:
                first_user = message.content
            at = message.created_at or newest
            newest = max(newest, at)
            author = self.actor.user_id if message.role in (Role.USER, Role.SYSTEM) else None
            self._part.messages.append((session_id, count, author, at, *_message_values(message)))
            count += 1
            if len(self._part.messages) > _PART_MESSAGES:
                yield self._finished(is_whole=False)
        self._add(session_id, draft, count=count, first_user=first_user or "", newest=newest)

    def _add(self, session_id: UUID, draft: SessionDraft, *, count: int, first_user: str, newest: datetime) -> None:
        tags = checked_tags(draft.tags)
        status = Status.DELETED if draft.deleted_at else Status.ARCHIVED if draft.archived_at else Status.ACTIVE
        session = Session(
            id=session_id,
            owner_id=self.actor.user_id,
            name=checked_name(draft.name) if draft.name else name_from(first_user),
            name_is_automatic=not draft.name,
            description=checked_text("description", draft.description, longest=1024),
            status=status,
            pinned=draft.pinned,
            model=checked_text("model", draft.model, longest=255),
            phase=Phase(draft.phase) if draft.phase else "",
            metadata=checked_json("metadata", draft.metadata),
            created_at=draft.created_at,
            updated_at=draft.deleted_at or draft.archived_at or newest,
            last_accessed=max(newest, draft.archived_at or newest),
            archived_at=draft.archived_at,
            deleted_at=draft.deleted_at,
            message_count=count,
            preview=preview_of(first_user),
        )
        self._part.sessions.append(session)
        self._part.tagged += [(session_id, name) for name in tags]
        self._note(session, Verb.CREATED, draft.created_at, name=session.name, messages=count)
        changes = ((Verb.PINNED, newest if draft.pinned else None), (Verb.ARCHIVED, draft.archived_at))
        for verb, at in (*changes, (Verb.TRASHED, draft.deleted_at)):
            if at is not None:
                session.version += 1
                self._note(session, verb, at)

    def _note(self, session: Session, verb: Verb, at: datetime, **detail: Any) -> None:
        actor = self.actor
        who = (actor.user_id, actor.username, actor.token_name)
        self._part.events.append((session.pk, *who, verb.value, detail, at, session.owner_id))


class _Batch:
    """What one transaction stores: parts, until they are enough and no session is cut in two."""

    def __init__(self, actor: Actor, tag_ids: dict[str, int]) -> None:
        self.actor = actor
        self.sessions: list[Session] = []
        self.messages = 0
        self._tag_ids = tag_ids
        self._tagged: list[tuple[UUID, str]] = []
        self._events: list[tuple[Any, ...]] = []

    def store(self, parts: Iterator[_Part], *, workspaces: bool) -> None:
        """Take parts until the batch is full, and write everything."""
        with sessions_follow():
            insert_rows(Message, _MESSAGE_FIELDS, self._message_rows(parts))
        insert_rows(Session, _SESSION_FIELDS, self._session_rows())
        self._make_tags()
        insert_rows(SessionTag, ["session", "tag"], ((pk, self._tag_ids[name]) for pk, name in self._tagged))
        insert_rows(Event, _EVENT_FIELDS, self._events)
        for session in self.sessions if workspaces else ():
            create_workspace(session.pk)
            if session.in_trash:
                move_to_trash(session.pk)

    def _message_rows(self, parts: Iterator[_Part]) -> Iterator[tuple[Any, ...]]:
        enough = _MESSAGES_AT_ONCE[connection.vendor]
        for part in parts:
            yield from part.messages
            self.messages += len(part.messages)
            self.sessions += part.sessions
            self._tagged += part.tagged
            self._events += part.events
            if part.is_whole and (len(self.sessions) >= _SESSIONS_AT_ONCE or self.messages >= enough):
                return

    def _session_rows(self) -> Iterator[list[Any]]:
        for session in self.sessions:
            yield [session.__dict__[field.attname] for field in Session._meta.concrete_fields]

    def _make_tags(self) -> None:
        missing = sorted({name for _, name in self._tagged} - self._tag_ids.keys())
        if missing:
            owner_id = self.actor.user_id
            Tag.objects.bulk_create([Tag(owner_id=owner_id, name=name) for name in missing], ignore_conflicts=True)
            self._tag_ids.update(Tag.objects.filter(owner_id=owner_id, name__in=missing).values_list("name", "pk"))
