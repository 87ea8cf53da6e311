"""The search index of a workspace in words: whether it is there, and how making it goes or went."""

from dataclasses import dataclass, replace
from datetime import datetime
from zlib import crc32

from django.urls import reverse

from sessions.models import Job, JobState, Session
from sessions.views.jobs import TONES

_TAIL = 4_000  # characters of the output that the panel shows


@dataclass(frozen=True, slots=True)
class IndexView:
    """What `_index.html` shows. `word` is empty where there is nothing to tell of a job; `seen` names this state."""

    address: str
    is_indexed: bool
    may_start: bool
    may_cancel: bool
    is_going: bool = False
    word: str = ""
    tone: str = ""
    at: datetime | None = None
    said: str = ""
    output: str = ""
    seen: str = ""


def index_view(
    session: Session, job: Job | None, *, is_indexed: bool, output: str = "", whole: bool = False
) -> IndexView:
    """The index of a session whose newest job of indexing is `job`; of its output the end, or the whole."""
    output = output.rstrip()
    is_going = job is not None and not job.is_finished
    view = IndexView(
        address=reverse("session_index", args=[session.pk]),
        is_indexed=is_indexed,
        may_start=session.takes_words and not is_going,
        may_cancel=session.reader_may_write and is_going and job is not None and not job.cancel_requested,
        is_going=is_going,
        output=output if whole or len(output) <= _TAIL else output[-_TAIL:].partition("\n")[2] or output[-_TAIL:],
    )
    if job is not None and (is_going or whole or job.state == JobState.FAILED):
        view = replace(
            view,
            word="Stopping" if is_going and job.cancel_requested else _word(job),
            tone=TONES[job.state],
            at=job.finished_at or job.started_at or job.created_at,
            said=_said(job),
        )
    return replace(view, seen=f"{crc32(repr(view).encode()):x}")


def _word(job: Job) -> str:
    return {JobState.RUNNING: "Indexing", JobState.QUEUED: "Waiting for the worker"}.get(
        JobState(job.state), JobState(job.state).label
    )


def _said(job: Job) -> str:
    if job.state == JobState.FAILED:
        return job.error
    if job.state == JobState.DONE:
        return f"It ended with exit code {job.exit_code}."
    return ""
