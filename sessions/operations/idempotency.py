"""A request sent twice under one key is done once, and its answer is given again.

The claim on a key is committed before the work, the answer together with it. A process killed
between the two leaves a claim without an answer and no trace of the work; after LEASE the next
retry takes the claim over. A process that was only slow finds its claim gone and rolls back.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from sessions.exceptions import Conflict, KeyInUse, KeyReused
from sessions.models import IdempotencyKey

KEPT = timedelta(hours=24)
LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished request's answer."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do the work that a key stands for."""

    key_id: int
    token: UUID


def claim(*, user_id: int, key: str, fingerprint: str) -> Claim | Answer:
    """Claim a key, or return the answer it has already.

    Raises KeyReused if the key stands for another request, KeyInUse while that request is under way.
    """
    now = timezone.now()
    token = uuid4()
    IdempotencyKey.objects.filter(user_id=user_id, key=key, claimed_at__lt=now - KEPT).delete()
    fresh = IdempotencyKey(user_id=user_id, key=key, fingerprint=fingerprint, claim=token, claimed_at=now)
    IdempotencyKey.objects.bulk_create([fresh], ignore_conflicts=True)
    row = IdempotencyKey.objects.filter(user_id=user_id, key=key).first()
    if row is None:  # another request held it and gave it back this moment
        raise _under_way(key)
    if row.claim == token:
        return Claim(row.pk, token)
    if row.fingerprint != fingerprint:
        raise KeyReused(
            "This Idempotency-Key was used for another request. Use a new key for a new request.",
            errors=[("Idempotency-Key", "Already used with another body, method or path.")],
        )
    if row.status is not None:
        return Answer(row.status, dict(row.headers), bytes(row.body))
    abandoned = IdempotencyKey.objects.filter(pk=row.pk, claim=row.claim, status=None, claimed_at__lt=now - LEASE)
    if abandoned.update(claim=token, claimed_at=now):
        return Claim(row.pk, token)
    raise _under_way(key)


def _under_way(key: str) -> KeyInUse:
    return KeyInUse("A request with this Idempotency-Key is still under way. Try again in a moment.", key=key)


def finish(held: Claim, answer: Answer) -> None:
    """Keep the answer, in the transaction of the work. Raises Conflict if the claim was taken over meanwhile."""
    kept = IdempotencyKey.objects.filter(pk=held.key_id, claim=held.token).update(
        status=answer.status, headers=answer.headers, body=answer.body
    )
    if not kept:
        raise Conflict("Another request took this Idempotency-Key over. Try again.")


def renew(held: Claim) -> None:
    """Say that the work, which takes long, is still going on, so that nobody takes the claim over."""
    IdempotencyKey.objects.filter(pk=held.key_id, claim=held.token, status=None).update(claimed_at=timezone.now())


def release(held: Claim) -> None:
    """Give the key back after a refusal: nothing was done, and the next try may succeed.

    An answer that is there stays: the work was committed, whatever became of the caller then.
    """
    IdempotencyKey.objects.filter(pk=held.key_id, claim=held.token, status=None).delete()


def forget_old_keys() -> int:
    """Delete what is older than a day; return how many."""
    with transaction.atomic():
        deleted, _ = IdempotencyKey.objects.filter(claimed_at__lt=timezone.now() - KEPT).delete()
    return deleted
