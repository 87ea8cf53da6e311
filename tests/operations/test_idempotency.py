"""A request sent twice under one key is done once."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from sessions.exceptions import Conflict, KeyInUse, KeyReused
from sessions.models import IdempotencyKey, Session
from sessions.operations.idempotency import KEPT, LEASE, Answer, Claim, claim, finish, forget_old_keys, release
from tests.factories import make_session
from tests.together import together

pytestmark = pytest.mark.django_db(transaction=True)

ANSWER = Answer(201, {"Location": "/x", "ETag": '"1"'}, b'{"a": "\xc3\xa9"}\x00')


def take(user, key="k", fingerprint="same"):
    return claim(user_id=user.pk, key=key, fingerprint=fingerprint)


def age(by):
    IdempotencyKey.objects.update(claimed_at=timezone.now() - by)


def test_the_answer_is_given_again(alice):
    held = take(alice)
    assert isinstance(held, Claim)
    finish(held, ANSWER)
    assert take(alice) == ANSWER
    assert take(alice) == ANSWER


def test_another_request_under_the_same_key(alice):
    finish(take(alice), ANSWER)
    with pytest.raises(KeyReused, match="another request"):
        take(alice, fingerprint="other")


def test_still_under_way(alice):
    take(alice)
    with pytest.raises(KeyInUse, match="under way"):
        take(alice)
    with pytest.raises(KeyReused):
        take(alice, fingerprint="other")


def test_keys_belong_to_their_caller(alice, mallory):
    finish(take(alice), ANSWER)
    assert isinstance(take(mallory, fingerprint="other"), Claim)
    assert isinstance(take(alice, key="other"), Claim)


def test_a_refusal_gives_the_key_back(alice):
    release(take(alice))
    assert not IdempotencyKey.objects.exists()
    assert isinstance(take(alice, fingerprint="corrected"), Claim)


def test_an_answer_is_not_given_back(alice):
    """The commit may have succeeded although its connection broke, and whoever waits for it believes it failed."""
    held = take(alice)
    finish(held, ANSWER)
    release(held)
    assert take(alice) == ANSWER


def test_an_abandoned_claim_is_taken_over_after_its_lease(alice):
    slow = take(alice)
    age(LEASE / 2)
    with pytest.raises(Conflict):
        take(alice)
    age(LEASE + timedelta(seconds=1))
    second = take(alice)
    assert isinstance(second, Claim)
    assert second.token != slow.token
    with pytest.raises(Conflict):
        take(alice)


def test_whoever_was_only_slow_rolls_back(alice):
    slow = take(alice)
    age(LEASE + timedelta(seconds=1))
    second = take(alice)

    def slow_work():
        with transaction.atomic():
            make_session(alice, "Slow")
            finish(slow, ANSWER)

    with pytest.raises(Conflict, match="took this Idempotency-Key over"):
        slow_work()
    assert not Session.objects.exists()
    release(slow)
    finish(second, ANSWER)
    assert take(alice) == ANSWER


def test_many_take_one_abandoned_claim_over(alice):
    take(alice)
    age(LEASE + timedelta(seconds=1))
    results = together(*[lambda: take(alice)] * 8)
    assert sorted(type(result).__name__ for result in results) == ["Claim"] + ["KeyInUse"] * 7


def test_many_at_once_do_the_work_once(alice):
    def request():
        held = take(alice)
        if isinstance(held, Answer):
            return held
        with transaction.atomic():
            make_session(alice)
            finish(held, ANSWER)
        return ANSWER

    results = together(*[request] * 20, seconds=120)
    assert Session.objects.count() == 1
    assert all(result == ANSWER or isinstance(result, KeyInUse) for result in results)
    assert ANSWER in results


def test_giving_back_while_others_ask(alice):
    """Somebody may find the key taken and, a moment later, gone: that is a conflict, never an error of ours."""

    def ask_and_give_back():
        for _ in range(20):
            try:
                release(take(alice))
            except KeyInUse:
                continue

    assert together(*[ask_and_give_back] * 6) == [None] * 6


def test_a_day_later_the_key_is_new(alice):
    finish(take(alice), ANSWER)
    age(KEPT + timedelta(seconds=1))
    assert isinstance(take(alice, fingerprint="other"), Claim)


def test_old_keys_are_forgotten(alice, mallory):
    finish(take(alice), ANSWER)
    age(KEPT + timedelta(seconds=1))
    finish(take(mallory), ANSWER)
    assert forget_old_keys() == 1
    assert IdempotencyKey.objects.get().user == mallory
