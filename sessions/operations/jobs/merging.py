"""Merging much: the worker does it, in one transaction with the note that it is done."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction

from sessions.access import Actor
from sessions.models import Job, JobKind
from sessions.operations.jobs.amounts import is_much, steps_of
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

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def is_long(*, actor: "Actor | User", source_session_ids: Sequence[UUID | str], vectors: bool = True) -> bool:
    """Whether merging these takes longer than somebody likes to wait for. Raises as `mergeable_sessions`."""
    actor = Actor.of(actor)
    allowed_owner(actor)
    sources = mergeable_sessions(actor, source_session_ids)
    return is_much(sources, messages=sum(source.message_count for source in sources), vectors=vectors)


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
    work.advance(0, steps_of(sources, messages=sum(source.message_count for source in sources), vectors=vectors))
    with WorkspaceCopy(work.step) as workspace:
        stage_merge(workspace, actor=actor, source_session_ids=ids, vectors=vectors)
        with transaction.atomic():
            merged = merge_sessions(actor=work.actor(), workspace=workspace, step=work.step, **asked)
            result = {"session_id": str(merged.pk), "sources": len(sources)}
            work.conclude(result)
    return result
