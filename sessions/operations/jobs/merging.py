"""Merging much: the worker does it, in one transaction with the note that it is done."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction

from sessions.access import Actor
from sessions.models import Job, JobKind, Session
from sessions.models.vector_rows import read_collection
from sessions.operations.jobs.queue import start_job
from sessions.operations.jobs.work import Work
from sessions.operations.restructure.files import WorkspaceCopy
from sessions.operations.restructure.merging import (
    Order,
    merge_sessions,
    mergeable_sessions,
    merged_name,
    stage_merge,
)
from sessions.operations.sessions import allowed_owner, checked_fields
from sessions.operations.tags import checked_tags
from sessions.storage.disk_use import DiskUse, disk_use, sum_of

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MANY_MESSAGES = 50_000
MANY_POINTS = 20_000
MANY_FILES = 5_000
MANY_BYTES = 512 * 2**20


def is_long(*, actor: "Actor | User", source_session_ids: Sequence[UUID | str], vectors: bool = True) -> bool:
    """Whether merging these takes longer than somebody likes to wait for. Raises as `mergeable_sessions`."""
    actor = Actor.of(actor)
    allowed_owner(actor)
    sources = mergeable_sessions(actor, source_session_ids)
    if sum(source.message_count for source in sources) > MANY_MESSAGES:
        return True
    if vectors:
        found = (read_collection(source.pk) for source in sources)
        if sum(collection.point_count for collection in found if collection) > MANY_POINTS:
            return True
    use = _use_of(sources, most=2 * MANY_FILES)
    return use.files > MANY_FILES or use.size > MANY_BYTES or not use.is_whole


def merge_later(
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
) -> Job:
    """Start a job that merges these sessions. Raises what `merge_sessions` does before it copies anything."""
    actor = Actor.of(actor)
    allowed_owner(actor)
    sources = mergeable_sessions(actor, source_session_ids)
    name = target_name or merged_name(sources)
    metadata = metadata or {}
    checked_fields({"name": name, "description": target_description, "metadata": metadata})
    arguments = {
        "source_session_ids": [str(source.pk) for source in sources],
        "target_name": target_name,
        "target_description": target_description,
        "tags": checked_tags(tags),
        "metadata": metadata,
        "order": order.value,
        "archive_sources": archive_sources,
        "vectors": vectors,
    }
    return start_job(
        actor=actor, kind=JobKind.MERGE, subject=f"{len(sources)} sessions into “{name}”", arguments=arguments
    )


def merge(work: Work) -> dict[str, Any]:
    """Copy the files, where nothing is locked; then all else at once. An attempt that was cut off left nothing."""
    actor, asked = work.actor(), dict(work.job.arguments)
    asked["order"] = Order(asked["order"])
    vectors, ids = asked.pop("vectors"), asked["source_session_ids"]
    sources = mergeable_sessions(actor, ids)
    work.advance(0, _use_of(sources).files + sum(source.message_count for source in sources))
    with WorkspaceCopy(work.step) as workspace:
        stage_merge(workspace, actor=actor, source_session_ids=ids, vectors=vectors)
        with transaction.atomic():
            merged = merge_sessions(actor=work.actor(), workspace=workspace, step=work.step, **asked)
            result = {"session_id": str(merged.pk), "sources": len(sources)}
            work.conclude(result)
    return result


def _use_of(sources: Sequence[Session], **options: Any) -> DiskUse:
    return sum_of(disk_use(source.pk, with_index=False, **options) for source in sources)
