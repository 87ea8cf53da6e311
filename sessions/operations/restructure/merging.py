"""Merging: the transcripts, files and vectors of several sessions in one new session."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction

from sessions.access import Actor, session_for_owning
from sessions.exceptions import Impossible, Invalid
from sessions.models import LineageKind, Session
from sessions.models.transcript_copies import copy_interleaved
from sessions.operations.lifecycle import archive_session
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
from sessions.operations.tags import MAX_TAGS, checked_tags, tags_of
from sessions.storage.workspaces import CONTENT

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MAX_SOURCES = 50
_CONTENT = CONTENT.encode() + b"/"


class Order(StrEnum):
    """How the messages of several sessions follow each other."""

    SEQUENCE = "sequence"
    TIME = "time"


def merge_sessions(
    *,
    actor: "Actor | User",
    source_session_ids: Sequence[UUID | str],
    target_name: str = "",
    target_description: str = "",
    tags: Iterable[str] = (),
    metadata: dict[str, Any] | None = None,
    order: Order = Order.SEQUENCE,
    archive_sources: bool = True,
    vectors: bool = True,
    workspace: WorkspaceCopy | None = None,
    step: Callable[[int], object] = lambda _: None,
) -> Session:
    """Make one session of 2 to 50 of the actor's own; return it.

    Messages follow each other source by source, or by time. Files land in `content/<short_id of the source>/`, tags
    are the union, settings are the first source's; of two points with one id the later source's gets a new id. Sources
    stay, archived unless told otherwise. `workspace` has been filled by `stage_merge`, if given; `step` is told how
    many messages more are copied. Raises Impossible, Invalid, SessionNotFound, NotAllowed, TooLarge, StorageError,
    VectorStoreError, and what `step` raises; nothing is left then.
    """
    actor = Actor.of(actor)
    owner_id, own_tags = allowed_owner(actor), checked_tags(tags)
    with ExitStack() as stack:
        if workspace is None:
            workspace = stack.enter_context(WorkspaceCopy())
            stage_merge(workspace, actor=actor, source_session_ids=source_session_ids, vectors=vectors)
        with transaction.atomic():
            sources, merged_id = _locked(actor, mergeable_sessions(actor, source_session_ids)), uuid4()
            merged = insert_session(
                merged_id,
                owner_id=owner_id,
                name=target_name or merged_name(sources),
                copy=lambda: _copy(sources, merged_id, order, step),
                tags=union_of_tags(own_tags, sources),
                description=target_description,
                metadata=metadata or {},
                **kept_fields(sources[0]),
            )
            note_lineage(actor, LineageKind.MERGE, parents=sources, child=merged, order=order.value)
            for source in sources if archive_sources else ():
                archive_session(actor=actor, session_id=source.pk)
            workspace.settle(merged.pk)
    return merged


def stage_merge(
    workspace: WorkspaceCopy, *, actor: "Actor | User", source_session_ids: Sequence[UUID | str], vectors: bool = True
) -> None:
    """Copy the sources' files and vectors for `merge_sessions`, before anything is locked. Raises as it does."""
    actor = Actor.of(actor)
    allowed_owner(actor)
    for source in mergeable_sessions(actor, source_session_ids):
        workspace.add(source.pk, to=place_of(source), quota=settings.WORKSPACE_QUOTA_BYTES)
        if vectors:
            workspace.vectors.add(source.pk)
    workspace.flush()


def mergeable_sessions(actor: Actor, source_session_ids: Sequence[UUID | str]) -> list[Session]:
    """The sources in their order. Raises Impossible unless they are two or more, Invalid, SessionNotFound, TooLarge."""
    if len(source_session_ids) < 2:
        raise Impossible("Merging takes two sessions or more. To go on from one, fork it.")
    if len(source_session_ids) > MAX_SOURCES:
        raise Invalid("Too many sessions.", errors=[("source_session_ids", f"At most {MAX_SOURCES} at once.")])
    sources = [session_for_owning(actor, session_id) for session_id in source_session_ids]
    if len({source.pk for source in sources}) < len(sources):
        raise Impossible("One of the sessions is named twice. Name each once.")
    check_size(sum(source.message_count for source in sources))
    return sources


def place_of(source: Session) -> Callable[[bytes], bytes]:
    """Where files of a source land: what is in `content/` in a directory of the source's there, the rest beside it."""
    directory = source.short_id.encode() + b"/"

    def place(path: bytes) -> bytes:
        if path.startswith(_CONTENT):
            return _CONTENT + directory + path.removeprefix(_CONTENT)
        return directory + path

    return place


def merged_name(sources: Sequence[Session]) -> str:
    """What a merge is called if nobody says otherwise."""
    more = len(sources) - 1
    return shortened(sources[0].name, f" and {more} other{'s' if more > 1 else ''}")


def union_of_tags(own: Sequence[str], sources: Iterable[Session]) -> list[str]:
    """Own tags and those of the sources, in their order as many as a session may have."""
    union = dict.fromkeys([*own, *(tag for source in sources for tag in tags_of(source))])
    return sorted(list(union)[:MAX_TAGS])


def _locked(actor: Actor, sources: Sequence[Session]) -> list[Session]:
    """The sources as they are now, locked in the order of their ids: two merges don't block each other."""
    by_id = {pk: session_for_owning(actor, pk, lock=True) for pk in sorted(source.pk for source in sources)}
    locked = [by_id[source.pk] for source in sources]
    check_size(sum(source.message_count for source in locked))
    return locked


def _copy(sources: Sequence[Session], merged_id: UUID, order: Order, step: Callable[[int], object]) -> int:
    if order == Order.TIME:
        count = copy_interleaved([source.pk for source in sources], merged_id)
        step(count)
        return count
    count = 0
    for source in sources:
        count += copy_transcript(source.pk, merged_id, count=source.message_count, to=count, step=step)
    return count
