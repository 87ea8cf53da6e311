"""Forking what is large: the worker does it, in one transaction with the note that it is done."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction

from sessions.access import Actor, session_for_reading
from sessions.models import Job, JobKind
from sessions.operations.changing import check_version
from sessions.operations.editing import user_message_at
from sessions.operations.jobs.amounts import is_much, steps_of
from sessions.operations.jobs.queue import start_job
from sessions.operations.jobs.work import Work
from sessions.operations.restructure.files import WorkspaceCopy
from sessions.operations.restructure.forking import count_up_to, fork_name, fork_session, stage_fork
from sessions.operations.restructure.making import check_size
from sessions.operations.sessions import allowed_owner, checked_fields
from sessions.operations.values import checked_content

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def is_long(
    *,
    actor: "Actor | User",
    session_id: UUID | str,
    at_index: int | None = None,
    files: bool = True,
    vectors: bool = True,
) -> bool:
    """Whether this fork takes longer than somebody likes to wait for. Raises SessionNotFound, MessageNotFound."""
    actor = Actor.of(actor)
    allowed_owner(actor)
    source = session_for_reading(actor, session_id)
    return is_much([source], messages=count_up_to(source, at_index), files=files, vectors=vectors)


def fork_later(
    *,
    actor: "Actor | User",
    session_id: UUID | str,
    at_index: int | None = None,
    name: str = "",
    files: bool = True,
    vectors: bool = True,
    content: str | None = None,
    expected_version: int | None = None,
) -> Job:
    """Start a job that forks the session. Raises what `fork_session` does before it copies anything.

    The messages that there are now come along, whatever is appended until the worker begins.
    """
    actor = Actor.of(actor)
    allowed_owner(actor)
    source = session_for_reading(actor, session_id)
    check_version(source, expected_version)
    count = count_up_to(source, at_index)
    check_size(count)
    called = checked_fields({"name": name or fork_name(source)})["name"]
    if content is not None:
        content = checked_content("content", content)
        user_message_at(source, count - 1)
    arguments = {
        "session_id": str(source.pk),
        "at_index": count - 1 if count else None,
        "name": name,
        "files": files,
        "vectors": vectors,
        "content": content,
    }
    return start_job(actor=actor, kind=JobKind.FORK, subject=f"“{source.name}” into “{called}”", arguments=arguments)


def fork(work: Work) -> dict[str, Any]:
    """Copy the files, where nothing is locked; then all else at once. An attempt that was cut off left nothing."""
    actor, asked = work.actor(), work.job.arguments
    what = {"files": asked["files"], "vectors": asked["vectors"]}
    source = session_for_reading(actor, asked["session_id"])
    work.advance(0, steps_of([source], messages=count_up_to(source, asked["at_index"]), **what))
    with WorkspaceCopy(work.step) as workspace:
        stage_fork(workspace, actor=actor, session_id=source.pk, **what)
        with transaction.atomic():
            made = fork_session(actor=work.actor(), workspace=workspace, step=work.step, **asked)
            result = {"session_id": str(made.pk), "messages": made.message_count}
            work.conclude(result)
    return result
