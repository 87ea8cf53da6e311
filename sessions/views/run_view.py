"""A run as its section on the session's page shows it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from sessions.models import Phase, RunState, Session, TaskStatus
from sessions.models.progress import Progress
from sessions.models.rows import Row

LINES_SHOWN = 40
ERRORS_SHOWN = 3
_PATH = [phase for phase in Phase if phase not in (Phase.CLARIFICATION, Phase.FAILED)]
_TONES = {"waiting": "warn", "failed": "bad", "aborted": "bad", "complete": "good", "silent": "warn"}
_ICONS = {"pending": "none", "active": "refresh", "completed": "check", "failed": "x"}


@dataclass(frozen=True, slots=True)
class Step:
    """One phase on the way. `mark` is done, now, failed or empty for one that is ahead."""

    name: str
    mark: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task."""

    title: str
    status: str
    icon: str
    error: str


@dataclass(frozen=True, slots=True)
class RunView:
    """What `_run.html` shows. `seen` says which state of it that is; polling goes on from there."""

    seen: str
    address: str
    state: str
    word: str
    tone: str
    steps: list[Step]
    tasks: list[TaskLine]
    done: int
    question: Row | None
    answered: Row | None
    errors: list[Row]
    logs: list[Row]
    artifacts: list[Row]
    heartbeat_at: datetime | None
    reason: str
    is_polled: bool
    is_closed: bool
    silent: timedelta | None = None
    stale: set[str] = field(default_factory=set)

    @property
    def may_stop(self) -> bool:
        """Whether there is something to stop."""
        return self.state in (RunState.GOING, RunState.WAITING) and not self.is_closed

    @property
    def may_reopen(self) -> bool:
        """Whether the run is over and can go on."""
        return self.state in (RunState.FAILED, RunState.ABORTED, RunState.COMPLETE) and not self.is_closed


def run_view(session: Session, progress: Progress, *, seen: str = "") -> RunView | None:
    """The run of a session; None if there is neither a run nor a phase. `seen` is what the reader has of it."""
    if not progress.state and not session.phase:
        return None
    silent = _silent(progress)
    state = progress.state or RunState.of(phase=session.phase, is_aborted=False, is_waiting=False).value
    asked = progress.clarification
    return RunView(
        seen=_seen(session, progress, silent),
        address=reverse("session_run", args=[session.pk]),
        state=state,
        word=f"silent for {_span(silent)}" if silent else RunState(state).label.lower(),
        tone=_TONES.get("silent" if silent else state, ""),
        steps=_steps(session.phase, progress),
        tasks=[
            TaskLine(task["title"] or task["task_id"], task["status"], _ICONS[task["status"]], task["error"])
            for task in progress.tasks
        ],
        done=len(progress.task_ids(TaskStatus.COMPLETED)),
        question=progress.pending,
        answered=asked if asked and asked["answer"] is not None else None,
        errors=progress.errors[: -ERRORS_SHOWN - 1 : -1],
        logs=progress.logs[-LINES_SHOWN:],
        artifacts=progress.artifacts,
        heartbeat_at=progress.heartbeat_at,
        reason=progress.abort_reason if progress.is_aborted else progress.failure_reason,
        is_polled=progress.is_going and session.is_writable,
        is_closed=not session.takes_words,
        silent=silent,
        stale=_stale(seen, progress),
    )


def _silent(progress: Progress) -> timedelta | None:
    """How long a run that goes hasn't been heard of, if that is too long. One that waits has a reason to be quiet."""
    if progress.state != RunState.GOING or progress.heartbeat_at is None:
        return None
    quiet = timezone.now() - progress.heartbeat_at
    return quiet if quiet >= settings.RUN_SILENT_AFTER else None


def span_of(quiet: timedelta) -> str:
    """A length of time in its largest unit: `7 min`, `3 h`, `12 d`."""
    return _span(quiet)


def _span(quiet: timedelta) -> str:
    minutes = int(quiet.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} d"


def _parts(progress: Progress) -> dict[str, str]:
    """What identifies the newest state of each part that is replaced by itself."""
    asked = progress.clarification
    return {
        "question": f"{asked['id']}{'?' if asked['is_pending'] else '!'}" if asked else "",
        "logs": str(progress.logs[-1]["id"]) if progress.logs else "",
        "artifacts": str(max(row["id"] for row in progress.artifacts)) if progress.artifacts else "",
    }


def _seen(session: Session, progress: Progress, silent: timedelta | None) -> str:
    head = f"{progress.version}-{session.version}-{_span(silent) if silent else ''}"
    return "_".join([head.replace(" ", ""), *_parts(progress).values()])


def _stale(seen: str, progress: Progress) -> set[str]:
    """The parts that the reader has in another state."""
    parts = _parts(progress)
    known = seen.split("_")[1:]
    if len(known) != len(parts):
        return set(parts)
    return {name for (name, value), had in zip(parts.items(), known, strict=True) if value != had}


def _steps(phase: str, progress: Progress) -> list[Step]:
    entered = {row["phase"]: row["entered_at"] for row in progress.phases}
    path = [one.value for one in _PATH]
    if Phase.CLARIFICATION in entered or phase == Phase.CLARIFICATION:
        path.insert(path.index(Phase.EXECUTION) + 1, Phase.CLARIFICATION.value)
    has_failed = phase == Phase.FAILED
    last = next((row["phase"] for row in reversed(progress.phases) if row["phase"] != Phase.FAILED), "")
    current = last if has_failed else phase
    place = path.index(current) if current in path else -1
    steps = []
    for number, name in enumerate(path):
        mark = "done" if number < place and name in entered else ""
        if name == current:
            mark = "failed" if has_failed else "done" if name == Phase.COMPLETE else "now"
        steps.append(Step(name.replace("_", " "), mark, entered.get(name)))
    return steps
