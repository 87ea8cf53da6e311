"""Indexing a workspace: the worker runs `mcp-vector-search` in it (docs/decisions/0021-indexing.md)."""

import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction

from sessions.access import Actor, session_for_writing
from sessions.exceptions import (
    IndexerNotInstalled,
    IndexingFailed,
    NotAllowed,
    SessionNotActive,
    SessionNotFound,
    StorageError,
)
from sessions.models import Job, JobKind, JobState, Verb
from sessions.operations import audit
from sessions.operations.changing import check_active, check_version
from sessions.operations.jobs.queue import start_job, stop_job
from sessions.operations.jobs.work import Work
from sessions.operations.workspaces import clear_up_after_program
from sessions.storage import indexing

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_SHOW_SECONDS = 0.5
_LOOK_SECONDS = 1.0

logger = structlog.get_logger(__name__)


def index_later(*, actor: "Actor | User", session_id: UUID | str, expected_version: int | None = None) -> Job:
    """Start a job that indexes the session's workspace, or return the one that waits or is under way.

    Raises SessionNotFound, RoleTooLow, SessionNotActive, StaleVersion, and IndexerNotInstalled.
    """
    actor = Actor.of(actor)
    with transaction.atomic():
        session = session_for_writing(actor, session_id, lock=True)
        check_active(session)
        check_version(session, expected_version)
        indexing.command()
        going = None
        while going is None:
            try:
                with transaction.atomic():
                    job = start_job(actor=actor, kind=JobKind.INDEX, subject=f"“{session.name}”", session_id=session.pk)
                audit.record(actor, Verb.INDEXING_STARTED, session.pk)
                return job
            except IntegrityError:  # there is one, which the worker may end before we look: it locks no session
                going = Job.objects.unfinished().select_related("owner").filter(session=session).first()
    return going


def cancel_index(*, actor: "Actor | User", session_id: UUID | str) -> tuple[UUID, Job | None]:
    """Stop the indexing of a session, whoever started it; return the session's id and its newest job, if there was one.

    One that has ended stays what it is. Raises SessionNotFound, RoleTooLow.
    """
    actor = Actor.of(actor)
    with transaction.atomic():
        session = session_for_writing(actor, session_id)
        job = stop_job(actor, session_id=session.pk)
    return session.pk, job or Job.objects.newest_of(session.pk)


def index(work: Work) -> dict[str, Any]:
    """Do the job. However it ends, nothing of the program is left, neither running nor where its session isn't."""
    session_id = work.job.session_id
    assert session_id is not None  # noqa: S101  (jobs of this kind have one)
    try:
        _run(_Following(work, session_id), session_id)
    except (IndexingFailed, IndexerNotInstalled, StorageError) as error:
        result = {"exit_code": error.state.get("exit_code")}
        _conclude(work, Verb.INDEXING_FAILED, JobState.FAILED, result, error.detail)
    else:
        _conclude(work, Verb.INDEXED, JobState.DONE, {"exit_code": 0})
    finally:
        _clear_up(session_id)
    return {}


def _run(following: "_Following", session_id: UUID) -> None:
    try:
        following.check()
        indexing.index_workspace(session_id, step=following.step)
    finally:
        following.show()


def _conclude(work: Work, verb: Verb, state: JobState, result: dict[str, Any], error: str = "") -> None:
    with transaction.atomic():
        work.conclude(result, state=state, error=error)
        audit.record(work.started_by(), verb, work.job.session_id, **result)


def _clear_up(session_id: UUID) -> None:
    try:
        clear_up_after_program(session_id)
    except StorageError as error:
        logger.warning("index_written_late_stays", session_id=str(session_id), error=error.detail)


class _Following:
    """Keeps what the program says, and looks whether it may go on."""

    def __init__(self, work: Work, session_id: UUID) -> None:
        self._work = work
        self._session_id = session_id
        self._output = indexing.Output()
        self._is_shown = True
        self._began = self._looked = self._shown = time.monotonic()

    def step(self, piece: bytes) -> None:
        """A piece of output, or nothing for a while. Raises what ends the work."""
        now = time.monotonic()
        if piece:
            self._output.add(piece)
            self._is_shown = False
        if now - self._shown >= _SHOW_SECONDS and not self._is_shown:
            self._shown = now
            self.show()
        if now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            self.check()
        self._work.advance(int(now - self._began))  # seconds; whatever moves has the thread look for a wish to stop

    def show(self) -> None:
        """Show what it has said so far."""
        self._work.show(self._output.text())
        self._is_shown = True

    def check(self) -> None:
        """Raise IndexingFailed if whoever started it couldn't start it now."""
        try:
            check_active(session_for_writing(self._work.actor(), self._session_id))
        except (SessionNotFound, SessionNotActive, NotAllowed):
            raise IndexingFailed(
                "The session was archived or moved to the trash, or isn't yours to change any more.", exit_code=None
            ) from None
