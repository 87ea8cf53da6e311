"""Which sessions a policy concerns: one selection, for the preview and for what is done.

Every rule is a range of an index. Those that look at one owner's sessions in their order go
owner by owner, and only to owners that have some; the others have an index of their own. What
an earlier rule takes, no later one does, so a session is touched once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q

from sessions.models import RetentionPolicy, Session, SessionCount, Status
from sessions.models.expiry import ExpirySecond
from sessions.models.session import SessionQuerySet

BATCH = 200
_KEPT = [Status.ACTIVE.value, Status.ARCHIVED.value]


class Act(StrEnum):
    """What happens to a session."""

    ARCHIVE = "archive"
    TRASH = "trash"
    PURGE = "purge"


class Reason(StrEnum):
    """Why it happens."""

    IN_TRASH = "in_trash"
    EXPIRED = "expired"
    TOO_OLD = "too_old"
    ARCHIVED = "archived"
    TOO_MANY = "too_many"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A session that a rule takes, as it was when it was looked at."""

    session_id: UUID
    name: str
    owner: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done to which sessions. `since` is the time that counts, in whose order they are taken."""

    act: Act
    reason: Reason
    sessions: SessionQuerySet
    since: str
    order: str
    owner_id: int | None = None
    goes_by_owner: bool = False
    taken: dict[int, Q] = field(default_factory=dict)  # by owner: what the rule before has taken of theirs

    def count(self) -> int:
        """How many sessions it takes now."""
        taken = sum(self.sessions.filter(condition, owner_id=owner).count() for owner, condition in self.taken.items())
        return self.sessions.count() - taken

    def candidates(self) -> Iterator[Candidate]:
        """The sessions, read in batches of a range; those that go meanwhile do no harm."""
        if not self.goes_by_owner:
            yield from _in_order(self.sessions, self.order, self.since)
            return
        for owner_id in _owners_of(self.sessions):
            theirs = self.sessions.filter(owner_id=owner_id)
            if owner_id in self.taken:
                theirs = theirs.exclude(self.taken[owner_id])
            yield from _in_order(theirs, self.order, self.since)


def rules_of(policy: RetentionPolicy, now: datetime) -> Iterator[Rule]:
    """The rules of a policy, in the order in which they are applied. `now` is the same for all of them.

    Times are compared in UTC as they are stored: neither a time zone nor a clock that was set
    back makes a session go early.
    """
    if policy.trash_days is not None:
        gone = Q(status=Status.DELETED, deleted_at__lte=_before(now, policy.trash_days))
        yield Rule(Act.PURGE, Reason.IN_TRASH, _sessions(gone), "deleted_at", "deleted_at")
    earlier: list[Q] = []
    for reason, condition, since in _trashing(policy, now):
        sessions = _sessions(condition, earlier)
        order = "expiry" if reason is Reason.EXPIRED else since
        yield Rule(Act.TRASH, reason, sessions, since, order, goes_by_owner=reason is Reason.TOO_OLD)
        earlier.append(condition)
    surplus: dict[int, Q] = {}
    if policy.max_sessions_per_user is not None:
        for owner_id, condition in _surplus(policy.max_sessions_per_user, earlier):
            surplus[owner_id] = condition
            sessions = _sessions(condition, earlier).filter(owner_id=owner_id)
            yield Rule(Act.TRASH, Reason.TOO_MANY, sessions, "last_accessed", "last_accessed", owner_id=owner_id)
    if policy.auto_archive_inactive_days is not None:
        quiet = Q(status=Status.ACTIVE, last_accessed__lte=_before(now, policy.auto_archive_inactive_days))
        sessions = _sessions(quiet, earlier)
        yield Rule(
            Act.ARCHIVE, Reason.INACTIVE, sessions, "last_accessed", "last_accessed", goes_by_owner=True, taken=surplus
        )


def _trashing(policy: RetentionPolicy, now: datetime) -> Iterator[tuple[Reason, Q, str]]:
    expired = Q(status__in=_KEPT, ttl_seconds__isnull=False, expiry__lte=int(now.timestamp()))
    yield Reason.EXPIRED, expired, "last_accessed"
    if policy.max_age_days is not None:
        yield Reason.TOO_OLD, Q(status__in=_KEPT, created_at__lte=_before(now, policy.max_age_days)), "created_at"
    if policy.auto_delete_archived_days is not None:
        limit = _before(now, policy.auto_delete_archived_days)
        yield Reason.ARCHIVED, Q(status=Status.ARCHIVED, archived_at__lte=limit), "archived_at"


def _before(now: datetime, days: int) -> datetime:
    return now - timedelta(days=days)


def _sessions(condition: Q, earlier: list[Q] | None = None) -> SessionQuerySet:
    """Sessions that aren't pinned and that this rule takes before any later one."""
    sessions = Session.objects.alias(expiry=ExpirySecond("last_accessed")).filter(condition, pinned=False)
    return sessions.exclude(reduce(or_, earlier)) if earlier else sessions


def _surplus(most: int, earlier: list[Q]) -> Iterator[tuple[int, Q]]:
    """By owner with more sessions than that: which ones are too many, those not opened for the longest time."""
    for owner_id, total in SessionCount.objects.owners_above(most, _KEPT):
        theirs = _sessions(Q(status__in=_KEPT, owner_id=owner_id))
        going = theirs.filter(reduce(or_, earlier)).count() if earlier else 0
        surplus = total - going - most
        if surplus <= 0:
            continue
        left = theirs.exclude(reduce(or_, earlier)) if earlier else theirs
        last = left.order_by("last_accessed", "pk").values_list("last_accessed", "pk")[surplus - 1 : surplus].first()
        condition = Q(status__in=_KEPT)
        yield owner_id, condition & _up_to(*last) if last else condition


def _up_to(last_accessed: datetime, session_id: UUID) -> Q:
    return Q(last_accessed__lt=last_accessed) | Q(last_accessed=last_accessed, pk__lte=session_id)


def _owners_of(sessions: SessionQuerySet) -> list[int]:
    """Who owns some of them, one look into an index for each user."""
    own = Exists(sessions.filter(owner_id=OuterRef("pk")))
    return list(get_user_model().objects.filter(own).order_by("pk").values_list("pk", flat=True))


def _in_order(sessions: SessionQuerySet, order: str, since: str) -> Iterator[Candidate]:
    ranged = sessions.annotate(at=ExpirySecond("last_accessed")) if order == "expiry" else sessions
    column = "at" if order == "expiry" else order
    ranged = ranged.order_by(column, "pk")
    last: tuple[Any, UUID] | None = None
    while True:
        batch = ranged if last is None else ranged.filter(_after(column, *last))
        rows = list(batch.values_list(column, "pk", "name", "owner__username", since)[:BATCH])
        for _, session_id, name, owner, at in rows:
            yield Candidate(session_id, name, owner, at)
        if len(rows) < BATCH:
            return
        last = rows[-1][0], rows[-1][1]


def _after(column: str, value: Any, session_id: UUID) -> Q:
    return Q(**{f"{column}__gte": value}) & (Q(**{f"{column}__gt": value}) | Q(pk__gt=session_id))
