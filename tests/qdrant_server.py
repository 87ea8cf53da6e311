"""A Qdrant of the tests' own: a real socket that speaks its protocol, over qdrant-client's local mode, or badly."""

import json
import threading
import time
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from qdrant_client import QdrantClient, models


class QdrantStub:
    """Answers as `manner` says, by 500 where `refused` is in the path. `asked` has what it was: method, path, headers.

    Manners: `well`; `hang` says nothing for ever; `drip` sends a byte now and then; `redirect` to
    `elsewhere`; `break off` hangs up amid an answer; a number is a status; bytes are a body.
    """

    def __init__(self) -> None:
        self.manner: str | int | bytes = "well"
        self.elsewhere = ""
        self.refused = ""
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.local = QdrantClient(":memory:")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"stub": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def names(self) -> set[str]:
        """The collections that it has."""
        with self.lock:
            return {found.name for found in self.local.get_collections().collections}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: list[str], body: Any) -> Any:
        """What Qdrant would answer; KeyError where it has no such collection."""
        if path == ["collections"]:
            return json.loads(self.local.get_collections().model_dump_json())
        name, *rest = path[1:]
        exists = self.local.collection_exists(name)
        if rest == ["exists"]:
            return {"exists": exists}
        if not rest and method == "PUT":
            return self.local.create_collection(name, vectors_config=models.VectorParams(**body["vectors"]))
        if not exists:
            raise KeyError(name)
        if not rest:
            return self._collection(method, name)
        return self._points(method, name, rest[1:], body)

    def _collection(self, method: str, name: str) -> Any:
        if method == "DELETE":
            return self.local.delete_collection(name)
        return json.loads(self.local.get_collection(name).model_dump_json())

    def _points(self, method: str, name: str, rest: list[str], body: Any) -> Any:
        done = {"operation_id": 0, "status": "completed"}
        if rest == [] and method == "PUT":
            self.local.upsert(name, points=[models.PointStruct(**point) for point in body["points"]])
            return done
        if rest == ["delete"]:
            self.local.delete(name, points_selector=body["points"])
            return done
        if rest == ["count"]:
            return {"count": self.local.count(name, exact=True).count}
        if rest == []:
            return _plain(self.local.retrieve(name, ids=body["ids"], with_payload=False))
        shown = {"limit": body["limit"], "with_payload": True}
        if rest == ["scroll"]:
            more = {"offset": body.get("offset"), "with_vectors": body.get("with_vector", False)}
            points, following = self.local.scroll(name, **shown, **more)
            return {"points": _plain(points), "next_page_offset": following}
        assert rest == ["query"], rest
        found = self.local.query_points(name, query=body["query"]["nearest"], **shown)
        return {"points": _plain(found.points)}


def _plain(records: Any) -> Any:
    return [json.loads(record.model_dump_json()) for record in records]


class _Handler(BaseHTTPRequestHandler):
    stub: QdrantStub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.stub.asked.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}))
        try:
            self._behave(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_POST = do_PUT = do_DELETE = do_GET

    def _behave(self, body: bytes) -> None:
        manner = 500 if self.stub.refused and self.stub.refused in self.path else self.stub.manner
        if manner == "hang":
            self.stub.over.wait()
        elif manner == "drip":
            self._drip()
        elif manner == "break off":
            self._send(200, b'{"result": ', length=100)
            self.close_connection = True
        elif manner == "redirect":
            self._send(307, b"", {"Location": self.stub.elsewhere + self.path})
        elif isinstance(manner, int):
            self._send(manner, b'{"status": {"error": "no luck today"}}')
        elif isinstance(manner, bytes):
            self._send(200, manner)
        else:
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        path = urlsplit(self.path).path.strip("/").split("/")
        with self.stub.lock, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                result = self.stub.answer(self.command, path, json.loads(body) if body else None)
            except KeyError as missing:
                self._send(404, json.dumps({"status": {"error": f"Collection {missing} doesn't exist!"}}).encode())
                return
        self._send(200, json.dumps({"result": result, "status": "ok", "time": 0.001}).encode())

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None, length: int | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def _drip(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
        while not self.stub.over.is_set():
            self.wfile.write(b" ")
            time.sleep(0.05)
