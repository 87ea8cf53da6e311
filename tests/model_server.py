"""A model server of the tests' own: a real socket that speaks Ollama's protocol or OpenAI's, well or badly."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

CERTIFICATE = Path(__file__).with_suffix(".pem")  # of 127.0.0.1, signed by nobody, with its key: for tests alone
MODELS = ("qwen3:14b", "llama3:latest")


class ModelServerStub:
    """Answers as `manner` says; what it was asked is in `asked`: path, headers, body.

    Manners: `well` streams `pieces` and tells `counts`; `hold` sends the first piece and waits for
    `go_on`; `stall` sends it and waits for ever; `mute` sends nothing; `break off` hangs up amid a
    line, `end early` ends as if nothing were missing; `drip` sends a byte now and then, `gigabyte`
    sends and sends; `redirect` to `elsewhere`; `error` tells of one in the stream; `nothing` is an
    empty answer; `at once` doesn't stream; a number is a status; bytes are a body.
    """

    def __init__(self, kind: str = "ollama", *, certificate: Path | None = None) -> None:
        self.kind = kind
        self.scheme = "https" if certificate else "http"
        self.manner: str | int | bytes = "well"
        self.models: tuple[str, ...] = MODELS
        self.pieces = ["An ", "*ap", "proximate* ", "index."]
        self.thinking = ""
        self.counts: tuple[int, int] | None = (26, 5)
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        self.elsewhere = ""
        self.go_on = threading.Event()
        self.waiting = threading.Semaphore(0)  # released whenever an answer comes to the place where it waits
        self.hung_up = threading.Semaphore(0)  # released whenever somebody stopped listening
        self.is_over = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"stub": self}))
        self._server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{self.scheme}://127.0.0.1:{self._server.server_port}"

    @property
    def setting(self) -> str:
        """RESEARCHMIND_MODEL_SERVER for it."""
        return f"{self.kind}:{self.url}"

    @property
    def questions(self) -> list[Any]:
        """The bodies of what was asked of its models."""
        return [body for path, _, body in self.asked if body is not None]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if not self.is_over:
            self.stop()
        self._door.close()

    def stop(self) -> None:
        """Close the door: nobody answers any more, and no other program opens it meanwhile."""
        self.is_over = True
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()
        self._door = socket.socket()  # which has the port as long as it is there, and doesn't listen
        self._door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._door.bind(("127.0.0.1", self._server.server_port))


class _Handler(BaseHTTPRequestHandler):
    stub: ModelServerStub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        self.stub.asked.append((self.path, dict(self.headers), None))
        listed = {"/api/tags": _tags, "/v1/models": _data}.get(self.path)
        if isinstance(self.stub.manner, int):
            self._answer(self.stub.manner, json.dumps({"error": "no luck today"}).encode())
        elif self.stub.manner == "redirect":
            self._redirect()
        elif listed is None:
            self._answer(404, b"{}")
        else:
            self._answer(200, json.dumps(listed(self.stub.models)).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.stub.asked.append((self.path, dict(self.headers), body))
        try:
            self._chat(body)
        except (BrokenPipeError, ConnectionResetError):
            self.stub.hung_up.release()
            self.close_connection = True

    def _chat(self, body: Any) -> None:
        known = "/api/chat" if self.stub.kind == "ollama" else "/v1/chat/completions"
        if self.path != known or body["model"] not in self.stub.models:
            self._answer(404, json.dumps({"error": f"model '{body['model']}' not found"}).encode())
        elif isinstance(self.stub.manner, int):
            self._answer(self.stub.manner, json.dumps({"error": {"message": "no\n luck"}}).encode())
        elif isinstance(self.stub.manner, bytes):
            self._answer(200, self.stub.manner)
        elif self.stub.manner == "redirect":
            self._redirect()
        elif self.stub.manner == "at once":
            self._answer(200, json.dumps(_at_once(self.stub)).encode())
        else:
            self._stream()

    def _stream(self) -> None:
        if self.stub.manner == "mute":
            self._wait()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson" if self.stub.kind == "ollama" else "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, line in enumerate(_lines(self.stub)):
            self._chunk(line)
            if number == 0 and self.stub.manner in ("hold", "stall"):
                self._wait()
        if self.stub.manner == "break off":
            self.wfile.write(b'40\r\n{"message": {"content": "and')
            self.close_connection = True
            return
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def _wait(self) -> None:
        self.stub.waiting.release()
        self.wfile.flush()
        self.connection.settimeout(0.02)
        while not self.stub.go_on.is_set() or self.stub.manner in ("stall", "mute"):
            try:
                if self.stub.is_over or not self.connection.recv(1):
                    raise BrokenPipeError
            except TimeoutError:
                continue
        self.connection.settimeout(None)

    def _redirect(self) -> None:
        self.send_response(307)
        self.send_header("Location", self.stub.elsewhere + self.path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _tags(models: tuple[str, ...]) -> dict[str, Any]:
    return {"models": [{"name": name, "model": name, "size": 9_276_198_565} for name in models]}


def _data(models: tuple[str, ...]) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": name, "object": "model"} for name in models]}


def _lines(stub: ModelServerStub) -> Iterator[bytes]:
    write = _ollama if stub.kind == "ollama" else _openai
    if stub.manner == "gigabyte":
        line = write(content="x" * 60_000)
        yield from (line for _ in range(2**30 // len(line)))
    if stub.manner == "drip":
        while not stub.is_over:
            time.sleep(0.02)
            yield b" "
    if stub.manner == "error":
        yield write(content="An ")
        yield json.dumps({"error": "out of memory"}).encode() + b"\n"
        return
    if stub.thinking:
        yield write(thinking=stub.thinking)
    for piece in [] if stub.manner == "nothing" else stub.pieces:
        yield write(content=piece)
    if stub.manner in ("break off", "end early"):
        return
    prompt, answer = stub.counts or (None, None)
    if stub.kind == "ollama":
        counts = {"prompt_eval_count": prompt, "eval_count": answer} if stub.counts else {}
        last = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop", **counts}
        yield json.dumps(last).encode() + b"\n"
        return
    usage = {"prompt_tokens": prompt, "completion_tokens": answer} if stub.counts else None
    for last in (
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": usage},
    ):
        yield b"data: " + json.dumps(last).encode() + b"\n\n"
    yield b"data: [DONE]\n\n"


def _ollama(**message: str) -> bytes:
    line = {"model": MODELS[0], "message": {"role": "assistant", "content": "", **message}, "done": False}
    return json.dumps(line).encode() + b"\n"


def _openai(content: str = "", thinking: str = "") -> bytes:
    delta = {"content": content} if content else {"reasoning_content": thinking}
    chunk = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _at_once(stub: ModelServerStub) -> dict[str, Any]:
    message = {"role": "assistant", "content": "".join(stub.pieces)}
    if stub.kind == "ollama":
        return {"message": message, "done": True, "prompt_eval_count": 26, "eval_count": 5}
    usage = {"prompt_tokens": 26, "completion_tokens": 5}
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
