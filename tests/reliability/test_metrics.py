"""Metrics of a real server with two web workers: whichever is asked, it tells what all have counted."""

from pathlib import Path

from tests.reliability.server import Client, Server, wait_until
from tests.together import raise_errors, together


def test_two_workers_tell_the_same(tmp_path: Path):
    with Server(tmp_path, WORKERS=2, METRICS_ADDRESSES="127.0.0.1") as server:
        sent = []

        def ask() -> None:
            sent.append(Client(server.port).request("GET", "/api/v1/version").status)

        def both_answer() -> bool:
            raise_errors(together(*[ask] * 4))
            return _workers_that_counted(tmp_path) == 2

        wait_until(both_answer, what="both workers answer")
        assert set(sent) == {200}
        wanted = f'researchmind_http_requests_total{{method="GET",route="/api/v1/version",status="200"}} {len(sent)}.0'
        for _ in range(6):
            answer = Client(server.port).request("GET", "/metrics")
            assert answer.status == 200
            assert wanted in answer.body.decode().splitlines()
        assert 'researchmind_sessions{status="active"}' not in answer.body.decode(), "there is none yet"
        server.client().new_session()
        assert 'researchmind_sessions{status="active"} 1.0' in server.client().request("GET", "/metrics").body.decode()


def _workers_that_counted(directory: Path) -> int:
    files = (directory / "data" / "metrics").rglob("counter_*.db")
    return len([path for path in files if b"/api/v1/version" in path.read_bytes()])
