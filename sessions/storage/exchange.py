"""One request to a server that may be gone, hang, drip or lie: bounded in time and in size, whatever it does.

httpcore is used as it is: it follows no redirect, keeps no cookies and reads no proxy out of the
environment. Its own time limit is for one read, so a server that drips could go on for ever; here
every read ends after a moment, to look at the clock and at whoever waits.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpcore

from sessions.exceptions import SessionError

_LOOK_SECONDS = 0.25
_PIECE = 2**14  # bytes: httpcore's own limit is for one call of the system, however many a write needs
LONGEST_LINE = 2**20
_KEY = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class Partner:
    """Who is at the other end, as errors call it, and the errors: for what it does, and if nobody answers the door."""

    name: str
    failed: type[SessionError]
    unreachable: type[SessionError]


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds to connect, between two pieces of an answer and for the whole exchange; bytes of an answer."""

    connect: float
    wait: float
    total: float
    size: int


class _Watch:
    """What is left of an exchange's time and size."""

    def __init__(self, limits: Limits, look: Callable[[], None], partner: Partner) -> None:
        self.limits = limits
        self.partner = partner
        self._look = look
        self._until = time.monotonic() + limits.total
        self._size = 0

    def left(self) -> float:
        """Seconds that are left. Raises the partner's error when there are none, and what `look` raises."""
        self._look()
        left = self._until - time.monotonic()
        if left <= 0:
            raise self.failed(f"took longer than {self.limits.total:g} seconds, so it was left.")
        return left

    def failed(self, what: str) -> SessionError:
        """The partner's error for what it did."""
        return self.partner.failed(f"{self.partner.name} {what}")

    def count(self, size: int) -> None:
        """Note bytes that came. Raises the partner's error when they are too many."""
        self._size += size
        if self._size > self.limits.size:
            raise self.failed(f"sent more than {self.limits.size // 2**20} MiB, so it was left.")


class _WatchedStream(httpcore.NetworkStream):
    """A connection whose reads look up every moment."""

    def __init__(self, stream: httpcore.NetworkStream, watch: _Watch) -> None:
        self._stream = stream
        self._watch = watch

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what comes next. Raises the partner's error when nothing comes for too long."""
        until = time.monotonic() + self._watch.limits.wait
        while True:
            pause = min(self._watch.left(), _LOOK_SECONDS)
            is_last = time.monotonic() >= until  # asked before reading: what has come while we were held up counts
            try:
                data = self._stream.read(max_bytes, pause)
            except httpcore.ReadTimeout:
                if not is_last:
                    continue
                seconds = f"{self._watch.limits.wait:g} seconds"
                raise self._watch.failed(f"said nothing for {seconds}, so it was left.") from None
            self._watch.count(len(data))
            return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send, looking up after each piece; a server that takes nothing is given up as one that says nothing."""
        for start in range(0, len(buffer), _PIECE):
            pause = min(self._watch.left(), self._watch.limits.wait)
            self._stream.write(buffer[start : start + _PIECE], pause)

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Speak TLS from here on; the certificate is checked."""
        return _WatchedStream(self._stream.start_tls(ssl_context, server_hostname, timeout), self._watch)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks of a connection."""
        return self._stream.get_extra_info(info)


class _WatchedNetwork(httpcore.SyncBackend):
    """Makes connections that are watched."""

    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self._watch = watch

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        """Connect, within httpcore's own limit."""
        return _WatchedStream(super().connect_tcp(*args, **kwargs), self._watch)


class Reply:
    """An answer as it comes."""

    def __init__(self, response: httpcore.Response, watch: _Watch) -> None:
        self._response = response
        self._watch = watch
        self.status = response.status
        headers = {name.lower(): value for name, value in response.headers}
        self.content_type = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()

    def body(self) -> bytes:
        """All of it; the exchange's limit bounds it."""
        return b"".join(self._response.iter_stream())

    def lines(self) -> Iterator[bytes]:
        """Its lines, each as soon as it is there. Raises the partner's error for one that doesn't end."""
        rest = b""
        for part in self._response.iter_stream():
            *lines, rest = (rest + part).split(b"\n")
            yield from lines
            if len(rest) > LONGEST_LINE:
                raise self._watch.failed("sent a line without an end, so it was left.")
        if rest:
            yield rest


@contextmanager
def exchange(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes = b"",
    limits: Limits,
    look: Callable[[], None],
    partner: Partner,
) -> Iterator[Reply]:
    """Send a request and give its answer. `look` is called every moment and may raise to end it.

    Raises the partner's errors, that it can't be reached if nobody answers the door.
    """
    watch = _Watch(limits, look, partner)
    timeouts = {"connect": min(limits.connect, limits.total), "pool": limits.connect}
    try:
        with (
            httpcore.ConnectionPool(network_backend=_WatchedNetwork(watch), max_connections=1) as pool,
            pool.stream(
                method, url, headers=list(headers.items()), content=body, extensions={"timeout": timeouts}
            ) as response,
        ):
            yield Reply(response, watch)
    except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.UnsupportedProtocol) as error:
        raise partner.unreachable(f"{partner.name} can't be reached. Nothing was changed.") from error
    except httpcore.TimeoutException as error:
        raise watch.failed("takes nothing, so it was left.") from error
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise watch.failed("broke its answer off, or speaks no HTTP.") from error


def read_key(key: str, path: Path | None) -> str:
    """The key, from the variable or the file; empty without either. Raises ValueError for one that can't be sent."""
    if path is not None:
        try:
            key = path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"The file {path} can't be read.") from error
    key = key.strip()
    if key and not _KEY.fullmatch(key):
        raise ValueError("A key is one line of letters, digits and signs.")
    return key
