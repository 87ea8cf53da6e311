"""POST /chat with `stream`, and what others do to the session meanwhile."""

from datetime import timedelta

import pytest
from django.utils import timezone

from sessions.models import ApiToken, IdempotencyKey, Message
from sessions.operations import chat
from sessions.operations.editing import edit_message, set_system_prompt
from sessions.operations.lifecycle import archive_session, purge_session, trash_session
from sessions.operations.transcript import append_messages
from tests.api.asking import ANSWER, ask, events
from tests.api.contract import assert_problem
from tests.factories import user_message
from tests.whole import assert_whole, transcript

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("connection_stays")]
KEY = {"Idempotency-Key": "one"}


class TestStream:
    def test_events(self, owner, session, url, model_server):
        model_server.thinking = "Hm."
        response = ask(owner, session, stream=True)
        assert response.headers["X-Accel-Buffering"] == "no"
        assert response.headers["Cache-Control"] == "private, no-store"
        *deltas, (name, done) = events(response)
        assert name == "done"
        assert {name for name, _ in deltas} == {"delta"}
        assert "".join(data["content"] for _, data in deltas) == ANSWER
        assert "".join(data["thinking"] for _, data in deltas) == "Hm."
        assert done["session_id"] == str(session.pk)
        assert owner.get(f"{url}/messages?after=3").json()["messages"] == [
            done["user_message"],
            done["assistant_message"],
        ]

    def test_a_retry_gets_the_last_event_again(self, owner, session, model_server):
        done = events(ask(owner, session, stream=True, headers=KEY))[-1]
        again = ask(owner, session, stream=True, headers=KEY)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert events(again) == [done]
        assert len(model_server.questions) == 1
        assert len(transcript(session)) == 6

    @pytest.mark.usefixtures("nothing_is_collected")
    def test_stopped(self, owner, session, model_server):
        """At once, and not when somebody forgets the response: the model is left."""
        model_server.manner = "stall"
        response = ask(owner, session, stream=True, headers=KEY)
        parts = iter(response.streaming_content)
        while b"delta" not in next(parts):
            pass
        response.close()
        assert model_server.hung_up.acquire(timeout=30)
        assert len(transcript(session)) == 4
        assert not IdempotencyKey.objects.exists()
        assert_whole(session)

    def test_never_read(self, owner, session, model_server):
        ask(owner, session, stream=True, headers=KEY).close()
        assert not IdempotencyKey.objects.exists()
        assert model_server.questions == []

    def test_under_way(self, owner, session, model_server):
        response = ask(owner, session, stream=True, headers=KEY)
        next(iter(response.streaming_content))
        assert_problem(ask(owner, session, stream=True, headers=KEY), 409, "idempotency_key_in_use")
        response.close()

    def test_a_token_that_is_revoked_meanwhile(self, owner, session, model_server, monkeypatch):
        monkeypatch.setattr(chat, "LOOK_SECONDS", 0)
        response = ask(owner, session, stream=True)
        ApiToken.objects.update(revoked_at=timezone.now())
        name, problem = events(response)[-1]
        assert (name, problem["code"]) == ("error", "answer_stopped")
        assert len(transcript(session)) == 4

    def test_the_claim_is_renewed(self, owner, session, model_server, monkeypatch):
        """A slow answer isn't taken over: its claim is as old as the last look."""
        monkeypatch.setattr(chat, "LOOK_SECONDS", 0)
        response = ask(owner, session, stream=True, headers=KEY)
        IdempotencyKey.objects.update(claimed_at=timezone.now() - timedelta(minutes=2))
        parts = iter(response.streaming_content)
        while b"delta" not in next(parts):
            pass
        assert_problem(ask(owner, session, stream=True, headers=KEY), 409, "idempotency_key_in_use")
        assert b"event: done" in b"".join(parts)


class TestPutAway:
    @pytest.mark.parametrize(
        ("away", "status", "code"),
        [(archive_session, 409, "session_archived"), (trash_session, 404, "session_not_found")],
    )
    def test_before(self, owner, alice, session, model_server, away, status, code):
        away(actor=alice, session_id=session.pk)
        for stream in (False, True):
            assert_problem(ask(owner, session, stream=stream), status, code)
        assert model_server.questions == []

    @pytest.mark.parametrize(
        ("away", "code"),
        [
            (archive_session, "session_archived"),
            (trash_session, "session_not_found"),
            (purge_session, "session_not_found"),
        ],
    )
    def test_meanwhile(self, owner, alice, session, model_server, away, code):
        response = ask(owner, session, stream=True)
        away(actor=alice, session_id=session.pk)
        name, problem = events(response)[-1]
        assert (name, problem["code"]) == ("error", code)
        assert Message.objects.count() in (0, 4)


class TestWritersMeanwhile:
    def test_what_was_appended_stays_before(self, owner, alice, session, model_server):
        response = ask(owner, session, stream=True)
        append_messages(actor=alice, session_id=session.pk, messages=[user_message("from a script")])
        name, done = events(response)[-1]
        assert (name, done["user_message"]["index"]) == ("done", 5)
        assert transcript(session)[4:] == ["from a script", "What is HNSW?", ANSWER]
        assert_whole(session)

    @pytest.mark.parametrize(
        "edit",
        [
            lambda actor, session_id: edit_message(actor=actor, session_id=session_id, index=2, content="other"),
            lambda actor, session_id: set_system_prompt(actor=actor, session_id=session_id, content="other"),
        ],
    )
    def test_what_was_read_was_edited(self, owner, alice, session, model_server, edit):
        response = ask(owner, session, stream=True, headers=KEY)
        edit(alice, session.pk)
        after = transcript(session)
        name, problem = events(response)[-1]
        assert (name, problem["status"], problem["code"]) == ("error", 409, "transcript_changed")
        assert transcript(session) == after
        assert problem["state"]["message_count"] == len(after)
        assert_whole(session)
        assert events(ask(owner, session, stream=True, headers=KEY))[-1][0] == "done", "the key may be used again"

    def test_preconditions(self, owner, alice, session, model_server):
        assert_problem(ask(owner, session, expected_index=3), 409, "unexpected_index")
        assert_problem(ask(owner, session, headers={"If-Match": '"7"'}), 412, "stale_version")
        assert model_server.questions == []
        index, version = {"expected_index": 4}, {"headers": {"If-Match": '"2"'}}
        for more, code in ((index, "unexpected_index"), (version, "stale_version")):
            response = ask(owner, session, stream=True, **more)
            append_messages(actor=alice, session_id=session.pk, messages=[user_message()])
            assert events(response)[-1][1]["code"] == code
        assert len(transcript(session)) == 6
        assert ask(owner, session, expected_index=6, headers={"If-Match": '"3"'}).status_code == 201
