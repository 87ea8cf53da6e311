"""What fork, merge and split have in common: the row of the new session, its past, and the limits."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from sessions.access import Actor
from sessions.exceptions import TooLarge
from sessions.models import Lineage, LineageKind, Message, Role, Session, Verb
from sessions.models.bulk_rows import insert_object
from sessions.models.tag_rows import attach_tags
from sessions.models.transcript_copies import copy_messages
from sessions.operations import audit
from sessions.operations.naming import preview_of
from sessions.operations.sessions import checked_fields
from sessions.operations.statistics import add_up_statistics

MAX_MESSAGES = 1_000_000
PORTION = 10_000  # messages
_LONGEST_NAME = 255
_KEPT = ("model", "tool_settings", "agent_settings", "context_window_config", "configuration")

_VERBS = {LineageKind.FORK: Verb.FORKED, LineageKind.MERGE: Verb.MERGED, LineageKind.SPLIT: Verb.SPLIT}


def kept_fields(session: Session) -> dict[str, Any]:
    """What a new session takes over: with which model and which tools the work goes on."""
    return {name: getattr(session, name) for name in _KEPT}


def shortened(name: str, ending: str) -> str:
    """A name with an ending, cut in the middle if it would be too long."""
    room = _LONGEST_NAME - len(ending)
    return (name if len(name) <= room else name[: room - 1].rstrip() + "…") + ending


def check_size(messages: int) -> None:
    """Raise TooLarge for more messages than a session made of others may have."""
    if messages > MAX_MESSAGES:
        raise TooLarge(
            f"It would have {messages} messages, and at most {MAX_MESSAGES} can be copied at once.", limit=MAX_MESSAGES
        )


def copy_transcript(
    source_id: UUID,
    target_id: UUID,
    *,
    count: int,
    first: int = 0,
    to: int = 0,
    step: Callable[[int], object] = lambda _: None,
) -> int:
    """Copy `count` messages from `first` on to the indexes from `to` on; return how many they were.

    `step` is told after each portion how many it had; what it raises ends the copying.
    """
    copied = 0
    for start in range(0, count, PORTION):
        portion = min(PORTION, count - start)
        portion = copy_messages(source_id, target_id, first=first + start, count=portion, to=to + start)
        copied += portion
        step(portion)
    return copied


def insert_session(
    session_id: UUID, *, owner_id: int, name: str, copy: Callable[[], int], tags: Sequence[str], **fields: Any
) -> Session:
    """Write the row of a session, then its messages by `copy`, which says how many they were. Raises Invalid.

    In this order the search takes up portion after portion; a row that comes last has it take up all at once.
    """
    now = timezone.now()
    session = Session(
        id=session_id,
        owner_id=owner_id,
        created_at=now,
        updated_at=now,
        last_accessed=now,
        **checked_fields(fields | {"name": name}),
    )
    insert_object(session)
    session.message_count = copy()
    first = Message.objects.of(session_id).filter(role=Role.USER).values_list("content", flat=True).first()
    session.preview = preview_of(first or "")
    session.save(update_fields=["message_count", "preview"])
    if tags:
        attach_tags(session_id, owner_id, tags)
    session.loaded_tags = list(tags)
    return session


def note_lineage(actor: Actor, kind: LineageKind, *, parents: Iterable[Session], child: Session, **detail: Any) -> None:
    """Keep where the child comes from, and tell it in the history of both sides."""
    parents = list(parents)
    Lineage.objects.bulk_create([Lineage(parent=parent, child=child, kind=kind, detail=detail) for parent in parents])
    if kind == LineageKind.MERGE:
        add_up_statistics(child.pk, [parent.pk for parent in parents])
    verb = _VERBS[kind]
    audit.record(
        actor, verb, child.pk, sources=[str(parent.pk) for parent in parents], messages=child.message_count, **detail
    )
    for parent in parents:
        audit.record(actor, verb, parent.pk, into=str(child.pk))
