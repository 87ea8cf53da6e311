"""Chat on a real server: readers who leave, models that keep everybody waiting, twenty requests at once."""

import json
import socket
import threading
from collections.abc import Iterator

import psycopg
import pytest

from tests.model_server import ModelServerStub
from tests.reliability.server import Server, wait_until
from tests.together import raise_errors, together

ANSWER = "An *approximate* index."


@pytest.fixture(scope="module")
def connected(tmp_path_factory) -> Iterator[tuple[Server, ModelServerStub]]:
    """One worker with four threads, two of which may wait for the model server."""
    with ModelServerStub() as stub:
        directory = tmp_path_factory.mktemp("chat")
        with Server(directory, WORKERS=1, THREADS=4, MODEL_SERVER=stub.setting, LOG_LEVEL="ERROR") as server:
            yield server, stub


@pytest.fixture
def server(connected) -> Server:
    return connected[0]


@pytest.fixture
def stub(connected) -> Iterator[ModelServerStub]:
    """The model server, well again after each test."""
    stub = connected[1]
    stub.manner, stub.asked[:] = "well", []
    stub.go_on.clear()
    yield stub
    stub.go_on.set()


def question(session_id, **more):
    return {"session_id": session_id, "message": "What is HNSW?"} | more


@pytest.mark.parametrize("stream", [True, False])
def test_a_reader_who_hangs_up_leaves_nothing(server, stub, stream):
    """Seen although the model says nothing more: the model is left, the key may be used again."""
    session_id = server.client().new_session()
    stub.manner = "stall"
    body = json.dumps(question(session_id, stream=stream)).encode()
    head = (
        f"POST /api/v1/chat HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {server.token}\r\n"
        f"Idempotency-Key: {session_id}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=120) as connection:
        connection.sendall(head + body)
        assert stub.waiting.acquire(timeout=120)
        if stream:
            received = b""
            while b'"An "' not in received:
                part = connection.recv(65536)
                assert part, received
                received += part
            assert received.startswith(b"HTTP/1.1 200")
    assert stub.hung_up.acquire(timeout=120)
    assert server.client().transcript(session_id) == []
    stub.manner = "well"

    def again():
        answer = server.client().request(
            "POST", "/api/v1/chat", question(session_id, stream=stream), Idempotency_Key=session_id
        )
        return answer if answer.status != 409 else None

    assert ANSWER in wait_until(again).body.decode()
    assert [text for _, text in server.client().transcript(session_id)] == ["What is HNSW?", ANSWER]


def test_everybody_else_is_answered_while_models_think(server, stub):
    """Nothing is held meanwhile: neither the threads, nor a lock of the session, nor a connection to the database."""
    session_id = server.client().new_session()
    stub.manner = "hold"
    answers = []

    def ask():
        answers.append(server.client().request("POST", "/api/v1/chat", question(session_id)).status)

    asking = [threading.Thread(target=ask) for _ in range(2)]
    for thread in asking:
        thread.start()
    for _ in asking:
        assert stub.waiting.acquire(timeout=120)
    client = server.client()
    busy = client.request("POST", "/api/v1/chat", question(session_id))
    assert (busy.status, busy.json()["code"], busy.headers["Retry-After"]) == (503, "model_server_busy", "2")
    assert client.append(session_id, "from a script").status == 201
    assert client.request("GET", "/api/v1/sessions").status == 200
    if url := server.environment["DATABASE_URL"]:
        held = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
        with psycopg.connect(url, autocommit=True) as connection:  # the worker of jobs may be amid a transaction
            wait_until(lambda: connection.execute(held).fetchone() == (0,), what="nothing is held")
    stub.go_on.set()
    for thread in asking:
        thread.join(120)
    assert answers == [201, 201]
    texts = [text for _, text in client.transcript(session_id)]
    assert texts == ["from a script", *["What is HNSW?", ANSWER] * 2]


@pytest.mark.parametrize("stream", [True, False])
def test_twenty_at_once_under_one_key(server, stub, stream):
    session_id = server.client().new_session()

    def send():
        client = server.client()
        while True:
            answer = client.request(
                "POST", "/api/v1/chat", question(session_id, stream=stream), Idempotency_Key=session_id
            )
            if answer.status != 409:
                return answer.status, answer.body.decode().partition("event: done")[2] if stream else answer.body

    answers = raise_errors(together(*[send] * 20))
    assert {status for status, _ in answers} == {200 if stream else 201}
    assert len({body for _, body in answers}) == 1
    assert len(stub.questions) == 1, "the model was asked once"
    assert [text for _, text in server.client().transcript(session_id)] == ["What is HNSW?", ANSWER]


@pytest.mark.parametrize("precondition", ["etag", "index"])
@pytest.mark.parametrize("races", [3, pytest.param(100, marks=pytest.mark.soak)])
def test_an_etag_and_an_index_have_one_winner(server, stub, races, precondition):
    session_id = server.client().new_session()
    for race in range(races):
        etag = server.client().request("GET", f"/api/v1/sessions/{session_id}").headers["ETag"]
        body, headers = question(session_id), {"If_Match": etag}
        if precondition == "index":
            body, headers = question(session_id, expected_index=2 * race), {}

        def ask(body=body, headers=headers):
            return server.client().request("POST", "/api/v1/chat", body, **headers).status

        assert sorted(raise_errors(together(ask, ask))) == [201, 412 if precondition == "etag" else 409]
        assert len(server.client().transcript(session_id)) == 2 * race + 2
