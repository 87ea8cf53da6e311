"""Creating sessions and changing what is kept about them."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, Unpack
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from sessions.access import Actor, require_write, session_for_owning, session_for_writing
from sessions.exceptions import Invalid, NotAllowed
from sessions.models import Role, Session, Verb
from sessions.models.bulk_rows import insert_object
from sessions.models.tag_rows import attach_tags
from sessions.operations import audit
from sessions.operations.changing import check_version, save_changes
from sessions.operations.naming import name_from, preview_of
from sessions.operations.runs.phases import checked_phase, follow_phase, start_run
from sessions.operations.tags import checked_tags, replace_tags, tags_of
from sessions.operations.transcript import NewMessage, checked_messages, insert_messages
from sessions.operations.values import checked_json, checked_text
from sessions.operations.workspaces import create_workspace

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_TEXTS = {"name": 255, "description": 1024, "model": 255, "summary_model": 255}
_OBJECTS = ("tool_settings", "agent_settings", "context_window_config", "configuration", "metadata")
_LARGEST_TTL = 2**31 - 1
_OWNERS_ALONE = {"pinned", "ttl_seconds"}


class SessionFields(TypedDict, total=False):
    """What may be set on a session, at its creation or later. A field that isn't given stays as it is."""

    description: str
    model: str
    tool_settings: dict[str, Any]
    agent_settings: dict[str, Any]
    context_window_config: dict[str, Any]
    configuration: dict[str, Any]
    metadata: dict[str, Any]
    ttl_seconds: int | None
    phase: str
    summary: str | dict[str, Any] | None
    summary_model: str


class SessionChanges(SessionFields, total=False):
    """What may be changed on a session later."""

    name: str
    pinned: bool


def create_session(
    *,
    actor: "Actor | User",
    name: str = "",
    tags: Iterable[str] = (),
    system_prompt: str | None = None,
    system_prompt_source_file: str = "",
    messages: Sequence[NewMessage] = (),
    owner_id: int | None = None,
    **fields: Unpack[SessionFields],
) -> Session:
    """Make a session with its workspace and, if given, its first messages; return it saved.

    Without a name it is called after its first user message, "Untitled session" until there is
    one. A system prompt becomes message 0. It is the actor's own; an administrator in the admin
    may make it for somebody else. Raises Invalid, TooLarge, NotAllowed, StorageError; then neither
    row nor directory is left.
    """
    actor = Actor.of(actor)
    owner_id = allowed_owner(actor, owner_id)
    if system_prompt is not None:
        prompt = NewMessage(role=Role.SYSTEM, content=system_prompt, source_file=system_prompt_source_file)
        messages = [prompt, *messages]
    messages = checked_messages(messages)
    tags = checked_tags(tags)
    session = _unsaved(owner_id, name, messages, checked_fields(fields))
    with transaction.atomic():
        create_workspace(session.pk)
        insert_object(session)
        if tags:
            attach_tags(session.pk, owner_id, tags)
        session.loaded_tags = tags
        session.first_message_ids = insert_messages(
            session.pk, 0, messages, author_id=actor.user_id, now=session.created_at
        )
        audit.record(actor, Verb.CREATED, session.pk, name=session.name, messages=len(messages))
        if session.phase:
            start_run(session)
    return session


def _unsaved(owner_id: int, name: str, messages: Sequence[NewMessage], fields: dict[str, Any]) -> Session:
    first = next((message.content for message in messages if message.role == Role.USER), "")
    now = timezone.now()
    return Session(
        id=uuid4(),
        owner_id=owner_id,
        name=checked_name(name) if name else name_from(first),
        name_is_automatic=not name,
        preview=preview_of(first),
        created_at=now,
        updated_at=now,
        last_accessed=now,
        message_count=len(messages),
        **fields,
    )


