"""How qdrant-client reaches its server: within limits of time and size that hold for everything it does."""

import time

import httpx

from sessions.exceptions import VectorStoreError, VectorStoreUnreachable
from sessions.storage.exchange import Limits, Partner, exchange

QDRANT = Partner("Qdrant", VectorStoreError, VectorStoreUnreachable)
_CONNECT_SECONDS = 2.0
_LARGEST_ANSWER = 128 * 2**20
_LEAST_SECONDS = 0.05
_OF_CONNECTIONS = ("connection", "transfer-encoding", "content-encoding", "content-length")


class BoundedTransport(httpx.BaseTransport):
    """Each request over a connection of its own. No redirect is followed, no proxy of the environment used."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read the whole answer. Raises VectorStoreError, VectorStoreUnreachable."""
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
