"""`manage.py mcp` as agents use it: the SDK's own client, a process, its standard input and output."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from sessions.mcp.calls import TOOLS
from sessions.models import ApiToken, Message, Role
from sessions.operations.tokens import revoke_token
from tests.factories import make_session

PROJECT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, str(PROJECT / "manage.py"), "mcp"]
Call = Callable[..., tuple[Any, bool]]


@pytest.fixture
def environment(settings, tmp_path: Path, monkeypatch) -> dict[str, str]:
    """What the process needs to find the test's own database and workspaces; the client waits until it has started."""
    monkeypatch.setattr("mcp.client.session.DISCOVER_TIMEOUT_SECONDS", 120)
    database = connection.settings_dict
    url = f"sqlite:///{database['NAME']}"
    if connection.vendor == "postgresql":
        url = f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{database['NAME']}"
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "tests.reliability.settings",  # the project's, with more patience
        "RESEARCHMIND_DATA_DIR": str(tmp_path),
        "RESEARCHMIND_WORKSPACE_ROOT": str(settings.WORKSPACE_ROOT),
    }


@contextmanager
def agent(environment: dict[str, str], **more: str) -> Iterator[tuple[Client, Call]]:
    """The SDK's client on a process of its own, and `call(tool, …)`: (the answer, whether it is an error)."""
    server = StdioServerParameters(command=COMMAND[0], args=COMMAND[1:], env=environment | more, cwd="/")
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Client(server)) as client:

        def call(tool: str, **arguments: Any) -> tuple[Any, bool]:
            result = portal.call(client.call_tool, tool, arguments)
            return json.loads(result.content[0].text), result.is_error

        client.listed = portal.call(client.list_tools).tools  # type: ignore[attr-defined]  # for the tests to read
        yield client, call


@pytest.mark.django_db(transaction=True)
def test_an_agent_reads_writes_and_is_sent_away(alice: User, alice_token: str, environment, tmp_path: Path) -> None:
    session = make_session(alice, "Mosses of the north", messages=3)
    keys = tmp_path / "token"
    keys.write_text(f"{alice_token}\n")
    with agent(environment, RESEARCHMIND_TOKEN_FILE=str(keys)) as (client, call):
        assert {tool.name for tool in client.listed} == set(TOOLS)
        assert {tool.name for tool in client.listed if tool.annotations.read_only_hint} == {
            name for name, tool in TOOLS.items() if not tool.writes
        }
        found, failed = call("search", q="mosses")
        assert not failed
        session_id = found["results"][0]["session_id"]
        said = [{"role": "assistant", "content": "Sphagnum – mostly.\n\u2028"}]
        assert call("append_messages", session_id=session_id, messages=said)[0]["first_index"] == 3
        assert Message.objects.get(session=session, index=3).role == Role.ASSISTANT
        assert call("read_session", session_id=session_id, after=2)[0]["messages"][0]["content"] == said[0]["content"]
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
        assert call("set_phase", session_id=session_id, phase="idea") == (
            {"session_id": session_id, "phase": "idea", "version": 1},
            False,
        )
        answer, failed = call("ask", session_id=session_id, question="Which?", unknown=1)
        assert (answer["code"], failed) == ("invalid", True)
        revoke_token(actor=alice, token_id=ApiToken.objects.get().pk)
        answer, failed = call("list_sessions")
        assert (answer["code"], failed) == ("invalid_token", True)


@pytest.mark.django_db(transaction=True)
def test_standard_output_is_the_protocol_alone(alice: User, alice_read_token: str, environment) -> None:
    session = make_session(alice, messages=1)
    lines = [
        {"id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {},
         "clientInfo": {"name": "old", "version": "1"}}},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": {"name": "read_session", "arguments": {
            "session_id": str(session.pk)}}},
        {"id": 3, "method": "tools/call", "params": {"name": "set_phase", "arguments": {
            "session_id": str(session.pk), "phase": "idea"}}},
    ]  # fmt: skip
    more = {"RESEARCHMIND_TOKEN": alice_read_token, "RESEARCHMIND_LOG_LEVEL": "DEBUG"}
    with subprocess.Popen(
        COMMAND,
        env=environment | more,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        answers = []
        for line in lines:
            process.stdin.write(json.dumps({"jsonrpc": "2.0"} | line) + "\n")
            process.stdin.flush()
            if "id" in line:
                answers.append(json.loads(process.stdout.readline()))
        User.objects.update(is_active=False)
        process.stdin.write(json.dumps({"jsonrpc": "2.0"} | lines[2]) + "\n")
        process.stdin.flush()
        answers.append(json.loads(process.stdout.readline()))
        process.stdin.close()
        rest, logged = process.stdout.read(), process.stderr.read()
    assert process.returncode == 0
    assert rest == ""
    assert answers[0]["result"]["serverInfo"]["title"] == "ResearchMind"
    texts = [answer["result"]["content"][0]["text"] for answer in answers[1:]]
    assert json.loads(texts[0])["messages"][0]["content"] == "message 0"
    assert [json.loads(text).get("code") for text in texts] == [None, "read_only_token", "invalid_token"]
    assert alice_read_token not in logged
    assert '"level": "debug"' in logged, "logs go to standard error"


def test_without_the_sdk_it_says_how_to_get_it(alice_token: str, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.delitem(sys.modules, "sessions.mcp.server", raising=False)
    monkeypatch.setenv("RESEARCHMIND_TOKEN", alice_token)
    with pytest.raises(CommandError, match=r"make mcp.*requirements/mcp\.txt"):
        call_command("mcp")


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({}, "Set RESEARCHMIND_TOKEN"),
        ({"RESEARCHMIND_TOKEN": " "}, "Set RESEARCHMIND_TOKEN"),
        ({"RESEARCHMIND_TOKEN_FILE": "/nowhere/token"}, "can't be read"),
        ({"RESEARCHMIND_TOKEN": "rm_wrong"}, "unknown, revoked or expired"),
    ],
)
def test_it_starts_with_a_token_that_is_good(db, monkeypatch, variables, sentence) -> None:
    for name in ("RESEARCHMIND_TOKEN", "RESEARCHMIND_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(CommandError, match=sentence):
        call_command("mcp")
