"""Forks: a session goes on from one of its messages, in a session of one's own."""

from contextlib import ExitStack
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from django.db import transaction

from sessions.access import Actor, session_for_reading
from sessions.exceptions import MessageNotFound
from sessions.models import LineageKind, Session
from sessions.models.transcript_copies import copy_messages
from sessions.operations.changing import check_version
from sessions.operations.editing import edit_message
from sessions.operations.restructure.files import WorkspaceCopy
from sessions.operations.restructure.making import check_size, insert_session, kept_fields, note_lineage, shortened
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
    expected_version: int | None = None,
    workspace: WorkspaceCopy | None = None,
) -> Session:
    """Copy the transcript up to a message, that one included, into a new session of the actor's; return it.

    Without `at_index` it is the whole transcript, without `name` the old one's with "(fork)". `files` copies the
    workspace and `vectors` the points, which `stage_fork` may have done already: then they are in `workspace`. The fork
    is active and has no run; description, settings, metadata and tags are the session's. Whoever may read may fork.
    Raises SessionNotFound, MessageNotFound, StaleVersion, NotAllowed, Invalid, TooLarge, StorageError,
    VectorStoreError; nothing is left then.
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
            fork = _copy(actor, source, count_up_to(source, at_index), name, owner_id)
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


def _copy(actor: Actor, source: Session, count: int, name: str, owner_id: int) -> Session:
    check_size(count)
    fork_id = uuid4()
    fields = kept_fields(source) | {field: getattr(source, field) for field in _COPIED}
    if count == source.message_count:  # a summary tells of the whole
        fields |= {"summary": source.summary, "summary_model": source.summary_model}
    fork = insert_session(
        fork_id,
        owner_id=owner_id,
        name=name or fork_name(source),
        message_count=copy_messages(source.pk, fork_id, count=count),
        tags=tags_of(source),
        **fields,
    )
    note_lineage(actor, LineageKind.FORK, parents=[source], child=fork, **({"at_index": count - 1} if count else {}))
    return fork


def fork_name(session: Session) -> str:
    """What a fork is called if nobody says otherwise."""
    return shortened(session.name, " (fork)")


def edit_in_fork(
    *,
    actor: "Actor | User",
    session_id: UUID | str,
    index: int,
    content: str,
    name: str = "",
    files: bool = True,
    expected_version: int | None = None,
) -> Session:
    """Edit a user message in a fork that ends with it, so that the session stays as it is; return the fork.

    Raises as `fork_session` and `edit_message`; nothing is left then.
    """
    actor = Actor.of(actor)
    with WorkspaceCopy() as workspace:
        stage_fork(workspace, actor=actor, session_id=session_id, files=files)
        with transaction.atomic():
            fork = fork_session(
                actor=actor,
                session_id=session_id,
                at_index=index,
                name=name,
                expected_version=expected_version,
                workspace=workspace,
            )
            return edit_message(actor=actor, session_id=fork.pk, index=index, content=content)
