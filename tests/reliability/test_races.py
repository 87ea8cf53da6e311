"""What happens at once ends as if it had happened one after the other."""

import json
from functools import partial

import pytest
from django.db import transaction

from sessions.exceptions import KeyInUse, SessionNotActive, SessionNotFound, StaleVersion, UnexpectedIndex
from sessions.models import Session
from sessions.models.tag_rows import attach_tags
from sessions.operations.bulk import apply_to_sessions
from sessions.operations.editing import edit_message, restore_revision, set_system_prompt
from sessions.operations.lifecycle import archive_session, restore_session, trash_session
from sessions.operations.sessions import update_session
from sessions.operations.sharing import remove_member
from sessions.operations.tags import tags_of
from sessions.operations.transcript import append_messages
from tests.factories import make_session, share, user_message
from tests.reliability.server import Server
from tests.together import behind, raise_errors, together
from tests.whole import assert_counts_right, assert_in_place, assert_whole, transcript

transactional = pytest.mark.django_db(transaction=True)


def appender(alice, session, who, number=15):
    """Appends, and returns what was acknowledged: (content, index)."""

    def write():
        done = []
        for count in range(number):
            try:
                appended = append_messages(
                    actor=alice, session_id=session.pk, messages=[user_message(f"{who}/{count}")]
                )
            except (SessionNotActive, SessionNotFound):
                continue
            done.append((f"{who}/{count}", appended.first_index))
        return done

    return write


@transactional
def test_appends_and_edits(alice):
    """Whatever is acknowledged is in the transcript or, cut off by an edit, in a revision."""
    session = make_session(alice, messages=4)

    def edit():
        for count in range(10):
            edit_message(actor=alice, session_id=session.pk, index=2, content=f"edit {count}")

    def prompt():
        for count in range(10):
            set_system_prompt(actor=alice, session_id=session.pk, content=f"prompt {count}")

    *written, _ = raise_errors(together(*[appender(alice, session, who) for who in range(4)], edit))
    raise_errors(together(appender(alice, session, 9), prompt))
    assert_whole(session)
    kept = {message.content for revision in session.revisions.all() for message in revision.messages.all()} | set(
        transcript(session)
    )
    assert {content for own in written for content, _ in own} <= kept


@transactional
@pytest.mark.parametrize("away", [archive_session, trash_session])
def test_appends_while_it_is_put_away_and_brought_back(alice, away):
    session = make_session(alice)

    def away_and_back():
        for _ in range(8):
            away(actor=alice, session_id=session.pk)
            restore_session(actor=alice, session_id=session.pk)

    *written, _ = raise_errors(together(*[appender(alice, session, who) for who in range(4)], away_and_back))
    acknowledged = sorted((index, content) for own in written for content, index in own)
    assert [content for _, content in acknowledged] == transcript(session)
    assert [index for index, _ in acknowledged] == list(range(len(acknowledged)))
    assert_whole(session)
    assert_in_place(session)
    assert_counts_right()


@transactional
def test_restoring_and_appending(alice):
    session = make_session(alice, messages=6)
    edit_message(actor=alice, session_id=session.pk, index=4, content="other")

    def restore():
        for number in (1, 2, 3, 2):
            restore_revision(actor=alice, session_id=session.pk, number=number)

    *written, _ = raise_errors(together(*[appender(alice, session, who, 8) for who in range(3)], restore))
    assert_whole(session)
    kept = {message.content for revision in session.revisions.all() for message in revision.messages.all()}
    assert {content for own in written for content, _ in own} <= kept | set(transcript(session))


@transactional
def test_one_index_has_one_winner(alice):
    session = make_session(alice)

    def append(index):
        return lambda: append_messages(
            actor=alice, session_id=session.pk, messages=[user_message("x")], expected_index=index
        )

    for index in range(5):
        results = together(*[append(index)] * 6)
        assert [isinstance(result, UnexpectedIndex) for result in results].count(False) == 1, results
    assert_whole(session)


@transactional
def test_one_version_has_one_winner(alice):
    session = make_session(alice)

    def rename(version):
        return lambda: update_session(
            actor=alice, session_id=session.pk, name=f"Name {version} {object()}", expected_version=version
        )

    for version in range(1, 6):
        results = together(*[rename(version)] * 6)
        assert [isinstance(result, StaleVersion) for result in results].count(False) == 1, results
    assert Session.objects.get().version == 6


