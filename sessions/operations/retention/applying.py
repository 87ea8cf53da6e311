"""What a policy would do, and doing it: the same sessions, one transaction each."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from sessions.models import RetentionPolicy, Session, SessionCount, Status, Verb
from sessions.models.session_bytes import text_bytes, vector_bytes
from sessions.operations import audit
from sessions.operations.changing import save_changes
from sessions.operations.retention.policy import require_administrator
from sessions.operations.retention.rules import Act, Candidate, Reason, Rule, rules_of
from sessions.operations.workspaces import settle_workspace_after_commit
from sessions.storage.disk_use import MOST_MEASURED, disk_use

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from sessions.access import Actor

SHOWN = 200  # sessions of each kind that a report names
STEP_SECONDS = 20.0  # what one call, or one turn of the worker, takes at most
_MOST_SESSIONS_MEASURED = 2_000
_BATCH = 100


@dataclass(frozen=True, slots=True)
class Line:
    """A session in a report, and why it is there."""

    session_id: UUID
    name: str
    owner: str
    reason: Reason
    since: datetime


@dataclass(slots=True)
class Part:
    """How many sessions, and the first SHOWN of them."""

    count: int = 0
    sessions: list[Line] = field(default_factory=list)

    def add(self, rule: Rule, candidates: Iterable[Candidate]) -> None:
        """Name them as long as there is room."""
        for each in islice(candidates, SHOWN - len(self.sessions)):
            self.sessions.append(Line(each.session_id, each.name, each.owner, rule.reason, each.since))


@dataclass(slots=True)
class Report:
    """What was done or would be. `bytes` come free: the purged workspaces on the disk, their text and their vectors."""

    dry_run: bool
    parts: dict[Act, Part] = field(default_factory=lambda: {act: Part() for act in Act})
    bytes: int = 0
    bytes_are_exact: bool = True
    is_complete: bool = True

    @property
    def count(self) -> int:
        """How many sessions it tells of."""
        return sum(part.count for part in self.parts.values())


def preview(*, actor: "Actor | User | None", policy: RetentionPolicy) -> Report:
    """Return what applying the policy now would do. Nothing is changed. Raises NotAllowed.

    `actor` is the administrator who asks, None for the command line.

    Sessions are counted exactly. Bytes are measured in the first 2,000 sessions and 100,000
    files; beyond that `bytes_are_exact` is False and there are more.
    """
    if actor is not None:
        require_administrator(actor, writes=False)
    report, measure = Report(dry_run=True), _Measure()
    for rule in rules_of(policy, timezone.now()):
        part = report.parts[rule.act]
        part.count += rule.count()
        part.add(rule, rule.candidates())
        if rule.act is Act.PURGE:
            measure.add_all(each.session_id for each in rule.candidates())
    report.bytes, report.bytes_are_exact = measure.bytes, measure.is_exact
    return report


def apply_policy(
    *, actor: "Actor | User | None", policy: RetentionPolicy, seconds: float | None = STEP_SECONDS
) -> Report:
    """Archive, trash and purge what the policy says; return what was done.

    Each session is looked at again under its lock: one that was used meanwhile is left alone, and
    two workers at once do nothing twice. After `seconds` it stops and says so; the next call goes
    on. `actor` is the administrator who asks, None for the worker and the command line. Raises NotAllowed.
    """
    asked_by = None if actor is None else require_administrator(actor)
    until = None if seconds is None else time.monotonic() + seconds
    report = Report(dry_run=False)
    for rule in rules_of(policy, timezone.now()):
        for candidate in rule.candidates():
            if until is not None and time.monotonic() >= until:
                report.is_complete = False
                break
            _take(report, rule, candidate, policy)
    RetentionPolicy.objects.note_applied()
    if asked_by is not None and report.count:
        done = {verb.value: report.parts[act].count for act, verb in _VERBS.items()}
        audit.record(asked_by, Verb.RETENTION_APPLIED, None, **done)
    return report


def apply_when_enabled() -> Report | None:
    """What the worker does once a minute: the policy's next step, if an administrator has turned it on."""
    policy = RetentionPolicy.objects.current()
    return apply_policy(actor=None, policy=policy) if policy.enabled else None


