"""A job while it is being done: its progress, its lease, and what may end it early."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import structlog
from django.db import Error, connection, transaction
from django.utils import timezone

from sessions.access import Actor, is_still_let_in
from sessions.exceptions import NotAllowed
from sessions.models import Job, JobState
from sessions.models.job import LEASE

_BEAT_SECONDS = 0.5
_RENEW_SECONDS = LEASE.total_seconds() / 4

logger = structlog.get_logger(__name__)


class WorkEnds(Exception):
    """The work is to stop at this step."""


class Interrupted(WorkEnds):
    """The worker is being ended: another one goes on with the job."""


class Cancelled(WorkEnds):
    """Its owner has cancelled it."""


class LeaseLost(WorkEnds):
    """Another worker has taken it up, because this one seemed to be dead: nothing more may be written."""


class Work:
    """What a kind's function is given. It calls `advance` after each step, and may `conclude` in its transaction."""

    def __init__(self, job: Job, is_ending: Callable[[], bool]) -> None:
        self.job = job
        self.is_concluded = False
        self._is_ending = is_ending
        self._lease = job.lease
        self._pulse = _Pulse(job)

    def actor(self) -> Actor:
        """As whom the job works. Raises NotAllowed if that account or token isn't let in any more."""
        actor = self.started_by()
        if not is_still_let_in(actor):
            raise NotAllowed("The account or token that started this job isn't let in any more.")
        return actor

    def started_by(self) -> Actor:
        """Who started the job, whatever has become of them."""
        kept = self.job.actor
        user = self.job.owner
        return Actor(
            user_id=user.pk,
            username=user.get_username(),
            is_administrator=user.is_superuser,
            token_id=kept["token_id"],
            token_name=kept["token_name"],
            only_session=UUID(kept["only_session"]) if kept["only_session"] else None,
        )

    def advance(self, done: int | None = None, total: int | None = None) -> None:
        """Tell how far the work is, and stop here if it is to stop. Costs nothing: a thread writes it down.

        Raises Interrupted, Cancelled, LeaseLost.
        """
        self._pulse.tell(done, total)
        if self._pulse.is_lost:
            raise LeaseLost
        if self._pulse.is_cancelled:
            raise Cancelled
        if self._is_ending():
            raise Interrupted

    def step(self, more: int = 1) -> None:
        """So many more are done; 0 only asks whether to go on. Raises as `advance`."""
        self.advance(self._pulse.progress[0] + more)

    def show(self, output: str) -> None:
        """Show people what a program has said until now. Costs nothing: the thread writes it down."""
        self._pulse.output = output

    def conclude(self, result: dict[str, Any], *, state: JobState = JobState.DONE, error: str = "") -> None:
        """Finish the job in the caller's transaction: what was done and that it is done are committed together.

        Raises LeaseLost, which rolls the caller back.
        """
        self._finish(state, result=result, error=error)
        transaction.on_commit(self._note_conclusion)

    def _note_conclusion(self) -> None:
        self.is_concluded = True

    def finish(self, state: JobState, **values: Any) -> None:
        """Write down how it ended; nothing if the lease is lost."""
        try:
            self._finish(state, **values)
        except LeaseLost:
            logger.warning("job_lease_lost", job_id=str(self.job.pk))

    def give_back(self) -> None:
        """Queue it again: it wasn't its fault, so this attempt doesn't count."""
        mine = Job.objects.filter(pk=self.job.pk, lease=self._lease, state=JobState.RUNNING)
        mine.update(state=JobState.QUEUED, lease=None, leased_until=None, attempts=self.job.attempts - 1)

    def _finish(self, state: JobState, **values: Any) -> None:
        done, total = self._pulse.progress
        done = max(done, total) if state == JobState.DONE else done
        mine = Job.objects.filter(pk=self.job.pk, lease=self._lease, state=JobState.RUNNING)
        values |= {"done": done, "total": total, "finished_at": timezone.now(), "leased_until": None}
        values |= self._pulse.new_output()
        if not mine.update(state=state, **values):
            raise LeaseLost

    def __enter__(self) -> Self:
        self._pulse.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pulse.end()


class _Pulse(threading.Thread):
    """Renews the lease and writes progress over a connection of its own, whatever the work is waiting for."""

    def __init__(self, job: Job) -> None:
        super().__init__(name="job-pulse", daemon=True)
        self.is_lost = False
        self.is_cancelled = job.cancel_requested
        self.progress = (job.done, job.total)
        self.output = self._written_output = job.output
        self._written = self.progress
        self._mine = Job.objects.filter(pk=job.pk, lease=job.lease, state=JobState.RUNNING)
        self._ended = threading.Event()

    def tell(self, done: int | None, total: int | None) -> None:
        self.progress = (self.progress[0] if done is None else done, self.progress[1] if total is None else total)

    def end(self) -> None:
        self._ended.set()
        self.join()

    def run(self) -> None:
        renewed = time.monotonic()
        while not self._ended.wait(_BEAT_SECONDS):
            is_due = time.monotonic() - renewed > _RENEW_SECONDS
            if not is_due and self.progress == self._written and not self.new_output():
                continue
            try:
                self._beat()
                renewed = time.monotonic()
            except Error as error:
                logger.warning("job_pulse_failed", error=str(error))
            finally:
                connection.close()

    def new_output(self) -> dict[str, str]:
        """What is to be written of the output: all of it if anything has come."""
        output = self.output
        return {} if output == self._written_output else {"output": output}

    def _beat(self) -> None:
        done, total = progress = self.progress
        values = self.new_output()
        with transaction.atomic():
            is_mine = self._mine.update(done=done, total=total, leased_until=timezone.now() + LEASE, **values)
            self.is_lost = not is_mine and not self._ended.is_set()
            self.is_cancelled = bool(is_mine) and self._mine.values_list("cancel_requested", flat=True).get()
        self._written = progress
        self._written_output = values.get("output", self._written_output)
