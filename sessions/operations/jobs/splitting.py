"""Splitting what is large: the worker does it, in one transaction with the note that it is done."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import fields
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction

from sessions.access import Actor, session_for_owning
from sessions.models import Job, JobKind, Session
from sessions.operations.changing import check_version
from sessions.operations.jobs.amounts import is_much, steps_of
from sessions.operations.jobs.queue import start_job
from sessions.operations.jobs.work import Work
from sessions.operations.restructure.making import check_size
from sessions.operations.restructure.splitting import Part, check_parts, ranges_of, split_session, stage_split
from sessions.operations.sessions import allowed_owner, checked_fields
from sessions.operations.tags import checked_tags

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def is_long(*, actor: "Actor | User", session_id: UUID | str, parts: Sequence[Part]) -> bool:
    """Whether this split takes longer than somebody likes to wait for. Raises what `split_session` does at once.

    Of files and points counts what the session has, if any are wanted: they are looked through for each part.
    """
    actor = Actor.of(actor)
    allowed_owner(actor)
    check_parts(parts)
    source = session_for_owning(actor, session_id)
    files, vectors = any(part.files for part in parts), any(part.point_ids for part in parts)
    return is_much([source], messages=_messages_of(source, parts), files=files, vectors=vectors)


def split_later(
    *,
    actor: "Actor | User",
    session_id: UUID | str,
    parts: Sequence[Part],
    archive_original: bool = False,
    remove_points: bool = True,
    expected_version: int | None = None,
) -> Job:
    """Start a job that splits the session. Raises what `split_session` does before it copies anything."""
    actor = Actor.of(actor)
    allowed_owner(actor)
    check_parts(parts)
    source = session_for_owning(actor, session_id)
    check_version(source, expected_version)
    check_size(_messages_of(source, parts))
    for part in parts:
        checked_fields({"name": part.name, "description": part.description, "metadata": part.metadata})
    arguments = {
        "session_id": str(source.pk),
        "parts": [_kept(part) for part in parts],
        "archive_original": archive_original,
        "remove_points": remove_points,
    }
    subject = f"“{source.name}” into {len(parts)} session{'s' if len(parts) > 1 else ''}"
    return start_job(actor=actor, kind=JobKind.SPLIT, subject=subject, arguments=arguments)


def split(work: Work) -> dict[str, Any]:
    """Copy the files, where nothing is locked; then all else at once. An attempt that was cut off left nothing."""
    actor, asked = work.actor(), dict(work.job.arguments)
    parts = [_part(kept) for kept in asked.pop("parts")]
    source = session_for_owning(actor, asked["session_id"])
    rows = _messages_of(source, parts) + sum(len(part.point_ids) for part in parts)
    work.advance(0, steps_of([source], messages=rows, files=any(part.files for part in parts), vectors=False))
    with ExitStack() as stack:
        workspaces = stage_split(stack, actor=actor, session_id=source.pk, parts=parts, step=work.step)
        with transaction.atomic():
            made = split_session(actor=work.actor(), parts=parts, workspaces=workspaces, step=work.step, **asked)
            result = {
                "source_session_id": str(source.pk),
                "session_ids": [str(session.pk) for session in made.sessions],
                "assigned_points": made.assigned_points,
                "removed_points": made.removed_points,
            }
            work.conclude(result)
    return result


def _messages_of(source: Session, parts: Sequence[Part]) -> int:
    return sum(last - first + 1 for part in parts for first, last in ranges_of(part, source))


def _kept(part: Part) -> dict[str, Any]:
    """A part as a job keeps it."""
    kept = {field.name: getattr(part, field.name) for field in fields(part)}
    point_ids = [point_id if isinstance(point_id, int) else str(point_id) for point_id in part.point_ids]
    return kept | {"tags": None if part.tags is None else checked_tags(part.tags), "point_ids": point_ids}


def _part(kept: dict[str, Any]) -> Part:
    """The part that was kept."""
    point_ids = [point_id if isinstance(point_id, int) else UUID(point_id) for point_id in kept["point_ids"]]
    return Part(**kept | {"point_ids": point_ids})