# For each way to change a session: method, path, a body, and the status of who wins.
WAYS = {
    "rename": ("PATCH", "/sessions/{}", lambda session, text: {"name": text}, 200),
    "message": ("POST", "/sessions/{}/messages", lambda session, text: {"role": "user", "content": text}, 201),
    "turn": ("POST", "/turns", lambda session, text: {"session_id": session, "user": text, "assistant": text}, 201),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("races", [5, pytest.param(100, marks=pytest.mark.soak)])
def test_an_etag_has_one_winner_over_http(server: Server, way: str, races: int):
    session_id = server.client().new_session()
    method, path, body, won = WAYS[way]

    def write(text, etag):
        return lambda: (
            server.client()
            .request(method, "/api/v1" + path.format(session_id), body(session_id, text), If_Match=etag)
            .status
        )

    for race in range(races):
        etag = server.client().request("GET", f"/api/v1/sessions/{session_id}").headers["ETag"]
        statuses = raise_errors(together(*[write(f"Race {race}, writer {who}", etag) for who in range(5)]))
        assert sorted(statuses) == [won, 412, 412, 412, 412]
    assert len(server.client().transcript(session_id)) == {"rename": 0, "message": races, "turn": 2 * races}[way]


@pytest.mark.parametrize("way", ["message", "turn"])
@pytest.mark.parametrize("races", [5, pytest.param(100, marks=pytest.mark.soak)])
def test_an_index_has_one_winner_over_http(server: Server, way: str, races: int):
    session_id = server.client().new_session()
    method, path, body, won = WAYS[way]

    def write(index):
        expected = body(session_id, "x") | {"expected_index": index}
        return lambda: server.client().request(method, "/api/v1" + path.format(session_id), expected).status

    for race in range(races):
        statuses = raise_errors(together(*[write(race * (2 if way == "turn" else 1))] * 5))
        assert sorted(statuses) == [won, 409, 409, 409, 409]


# What is sent twenty times under one key, and the transcript after it. "here" is the session that is there already.
ONCE = {
    "message": ("/sessions/{}/messages", {"role": "user", "content": "once"}, ["once"]),
    "turn": ("/turns", {"session_id": "here", "user": "once", "assistant": "yes"}, ["once", "yes"]),
    "turn in a new session": ("/turns", {"user": "once", "assistant": "yes"}, ["once", "yes"]),
    "session": ("/sessions", {"messages": [{"role": "user", "content": "once"}]}, ["once"]),
}


@pytest.mark.parametrize("what", ONCE)
def test_twenty_at_once_under_one_idempotency_key(server: Server, what: str):
    path, body, expected = ONCE[what]
    here = server.client().new_session(tags=["twenty"])
    if "session_id" in body:
        body = body | {"session_id": here}

    def send():
        client = server.client()
        while True:
            answer = client.request("POST", "/api/v1" + path.format(here), body, Idempotency_Key=what.replace(" ", "-"))
            if answer.status != 409:
                return answer.status, answer.body
            assert answer.json()["code"] == KeyInUse.code, answer.body

    before = server.client().request("GET", "/api/v1/sessions").json()["count"]
    answers = raise_errors(together(*[send] * 20))
    assert {status for status, _ in answers} == {201}
    assert len({body for _, body in answers}) == 1
    made = json.loads(answers[0][1]).get("session_id", here)
    assert [text for _, text in server.client().transcript(made)] == expected
    assert server.client().request("GET", "/api/v1/sessions").json()["count"] == before + (made != here)


@transactional
def test_a_refusal_that_is_none_any_more_is_no_refusal(alice):
    """Archived when the indexes were asked for, restored when the reason was: the message is taken."""
    session = make_session(alice)

    def flicker():
        for _ in range(15):
            archive_session(actor=alice, session_id=session.pk)
            restore_session(actor=alice, session_id=session.pk)

    def write():
        for _ in range(30):
            try:
                append_messages(actor=alice, session_id=session.pk, messages=[user_message("x")])
            except SessionNotActive:
                continue

    raise_errors(together(flicker, write, write))
    assert_whole(session)


@transactional
def test_who_waited_for_a_session_is_told_all_of_it_as_it_is_then(alice, bob):
    session = make_session(alice, tags=["old"])

    def change():
        update_session(actor=alice, session_id=session.pk, tags=["new"])
        share(session, editor=bob)

    found = behind(change, lambda: update_session(actor=alice, session_id=session.pk, name="Another"))
    assert (found.version, tags_of(found), found.loaded_is_shared) == (session.version + 3, ["new"], True)


@transactional
@pytest.mark.parametrize(
    "write",
    [
        lambda bob, session: update_session(actor=bob, session_id=session.pk, name="Another"),
        lambda bob, session: append_messages(actor=bob, session_id=session.pk, messages=[user_message("late")]),
    ],
)
def test_who_is_taken_out_while_waiting_writes_nothing(alice, bob, write):
    session = share(make_session(alice), editor=bob)
    with pytest.raises(SessionNotFound):
        behind(
            lambda: remove_member(actor=alice, session_id=session.pk, user_id=bob.pk),
            lambda: write(bob, session),
        )
    assert_whole(session)


@transactional
def test_many_at_once_in_any_order(alice):
    """As with an Idempotency-Key, each in one transaction."""
    ids = [make_session(alice).pk for _ in range(8)]

    def apply(action, ids):
        with transaction.atomic():
            return apply_to_sessions(actor=alice, action=action, session_ids=ids)

    for _ in range(3):
        found = raise_errors(together(partial(apply, "pin", ids), partial(apply, "unpin", ids[::-1])))
        assert [outcome.problem for outcomes in found for outcome in outcomes] == [None] * 16
        assert [outcome.session_id for outcome in found[1]] == [str(pk) for pk in ids[::-1]]
    assert Session.objects.filter(pinned=True).count() in (0, 8)


@transactional
def test_new_tags_at_once_in_any_order(alice):
    """Nobody waits for somebody who waits for them, whatever order a database has for letters."""
    here, there = make_session(alice), make_session(alice)

    def attach(session, names):
        with transaction.atomic():
            attach_tags(session.pk, alice.pk, names)

    for number in range(10):
        names = [f"{number}/{letter}" for letter in range(200)]
        raise_errors(together(partial(attach, here, names), partial(attach, there, names[::-1])))
