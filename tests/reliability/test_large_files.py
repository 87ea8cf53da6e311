"""Large files go up and down through the real server, and its workers' memory stays as it is."""

import hashlib
import http.client
import os
import time
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.reliability.server import Server

MIB = 2**20
MOST = 120  # MiB of a worker (quality.md)
MORE = 16  # MiB that a transfer may add, whatever its size
BLOCK = os.urandom(MIB)
SECRET = "x" * 32
BOUNDARY = "a-boundary-that-no-random-block-holds"
_SIGN_IN = """
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
user, store = User.objects.get(), SessionStore()
store.update({"_auth_user_id": str(user.pk), "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
              "_auth_user_hash": user.get_session_auth_hash()})
store.save()
print(store.session_key)
"""


class Memory:
    """The most that each of the server's processes has had in memory since `begin`, in MiB."""

    def __init__(self, server: Server) -> None:
        assert server.process is not None
        self._session = server.process.pid

    def begin(self) -> None:
        """Forget what was before."""
        for pid in self._pids():
            with suppress(OSError):  # it has ended
                Path(f"/proc/{pid}/clear_refs").write_text("5")

    def peak(self) -> float:
        """Of the largest process."""
        return max(self._high_water(pid) for pid in self._pids())

    def _pids(self) -> list[int]:
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        return [pid for pid in pids if self._is_of_the_server(pid)]

    def _is_of_the_server(self, pid: int) -> bool:
        try:
            return os.getsid(pid) == self._session
        except ProcessLookupError:
            return False

    def _high_water(self, pid: int) -> float:
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:
            return 0.0  # it has ended
        return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


class Transfers:
    """Large bodies to and from a server, never whole in memory here either."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._cookie = server.manage("shell", "-v", "0", "-c", _SIGN_IN).strip()

    def put(self, path: str, mebibytes: int) -> None:
        """Upload over the API."""
        headers = {"Authorization": f"Bearer {self._server.token}", "Content-Length": str(mebibytes * MIB)}
        assert self._send("PUT", path, (BLOCK for _ in range(mebibytes)), headers) == 201

    def post(self, path: str, name: str, mebibytes: int) -> None:
        """Upload as a browser's form does."""
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="path"\r\n\r\ncontent\r\n--{BOUNDARY}\r\n'
            f'Content-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
        ).encode()
        end = f"\r\n--{BOUNDARY}--\r\n".encode()
        headers = self._of_a_browser() | {
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            "Content-Length": str(len(head) + mebibytes * MIB + len(end)),
        }
        assert self._send("POST", path, [head, *[BLOCK] * mebibytes, end], headers) == 303

    def _send(self, method: str, path: str, body: Iterable[bytes], headers: dict[str, str]) -> int:
        connection = self._connection()
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        said = answer.read()
        assert answer.status < 400, said
        return answer.status

    def get(self, path: str) -> Iterator[bytes]:
        """Download, signed in."""
        connection = self._connection()
        connection.request("GET", path, headers=self._of_a_browser())
        answer = connection.getresponse()
        assert answer.status == 200
        while block := answer.read(MIB):
            yield block

    def _of_a_browser(self) -> dict[str, str]:
        return {"Cookie": f"sessionid={self._cookie}; csrftoken={SECRET}", "X-CSRFToken": SECRET}

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=300)


def digest(blocks: Iterable[bytes]) -> str:
    found = hashlib.sha256()
    for block in blocks:
        found.update(block)
    return found.hexdigest()


@pytest.mark.parametrize("mebibytes", [48, pytest.param(1024, marks=pytest.mark.soak)])
def test_memory_stays_flat(tmp_path: Path, mebibytes: int) -> None:
    whole = digest(BLOCK for _ in range(mebibytes))
    with Server(tmp_path, WORKERS=1) as server:
        transfers, memory = Transfers(server), Memory(server)
        session_id = server.client().new_session()
        files = f"/api/v1/sessions/{session_id}/files/content"
        page = f"/sessions/{session_id}/files/"
        archive = tmp_path / "content.zip"

        def download(path: str) -> str:
            return digest(transfers.get(path))

        def download_zip() -> None:
            with archive.open("wb") as file:
                file.writelines(transfers.get(f"/sessions/{session_id}/files/zip/?path=content"))

        transfers.put(f"{files}/small", 1)
        transfers.post(page, "smaller", 1)
        download(f"{page}raw/?path=content/small")
        download_zip()
        at_rest = memory.peak()
        steps = {
            "put": lambda: transfers.put(f"{files}/one", mebibytes),
            "form": lambda: transfers.post(page, "two", mebibytes),
            "get": lambda: download(f"{page}raw/?path=content/two"),
            "zip": download_zip,
        }
        for name, step in steps.items():
            if name == "zip":  # of one large file: a thing that can't be packed takes its time
                assert server.client().request("DELETE", f"{files}/one").status == 204
            memory.begin()
            start = time.monotonic()
            result = step()
            print(f"{name}: {mebibytes / (time.monotonic() - start):.0f} MiB/s, {memory.peak():.0f} MiB at most")
            assert result in (None, whole)
            assert memory.peak() < min(MOST, at_rest + MORE), name
        with zipfile.ZipFile(archive) as back:
            assert sorted(back.namelist()) == ["small", "smaller", "two"]
            with back.open("two") as file:
                assert digest(iter(lambda: file.read(MIB), b"")) == whole