def update_session(
    *,
    actor: "Actor | User",
    session_id: UUID | str,
    expected_version: int | None = None,
    tags: Iterable[str] | None = None,
    **changes: Unpack[SessionChanges],
) -> Session:
    """Change what is given and nothing else; return the session as it is then.

    `metadata` is merged, None removes a key. Raises SessionNotFound, StaleVersion, Invalid,
    NotAllowed. A call that changes nothing leaves the version alone.
    """
    actor = Actor.of(actor)
    load = session_for_owning if _OWNERS_ALONE & changes.keys() else session_for_writing
    with transaction.atomic():
        session = load(actor, session_id, lock=True)
        check_version(session, expected_version)
        before = {field: getattr(session, field) for field in changes}
        values = dict(changes)
        if "metadata" in values:
            values["metadata"] = _merged(session.metadata, changes["metadata"])
        changed = {field: value for field, value in checked_fields(values).items() if value != before[field]}
        if "name" in changed:
            changed["name_is_automatic"] = False
        tagged = tags is not None and replace_tags(session, tags)
        if changed or tagged:
            save_changes(session, changed)
            _record_changes(actor, session, before, changed, tagged=tagged)
            if "phase" in changed:
                follow_phase(actor, session)
    return session


def tag_session(*, actor: "Actor | User", session_id: UUID | str, tag: str) -> Session:
    """Give the session one more tag. Raises SessionNotFound, NotAllowed, Invalid."""
    return _retag(Actor.of(actor), session_id, lambda tags: {*tags, *checked_tags([tag])})


def untag_session(*, actor: "Actor | User", session_id: UUID | str, tag: str) -> Session:
    """Take one tag off the session, if it has it. Raises SessionNotFound, NotAllowed, Invalid."""
    return _retag(Actor.of(actor), session_id, lambda tags: {*tags} - {*checked_tags([tag])})


def _retag(actor: Actor, session_id: UUID | str, change: Callable[[list[str]], set[str]]) -> Session:
    """Change the tags as they are under the lock, so that two changes at once both count."""
    with transaction.atomic():
        session = session_for_writing(actor, session_id, lock=True)
        session.loaded_tags = None  # they were read beside the lock
        return update_session(actor=actor, session_id=session.pk, tags=change(tags_of(session)))


def allowed_owner(actor: Actor, owner_id: int | None = None) -> int:
    """Whose a new session is: the actor's own, or what an administrator says. Raises NotAllowed, ReadOnlyToken."""
    require_write(actor)
    if actor.only_session is not None:
        raise NotAllowed("This token opens one session only and makes no others.")
    if owner_id not in (None, actor.user_id) and not actor.acts_for_all:
        raise NotAllowed("Only administrators make sessions for somebody else.")
    return owner_id or actor.user_id


def checked_name(name: str) -> str:
    """Return the name trimmed. Raises Invalid if it is empty or too long."""
    return checked_text("name", name.strip(), longest=_TEXTS["name"], blank=False)


def checked_fields(fields: Any) -> dict[str, Any]:
    """Return the fields as they are stored. Raises Invalid for a value that breaks a rule."""
    values = dict(fields)
    for field, longest in _TEXTS.items():
        if field in values:
            values[field] = (
                checked_name(values[field]) if field == "name" else checked_text(field, values[field], longest=longest)
            )
    for field in (*_OBJECTS, "summary"):
        if field in values:
            checked_json(field, values[field])
    if values.get("ttl_seconds") is not None and not 0 < values["ttl_seconds"] <= _LARGEST_TTL:
        raise Invalid(
            "ttl_seconds is out of range.", errors=[("ttl_seconds", f"Between 1 and {_LARGEST_TTL} seconds, or null.")]
        )
    if values.get("phase"):
        values["phase"] = checked_phase(values["phase"])
    return values


def _merged(metadata: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in (metadata | changes).items() if value is not None or key not in changes}


def _record_changes(
    actor: Actor, session: Session, before: dict[str, Any], changed: dict[str, Any], *, tagged: bool
) -> None:
    """One event for each thing that people would tell as one."""
    if "name" in changed:
        audit.record(actor, Verb.RENAMED, session.pk, name=session.name, before=before["name"])
    if "pinned" in changed:
        audit.record(actor, Verb.PINNED if session.pinned else Verb.UNPINNED, session.pk)
    if tagged:
        audit.record(actor, Verb.TAGGED, session.pk, tags=tags_of(session))
    others = sorted(changed.keys() - {"name", "name_is_automatic", "pinned", "phase"})
    if others:
        audit.record(actor, Verb.UPDATED, session.pk, fields=others)
