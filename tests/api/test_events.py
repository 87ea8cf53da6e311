"""Histories and the change feed: everything that one may see, in order, none missed and none twice."""

import random
import threading
import time

import pytest
from django.db import connection, transaction

from sessions.access import Actor
from sessions.api import waiting
from sessions.models import Event, Verb
from sessions.operations import accounts
from sessions.operations.lifecycle import purge_session, restore_session, trash_session
from sessions.operations.sessions import update_session
from sessions.operations.sharing import remove_member, share_session
from sessions.operations.tokens import create_token, revoke_token
from sessions.operations.transcript import append_messages
from tests.api.contract import BASE, ContractClient
from tests.factories import make_session, user_message
from tests.statements import assert_statements
from tests.together import raise_errors, together

pytestmark = pytest.mark.django_db(transaction=True)
LONGEST = 25  # seconds that may be waited: who isn't answered before has waited them


def feed(token: str, **query: object) -> dict:
    """One answer of the feed."""
    answer = ContractClient(token).get(f"{BASE}/events", query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def followed(token: str, after: int = 0, limit: int = 3) -> list[dict]:
    """Everything from a place on, page by page."""
    found: list[dict] = []
    while events := (answer := feed(token, after=after, limit=limit))["events"]:
        found += events
        after = answer["next"]
    return found


def history(token: str, session_id: object, **query: object) -> dict:
    answer = ContractClient(token).get(f"{BASE}/sessions/{session_id}/events", query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def verbs(events: list[dict]) -> list[str]:
    return [event["verb"] for event in events]


def test_a_history_page_by_page(alice, alice_token):
    session = make_session(alice, messages=2)
    for name in "abc":
        update_session(actor=alice, session_id=session.pk, name=name)
    first = history(alice_token, session.pk, limit=2)
    assert [event["detail"]["name"] for event in first["events"]] == ["c", "b"]
    second = history(alice_token, session.pk, limit=2, cursor=first["next"])
    assert verbs(second["events"]) == ["renamed", "created"]
    assert second["next"] is None
    event = second["events"][-1]
    assert (event["actor"], event["session_id"], event["detail"]["messages"]) == ("alice", str(session.pk), 2)
    for wrong in ("x", "-1", "9" * 30):
        assert ContractClient(alice_token).get(f"{BASE}/sessions/{session.pk}/events?cursor={wrong}").status_code == 422


def test_it_outlives_the_session_for_its_owner_alone(alice, alice_token, mallory, mallory_token):
    session, other = make_session(alice), make_session(alice)
    share_session(actor=alice, session_id=session.pk, user_ids=[mallory.pk], role="viewer")
    _, limited = create_token(actor=alice, name="t", session_id=other.pk)
    start = feed(alice_token)["next"]
    trash_session(actor=alice, session_id=session.pk)
    purge_session(actor=alice, session_id=session.pk)
    assert verbs(history(alice_token, session.pk)["events"]) == ["purged", "trashed", "shared", "created"]
    assert verbs(followed(alice_token, start)) == ["trashed", "purged"]
    for token, ref in ((mallory_token, session.pk), (limited, session.pk), (alice_token, session.short_id)):
        assert ContractClient(token).get(f"{BASE}/sessions/{ref}/events").status_code == 404
    assert followed(limited) != []
    assert {event["session_id"] for event in followed(limited)} == {str(other.pk)}


def test_the_feed_holds_what_one_may_see(alice, alice_token, mallory, mallory_token):
    shared, own = make_session(alice, "shared"), make_session(alice, "own")
    share_session(actor=alice, session_id=shared.pk, user_ids=[mallory.pk], role="editor")
    append_messages(actor=mallory, session_id=shared.pk, messages=[user_message()])
    accounts.change_password(user=alice, password="another long pass phrase")
    mine = followed(alice_token)
    assert [event["event_id"] for event in mine] == sorted(event["event_id"] for event in mine)
    assert verbs(mine) == ["token_created", "created", "created", "shared", "appended", "password_changed"]
    theirs = followed(mallory_token)
    assert verbs(theirs) == ["token_created", "created", "shared", "appended"]
    assert str(own.pk) not in str(theirs)
    place = theirs[-1]["event_id"]
    trash_session(actor=alice, session_id=shared.pk)
    assert verbs(followed(mallory_token, place)) == ["trashed"]
    assert verbs(followed(mallory_token)) == ["token_created", "trashed"], "what lies there is its owner's alone"
    restore_session(actor=alice, session_id=shared.pk)
    assert verbs(followed(mallory_token)) == ["token_created", "created", "shared", "appended", "trashed", "restored"]
    place = followed(mallory_token)[-1]["event_id"]
    remove_member(actor=alice, session_id=shared.pk, user_id=mallory.pk)
    append_messages(actor=alice, session_id=shared.pk, messages=[user_message()])
    assert followed(mallory_token, place) == []
    assert verbs(followed(mallory_token)) == ["token_created"]


def test_where_it_starts_and_what_it_costs(alice, alice_token):
    sessions = [make_session(alice) for _ in range(4)]
    newest = feed(alice_token, limit=2)
    assert [event["session_id"] for event in newest["events"]] == [str(session.pk) for session in sessions[2:]]
    assert feed(alice_token, after=newest["next"]) == {"events": [], "next": newest["next"]}
    with assert_statements(at_most=4):
        feed(alice_token, after=newest["next"])
    for query in ("after=99999999", "after=x", "wait=26", "wait=-1", "before=1"):
        assert ContractClient(alice_token).get(f"{BASE}/events?{query}").status_code == 422


def test_what_a_slow_transaction_wrote_is_not_missed(alice, alice_token):
    """On PostgreSQL its event has a lower id than one that is committed before; on SQLite the other one waits."""
    slow, quick = make_session(alice), make_session(alice)
    start = feed(alice_token)["next"]
    written, looked, seen = threading.Event(), threading.Event(), []

    def write_slowly():
        with transaction.atomic():
            append_messages(actor=alice, session_id=slow.pk, messages=[user_message()])
            written.set()
            if connection.vendor == "postgresql":
                looked.wait(60)

    def write_quickly_and_look():
        written.wait(60)
        append_messages(actor=alice, session_id=quick.pk, messages=[user_message()])
        seen.append(feed(alice_token, after=start))
        looked.set()

    raise_errors(together(write_slowly, write_quickly_and_look))
    first = seen[0]["events"]
    if connection.vendor == "postgresql":
        assert first == [], "held back, because an event with a lower id may still come"
    later = first + followed(alice_token, seen[0]["next"])
    assert sorted(event["session_id"] for event in later) == sorted([str(slow.pk), str(quick.pk)])


def test_a_reader_beside_writers_gets_each_event_once(alice, alice_token):
    start = feed(alice_token)["next"]
    sessions = [make_session(alice) for _ in range(3)]
    found: list[int] = []
    done = threading.Event()

    def write(session):
        for _ in range(12):
            with transaction.atomic():
                append_messages(actor=alice, session_id=session.pk, messages=[user_message()])
                time.sleep(random.random() / 200)

    def read():
        after = start
        while True:
            was_done = done.is_set()
            answer = feed(alice_token, after=after, limit=7)
            found.extend(event["event_id"] for event in answer["events"])
            if was_done and not answer["events"]:
                return
            after = answer["next"]

    def all_writers():
        raise_errors(together(*[lambda session=session: write(session) for session in sessions]))
        done.set()

    raise_errors(together(all_writers, read))
    assert sorted(found) == sorted(Event.objects.filter(pk__gt=start).values_list("pk", flat=True))
    assert len(found) == len(set(found)) == 3 * 13


class Seats(threading.BoundedSemaphore):
    """Tells when somebody waits."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.taken = threading.Event()

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        got = super().acquire(blocking, timeout)
        self.taken.set()
        return got


def test_who_waits_is_answered_when_something_happens(alice, alice_token, monkeypatch):
    session = make_session(alice)
    start = feed(alice_token)["next"]
    seats = Seats(1)
    monkeypatch.setattr(waiting, "_waiting", seats)

    def wait():
        began = time.monotonic()
        return feed(alice_token, after=start, wait=LONGEST), time.monotonic() - began

    def happen():
        assert seats.taken.wait(60), "it found nothing and waits"
        append_messages(actor=alice, session_id=session.pk, messages=[user_message()])

    (answer, seconds), _ = raise_errors(together(wait, happen))
    assert verbs(answer["events"]) == ["appended"]
    assert seconds < LONGEST
    began = time.monotonic()
    assert feed(alice_token, after=answer["next"], wait=1)["events"] == []
    assert time.monotonic() - began >= 0.9


def test_few_wait_at_once_and_no_longer_than_they_are_let_in(alice, alice_token, monkeypatch):
    start = feed(alice_token)["next"]
    monkeypatch.setattr(waiting, "_waiting", threading.BoundedSemaphore(1))
    with waiting._waiting:
        began = time.monotonic()
        assert feed(alice_token, after=start, wait=LONGEST)["events"] == []
        assert time.monotonic() - began < LONGEST, "as many wait as may: answered at once"
    monkeypatch.setattr(waiting, "_LET_IN_SECONDS", 0.1)
    token, plain = create_token(actor=Actor.of(alice), name="soon gone")
    start = feed(plain)["next"]
    calls = (
        lambda: ContractClient(plain).get(f"{BASE}/events?after={start}&wait={LONGEST}").status_code,
        # its own event is in the feed too: the token goes without one
        lambda: time.sleep(0.2) or type(token).objects.filter(pk=token.pk).update(revoked_at=token.created_at),
    )
    assert raise_errors(together(*calls))[0] == 401
    assert waiting._waiting.acquire(blocking=False), "its place is free again"
    revoke_token(actor=alice, token_id=token.pk)


def test_accounts_have_a_history_too(alice, client, alice_token):
    client.post("/sign-in/", {"username": "alice", "password": "a long enough pass phrase"})
    accounts.update_profile(user=alice, username="alicia", first_name="", last_name="", email="")
    client.post("/sign-out/")
    assert verbs(followed(alice_token)) == ["token_created", "signed_in", "profile_changed", "signed_out"]


def test_nobody_edits_events(alice):
    make_session(alice)
    for change in (lambda: Event.objects.update(verb=Verb.PURGED), lambda: Event.objects.all().delete()):
        with pytest.raises(TypeError, match="append-only"):
            change()
    assert Event.objects.get().owner_id == alice.pk
    alice.delete()
    assert Event.objects.filter(actor=None, actor_name="alice").exists()
