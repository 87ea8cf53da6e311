"""examples/record_transcript.py, run as a user runs it, against a live server."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sessions.models import IdempotencyKey, Message, Session

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "record_transcript.py"

pytestmark = pytest.mark.django_db(transaction=True)


def line(kind, content, at="2026-01-02T03:04:05.678Z", **more):
    """A line of a transcript. `message` holds more of the message, the rest is the line's."""
    message = {"role": kind, "content": content} | more.pop("message", {})
    return {"type": kind, "timestamp": at, "sessionId": "s", "uuid": "u", "message": message} | more


TRANSCRIPT = [
    {"type": "file-history-snapshot", "snapshot": {}},
    line("user", "Which index keeps recall above 0.95?"),
    line("user", "not said by anybody", isMeta=True),
    line("user", "of another agent", isSidechain=True),
    line("assistant", [{"type": "thinking", "thinking": "Hm."}], message={"id": "m1", "model": "big-1"}),
    line(
        "assistant",
        [{"type": "text", "text": "I look."}],
        message={"id": "m1", "model": "big-1", "usage": {"input_tokens": 7, "output_tokens": 8}},
    ),
    line(
        "assistant",
        [{"type": "tool_use", "id": "t1", "name": "Grep", "input": {"pattern": "recall"}}],
        message={"id": "m1", "model": "big-1", "usage": {"input_tokens": 7, "output_tokens": 9}},
    ),
    line(
        "user",
        [
            {
                "type": "tool_result",
                "tool_use_id": "t1",
                "content": [{"type": "text", "text": "bin\x00ary"}],
                "is_error": True,
            },
            {"type": "text", "text": "And this?"},
            {"type": "image", "source": {}},
        ],
    ),
    line("assistant", "HNSW \ud83d.", "2026-01-02T04:00:00+01:00", message={"id": "m2", "model": "big-2"}),
    {"type": "summary", "summary": "Recall of indexes", "leafUuid": "u"},
]


def record(path, *arguments, token=None):
    """Run the script; its environment holds nothing but the token."""
    environment = {"PATH": os.environ["PATH"]} | ({"RESEARCHMIND_TOKEN": token} if token else {})
    command = [sys.executable, str(SCRIPT), str(path), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)


@pytest.fixture
def transcript(tmp_path):
    """A file with all that such files hold, and a line that was cut off."""
    path = tmp_path / "talk.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in TRANSCRIPT) + '{"type": "user", "mess')
    return path


def test_everything_is_kept(live_server, transcript, alice_token):
    done = record(transcript, "--url", f"{live_server.url}/", token=alice_token)
    assert (done.returncode, done.stderr) == (0, "")
    session = Session.objects.get()
    assert done.stdout == f"{live_server.url}/sessions/{session.pk}/\n"
    assert (session.name, session.model, session.metadata) == (
        "Recall of indexes",
        "big-2",
        {"recorded_from": "talk.jsonl"},
    )
    question, answer, result, more, last = Message.objects.of(session.pk)
    assert (question.role, question.content) == ("user", "Which index keeps recall above 0.95?")
    assert question.created_at.isoformat() == "2026-01-02T03:04:05.678000+00:00"
    assert (answer.role, answer.content, answer.thinking, answer.model) == ("assistant", "I look.", "Hm.", "big-1")
    assert answer.tool_calls == [{"id": "t1", "name": "Grep", "arguments": {"pattern": "recall"}}]
    assert (answer.prompt_eval_count, answer.eval_count) == (7, 9)
    assert (result.role, result.tool_name, result.tool_call_id) == ("tool", "Grep", "t1")
    assert (result.content, result.metadata) == ("bin\ufffdary", {"is_error": True})
    assert (more.role, more.content) == ("user", "And this?\n\n[image]")
    assert last.content == "HNSW \ufffd."
    assert last.created_at.isoformat() == "2026-01-02T03:00:00+00:00"


def test_a_long_one_goes_in_batches_each_with_its_key(live_server, tmp_path, alice_token):
    path = tmp_path / "long.jsonl"
    path.write_text("".join(json.dumps(line("user", f"message {number}")) + "\n" for number in range(450)))
    done = record(path, "--url", live_server.url, "--token", alice_token, "--name", "A long one")
    assert done.returncode == 0, done.stderr
    session = Session.objects.get()
    assert session.name == "A long one"
    assert list(Message.objects.of(session.pk).values_list("content", flat=True)) == [
        f"message {n}" for n in range(450)
    ]
    assert IdempotencyKey.objects.count() == 3


def test_a_title_that_is_too_long(live_server, tmp_path, alice_token):
    path = tmp_path / "titled.jsonl"
    path.write_text(
        json.dumps(line("user", "x")) + "\n" + json.dumps({"type": "ai-title", "aiTitle": "y" * 300}) + "\n"
    )
    assert record(path, "--url", live_server.url, token=alice_token).returncode == 0
    assert Session.objects.get().name == "y" * 254 + "…"


@pytest.mark.parametrize(
    ("arguments", "token", "sentence"),
    [
        (["--url", "{url}"], None, "give --token or set RESEARCHMIND_TOKEN"),
        (["--url", "{url}"], "rm_wrong", "401 This token is unknown, revoked or expired."),
        (["--url", "file:///etc"], "rm_x", "must start with http:// or https://"),
    ],
)
def test_what_goes_wrong_is_said(live_server, transcript, arguments, token, sentence):
    done = record(transcript, *[argument.format(url=live_server.url) for argument in arguments], token=token)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not Session.objects.exists()


def test_files_that_are_none(live_server, tmp_path, alice_token):
    assert "there is no file" in record(tmp_path / "nothing", token=alice_token).stderr
    (tmp_path / "other.jsonl").write_text('[1]\n{"type": "user"}\nnonsense\n')
    done = record(tmp_path / "other.jsonl", "--url", live_server.url, token=alice_token)
    assert done.stderr == f"{tmp_path / 'other.jsonl'} holds no messages of Claude Code.\n"


def test_a_refusal_is_explained(live_server, tmp_path, alice_token):
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(line("user", "x")) + "\n")
    done = record(path, "--url", live_server.url, "--name", "n" * 256, token=alice_token)
    assert "422" in done.stderr
    assert "name: At most 255 characters." in done.stderr


@pytest.mark.soak
def test_a_server_that_is_away(transcript):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"  # nobody's as long as it is ours and doesn't listen
        done = record(transcript, "--url", url, token="rm_x")
    assert "can't be reached" in done.stderr