def _take(report: Report, rule: Rule, candidate: Candidate, policy: RetentionPolicy) -> None:
    """Do to one session what its rule says, and note it."""
    measure = _Measure()
    if rule.act is Act.PURGE:
        measure.add(candidate.session_id)
    with transaction.atomic():
        if rule.reason is Reason.TOO_MANY and not _are_still_too_many(rule, policy):
            return
        session = rule.sessions.select_for_update(of=("self",)).filter(pk=candidate.session_id).first()
        if session is None:  # used, restored, pinned or taken by another worker meanwhile
            return
        _ACTS[rule.act](session, rule.reason)
    part = report.parts[rule.act]
    part.count += 1
    part.add(rule, [candidate])
    report.bytes += measure.bytes
    report.bytes_are_exact = report.bytes_are_exact and measure.is_exact


def _are_still_too_many(rule: Rule, policy: RetentionPolicy) -> bool:
    """Whether the owner has more than the policy allows; only one worker at a time asks for an owner."""
    owner_id = rule.owner_id or 0
    list(get_user_model().objects.select_for_update(no_key=True).filter(pk=owner_id).values("pk"))
    kept = SessionCount.objects.sessions(owner_id, [Status.ACTIVE, Status.ARCHIVED])
    return policy.max_sessions_per_user is not None and kept > policy.max_sessions_per_user


def _archive(session: Session, reason: Reason) -> None:
    save_changes(session, {"status": Status.ARCHIVED, "archived_at": timezone.now()}, is_use=False)
    audit.record_by_itself(Verb.ARCHIVED, session.pk, reason=reason.value)


def _trash(session: Session, reason: Reason) -> None:
    save_changes(session, {"status": Status.DELETED, "deleted_at": timezone.now()}, is_use=False)
    audit.record_by_itself(Verb.TRASHED, session.pk, reason=reason.value)
    settle_workspace_after_commit(session.pk)


def _purge(session: Session, reason: Reason) -> None:
    audit.record_by_itself(
        Verb.PURGED, session.pk, reason=reason.value, name=session.name, messages=session.message_count
    )
    session.delete()


_VERBS = {Act.ARCHIVE: Verb.ARCHIVED, Act.TRASH: Verb.TRASHED, Act.PURGE: Verb.PURGED}
_ACTS: dict[Act, Callable[[Session, Reason], None]] = {Act.ARCHIVE: _archive, Act.TRASH: _trash, Act.PURGE: _purge}


class _Measure:
    """Bytes that come free with sessions of the trash, measured up to a limit."""

    def __init__(self) -> None:
        self.bytes = 0
        self.is_exact = True
        self._entries_left = MOST_MEASURED

    def add(self, session_id: UUID) -> None:
        """One session: its workspace's blocks on the disk and its text in the database."""
        self._add_workspace(session_id)
        self.bytes += text_bytes([session_id]) + vector_bytes([session_id])

    def add_all(self, session_ids: Iterable[UUID]) -> None:
        """Many: the first of them."""
        ids = list(islice(session_ids, _MOST_SESSIONS_MEASURED + 1))
        self.is_exact = self.is_exact and len(ids) <= _MOST_SESSIONS_MEASURED
        ids = ids[:_MOST_SESSIONS_MEASURED]
        for session_id in ids:
            self._add_workspace(session_id)
        for start in range(0, len(ids), _BATCH):
            batch = ids[start : start + _BATCH]
            self.bytes += text_bytes(batch) + vector_bytes(batch)

    def _add_workspace(self, session_id: UUID) -> None:
        used = disk_use(session_id, in_trash=True, most=self._entries_left)
        self.bytes += used.bytes
        self.is_exact = self.is_exact and used.is_whole
        self._entries_left -= used.files
