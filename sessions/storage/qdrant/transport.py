"""How qdrant-client reaches its server: within limits of time and size that hold for everything it does."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from sessions.exceptions import VectorStoreError, VectorStoreUnreachable
from sessions.storage.exchange import Limits, Partner, exchange

QDRANT = Partner("Qdrant", VectorStoreError, VectorStoreUnreachable)
_CONNECT_SECONDS = 2.0
_LARGEST_ANSWER = 128 * 2**20
_LEAST_SECONDS = 0.05
_OF_CONNECTIONS = ("connection", "transfer-encoding", "content-encoding", "content-length")


class _Gate:
    """After a failure one request at a time tries Qdrant until one succeeds; the others hear at once that it is away.

    So a Qdrant that hangs never holds more than one of a worker's threads for long.
    """

    def __init__(self) -> None:
        self._is_down = False
        self._probe = threading.Lock()

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Let a request through. Raises VectorStoreUnreachable while another one tries."""
        is_probe = self._is_down
        if is_probe and not self._probe.acquire(blocking=False):
            raise VectorStoreUnreachable("Qdrant was away a moment ago. Try again in a moment.")
        try:
            yield
        except VectorStoreError:
            self._is_down = True
            raise
        else:
            self._is_down = False
        finally:
            if is_probe:
                self._probe.release()


_gate = _Gate()


class BoundedTransport(httpx.BaseTransport):
    """Each request over a connection of its own. No redirect is followed, no proxy of the environment used."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read the whole answer. Raises VectorStoreError, VectorStoreUnreachable."""
        with _gate.passed():
            return self._send(request)

    def _send(self, request: httpx.Request) -> httpx.Response:
        left = max(self._until - time.monotonic(), _LEAST_SECONDS)
        limits = Limits(connect=min(_CONNECT_SECONDS, left), wait=left, total=left, size=_LARGEST_ANSWER)
        headers = {name: value for name, value in request.headers.items() if name not in _OF_CONNECTIONS}
        headers |= {"accept-encoding": "identity", "connection": "close"}
        body = request.read()
        if body:
            headers["content-length"] = str(len(body))
        with exchange(
            request.method, str(request.url), headers=headers, body=body, limits=limits, look=_nobody, partner=QDRANT
        ) as reply:
            content = reply.body()
            kind = {"content-type": reply.content_type or "application/octet-stream"}
            return httpx.Response(reply.status, headers=kind, content=content, request=request)


def _nobody() -> None:
    """Nothing ends an exchange early."""
