"""Writers that append to one session as fast as they can and note what was acknowledged."""

import http.client
import threading
from collections.abc import Callable, Iterable

from tests.reliability.server import Client, Server


class Writers:
    """Threads, each with a connection of its own, which append "writer/number" until they are told to stop."""

    def __init__(self, server: Server, session_id: str, number: int = 8) -> None:
        self.acknowledged: list[list[str]] = [[] for _ in range(number)]
        self.in_flight: list[list[str]] = [[] for _ in range(number)]  # sent, and never answered
        self.refused: list[tuple[int, bytes]] = []
        self._server = server
        self._session_id = session_id
        self._stop = threading.Event()
        self._sent = [0] * number

    def run_until(self, moment: Callable[[], object]) -> None:
        """Write until `moment` has returned and each has noticed."""
        self._stop.clear()
        threads = [threading.Thread(target=self._write, args=(who,)) for who in range(len(self._sent))]
        for thread in threads:
            thread.start()
        try:
            moment()
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(300)
        assert not any(thread.is_alive() for thread in threads)

    def count(self) -> int:
        """How many are acknowledged so far."""
        return sum(map(len, self.acknowledged))

    def _write(self, who: int) -> None:
        client = self._server.client()
        while not self._stop.is_set():
            content = f"{who}/{self._sent[who]}"
            self._sent[who] += 1
            try:
                answer = client.append(self._session_id, content)
            except (OSError, http.client.HTTPException):
                self.in_flight[who].append(content)
                return  # the server is gone
            if answer.status == 201:
                self.acknowledged[who].append(content)
            else:
                self.refused.append((answer.status, answer.body))


def assert_nothing_lost(client: Client, session_id: str, writers: Writers) -> None:
    """All acknowledged is there, once, in its writer's order; besides it at most what was in flight. No gap."""
    transcript = client.transcript(session_id)
    assert [index for index, _ in transcript] == list(range(len(transcript)))
    contents = [content for _, content in transcript]
    assert len(set(contents)) == len(contents), "each once"
    session = client.request("GET", f"/api/v1/sessions/{session_id}?messages_limit=0").json()
    assert session["message_count"] == len(contents)
    for who, (acknowledged, in_flight) in enumerate(zip(writers.acknowledged, writers.in_flight, strict=True)):
        own = [content for content in contents if content.startswith(f"{who}/")]
        assert set(acknowledged) <= set(own)
        assert set(own) - set(acknowledged) <= set(in_flight)
        assert own == sorted(own, key=_number), "in the order in which they were written"


def _number(content: str) -> int:
    return int(content.partition("/")[2])


def in_order(contents: Iterable[str]) -> bool:
    """Whether each writer's messages come in the order in which it wrote them."""
    last: dict[str, int] = {}
    for content in contents:
        who, _, number = content.partition("/")
        if int(number) != last.get(who, -1) + 1:
            return False
        last[who] = int(number)
    return True
