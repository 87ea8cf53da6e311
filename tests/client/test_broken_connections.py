"""The HTTP store on a bad line: what is sent again carries the same key, and what is refused isn't sent again."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from researchmind.client import HttpSessionStore, Invalid, StoreError, Unavailable


class Line:
    """A server that gives the answers that it was told, one after the other, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], object] | None] = []
        self.asked: list[tuple[str, str, str | None]] = []
        self.url = ""


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            line.asked.append((self.command, self.path, self.headers.get("Idempotency-Key")))
            given = line.answers.pop(0)
            if given is None:  # done, but the answer is lost
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            status, headers, body = given
            data = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = do_PUT = answer

        def log_message(self, *args: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    line.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield line
    server.shutdown()
    server.server_close()


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the client would have slept; other threads sleep as they like."""
    slept: list[float] = []
    here, sleep = threading.get_ident(), time.sleep

    def nap(seconds: float) -> None:
        (slept.append if threading.get_ident() == here else sleep)(seconds)

    monkeypatch.setattr(time, "sleep", nap)
    return slept


def test_a_lost_answer_is_asked_for_with_the_same_key(line, naps):
    line.answers = [None, (503, {"Retry-After": "7"}, {}), (201, {}, {"session_id": "x"})]
    assert HttpSessionStore(line.url, "t").create_session(name="x") == {"session_id": "x"}
    keys = {key for _, _, key in line.asked}
    assert len(line.asked) == 3
    assert len(keys) == 1
    assert None not in keys
    assert naps[1] == 7, "the server said how long"
    line.answers = [(201, {}, {})]
    HttpSessionStore(line.url, "t").add_log("x", "y")
    assert line.asked[-1][2] not in keys, "another request, another key"


def test_under_way_is_waited_for(line, naps):
    line.answers = [(409, {}, {"code": "idempotency_key_in_use"}), (429, {"Retry-After": "1"}, {}), (201, {}, {})]
    HttpSessionStore(line.url, "t").add_log("x", "y")
    assert len(line.asked) == 3


def test_deleted_although_the_answer_was_lost(line, naps):
    line.answers = [None, (404, {}, {"code": "session_not_found"})]
    HttpSessionStore(line.url, "t").delete_session("x")


def test_the_server_says_until_when(line, naps):
    until = formatdate(time.time() + 40, usegmt=True)
    line.answers = [(503, {"Retry-After": until}, {}), (503, {"Retry-After": "soon"}, {}), (201, {}, {})]
    HttpSessionStore(line.url, "t").add_log("x", "y")
    assert 20 < naps[0] <= 40
    assert naps[1] < 2
    line.answers = [(429, {"Retry-After": "300"}, {})]
    with pytest.raises(Unavailable) as refused:
        HttpSessionStore(line.url, "t").add_log("x", "y")
    assert refused.value.retry_after == 300, "nobody sleeps so long without having been asked"
    assert len(naps) == 2


def test_it_gives_up(line, naps):
    line.answers = [(500, {}, {})] * 3
    with pytest.raises(Unavailable) as failed:
        HttpSessionStore(line.url, "t", attempts=3).set_phase("x", "idea")
    assert (failed.value.status, len(line.asked)) == (500, 3)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"  # as long as it is ours and doesn't listen
        with pytest.raises(Unavailable):
            HttpSessionStore(nobody, "t", attempts=2).list_sessions()


def test_a_refusal_is_not_sent_again(line, naps):
    errors = [{"loc": "message", "message": "Field required"}]
    line.answers = [(422, {}, {"code": "invalid", "detail": "No.", "errors": errors})]
    with pytest.raises(Invalid, match=r"No\. message: Field required") as refused:
        HttpSessionStore(line.url, "t").add_log("x", "y")
    assert (refused.value.code, len(line.asked), naps) == ("invalid", 1, [])


def test_another_host_never_gets_the_token(line, naps):
    line.answers = [(302, {"Location": f"{line.url}/elsewhere"}, {})]
    with pytest.raises(StoreError):
        HttpSessionStore(line.url, "t").list_sessions()
    assert len(line.asked) == 1


def test_something_else_answers(line, naps):
    """A page of a proxy's, or another program's: an error of ours, never a session that seems not to be there."""
    for answer in ((200, {}, ["a page"]), (404, {}, {"detail": "Not Found"})):
        line.answers = [answer, answer]
        for call in (
            HttpSessionStore(line.url, "t").list_sessions,
            lambda: HttpSessionStore(line.url, "t").get_session("x"),
        ):
            with pytest.raises(StoreError):
                call()
    with pytest.raises(ValueError, match="address"):
        HttpSessionStore("127.0.0.1:8000", "t")


def test_a_token_from_a_file_ends_in_a_line(line, naps):
    line.answers = [(201, {}, {})]
    HttpSessionStore(line.url, "t\n").add_log("x", "y")
