"""Forks: a session goes on from one of its messages, in a session of one's own."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from django.db import transaction

from sessions.access import Actor, session_for_reading
from sessions.exceptions import MessageNotFound
from sessions.models import LineageKind, Session
from sessions.operations.changing import check_version
from sessions.operations.editing import edit_message
from sessions.operations.restructure.files import WorkspaceCopy
from sessions.operations.restructure.making import (
    check_size,
    copy_transcript,
    insert_session,
    kept_fields,
    note_lineage,
    shortened,
)
from sessions.operations.sessions import allowed_owner
from sessions.operations.tags import tags_of

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_COPIED = ("description", "metadata", "ttl_seconds")


def fork_session(
    *,
    actor: "Actor | User",
    session_id: UUID | str,
    at_index: int | None = None,
    name: str = "",
    files: bool = True,
    vectors: bool = True,
    content: str | None = None,
    expected_version: int | None = None,
    workspace: WorkspaceCopy | None = None,
    step: Callable[[int], object] = lambda _: None,
) -> Session:
    """Copy the transcript up to a message, that one included, into a new session of the actor's; return it.

    Without `at_index` it is the whole transcript, without `name` the old one's with "(fork)". `files` copies the
    workspace and `vectors` the points, which `stage_fork` may have done already: then they are in `workspace`. With
    `content` the fork's last message, which must be a user's, is edited there. The fork is active and has no run;
    description, settings, metadata and tags are the session's. Whoever may read may fork. `step` is told how many
    messages more are copied. Raises SessionNotFound, MessageNotFound, NotAUserMessage, StaleVersion, NotAllowed,
    Invalid, TooLarge, StorageError, VectorStoreError, and what `step` raises; nothing is left then.
    """
    actor = Actor.of(actor)
    owner_id = allowed_owner(actor)
    with ExitStack() as stack:
        if workspace is None:
            workspace = stack.enter_context(WorkspaceCopy())
            stage_fork(workspace, actor=actor, session_id=session_id, files=files, vectors=vectors)
        with transaction.atomic():
            source = session_for_reading(actor, session_id, lock=True)
            check_version(source, expected_version)
            fork = _copy(actor, source, count_up_to(source, at_index), name, owner_id, step)
            if content is not None:
                fork = edit_message(actor=actor, session_id=fork.pk, index=fork.message_count - 1, content=content)
            workspace.settle(fork.pk)
    return fork


def stage_fork(
    workspace: WorkspaceCopy,
    *,
    actor: "Actor | User",
    session_id: UUID | str,
    files: bool = True,
    vectors: bool = True,
) -> None:
    """Copy the session's files and vectors for `fork_session`, before anything is locked. Raises as it does."""
    actor = Actor.of(actor)
    allowed_owner(actor)
    source = session_for_reading(actor, session_id)
    if files:
        workspace.add(source.pk)
        workspace.flush()
    if vectors:
        workspace.vectors.add(source.pk)


def count_up_to(session: Session, at_index: int | None) -> int:
    """How many messages there are up to an index, that one included. Raises MessageNotFound beyond the end."""
    if at_index is None:
        return session.message_count
    if not 0 <= at_index < session.message_count:
        raise MessageNotFound(
            f"The transcript has {session.message_count} messages; there is none with index {at_index}.",
            session_id=str(session.pk),
            message_count=session.message_count,
        )
    return at_index + 1


def _copy(
    actor: Actor, source: Session, count: int, name: str, owner_id: int, step: Callable[[int], object]
) -> Session:
    check_size(count)
    fork_id = uuid4()
    fields = kept_fields(source) | {field: getattr(source, field) for field in _COPIED}
    if count == source.message_count:  # a summary tells of the whole
        fields |= {"summary": source.summary, "summary_model": source.summary_model}
    fork = insert_session(
        fork_id,
        owner_id=owner_id,
        name=name or fork_name(source),
        copy=lambda: copy_transcript(source.pk, fork_id, count=count, step=step),
        tags=tags_of(source),
        **fields,
    )
    note_lineage(actor, LineageKind.FORK, parents=[source], child=fork, **({"at_index": count - 1} if count else {}))
    return fork


def fork_name(session: Session) -> str:
    """What a fork is called if nobody says otherwise."""
    return shortened(session.name, " (fork)")
