"""A live gunicorn on a site, and a load on it."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.sites import ROOT, Site, children

POST = """
local paths = {%s}
local number = 0
request = function()
  number = number %% #paths + 1
  return wrk.format("POST", paths[number], nil, '%s')
end
"""


@dataclass(frozen=True)
class Server:
    """A running gunicorn."""

    site: Site
    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """CPU time, user and system, of the web workers so far."""
        return _cpu_seconds(children(self.pid))

    def database_cpu_seconds(self) -> float:
        """CPU time of the PostgreSQL server, if it is the benchmark's own; SQLite's is in the web workers."""
        return _cpu_seconds(self.site.database_pids())


@contextlib.contextmanager
def gunicorn(
    site: Site,
    *,
    worker_class: str = "gthread",
    workers: int = 1,
    threads: int = 1,
    switch_interval: float | None = None,
) -> Iterator[Server]:
    """Serve a site, logging as in production, and end it afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = site.environment | {"RESEARCHMIND_THREADS": str(threads)}
    if switch_interval is not None:
        environment["BENCHMARK_SWITCH_INTERVAL"] = str(switch_interval)
    command = [
        sys.executable, "-m", "gunicorn", "researchmind.wsgi:application", "--bind", f"127.0.0.1:{port}",
        "--workers", str(workers), "--threads", str(threads), "--worker-class", worker_class,
        "--config", str(ROOT / "benchmarks" / "gunicorn_conf.py"), "--log-level", "error", "--no-control-socket",
        "--keep-alive", "5",
    ]  # fmt: skip
    with (site.directory / "log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            _wait_until_served(port, process)
            yield Server(site, port, process.pid)
        finally:
            process.terminate()
            process.wait(30)


def _wait_until_served(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 10) as asking:
            asking.sendall(b"GET /constant/ HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            if asking.recv(1):
                return
        time.sleep(0.05)
    sys.exit("The server did not start.")


def _cpu_seconds(pids: Sequence[int]) -> float:
    ticks = 0
    for pid in pids:
        with contextlib.suppress(FileNotFoundError):  # one that has just ended
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Ask:
    """What is asked for: a path as somebody, or a JSON body posted to one path after the other."""

    path: str = "/"
    token: str = ""
    cookie: str = ""
    posted: str = ""
    paths: tuple[str, ...] = ()

    def options(self, script: Path) -> list[str]:
        """wrk's options for it."""
        options = []
        if self.token:
            options += ["-H", f"Authorization: Bearer {self.token}"]
        if self.cookie:
            options += ["-H", f"Cookie: {self.cookie}"]
        if self.posted:
            script.write_text(POST % (", ".join(f'"{path}"' for path in self.paths), self.posted))
            options += ["-H", "Content-Type: application/json", "-s", str(script)]
        return options


@dataclass(frozen=True)
class Load:
    """What a load measured: requests a second, the 99th percentile in ms, CPU in ms a request of web and database."""

    rate: float
    p99: float
    cpu: float
    database_cpu: float


def load(server: Server, ask: Ask, *, seconds: int, connections: int = 4) -> Load:
    """Ask as fast as the server answers, and stop the benchmark at an answer that is no success."""
    if not shutil.which("wrk"):
        sys.exit("This benchmark needs wrk (Debian: apt-get install wrk).")
    with tempfile.TemporaryDirectory() as scratch:
        options = ask.options(Path(scratch) / "post.lua")
        address = f"http://127.0.0.1:{server.port}{ask.path}"
        before, database_before = server.cpu_seconds(), server.database_cpu_seconds()
        threads = min(2, connections)
        command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}", "--latency", "--timeout", "20", *options]
        said = subprocess.run([*command, address], capture_output=True, text=True, check=True).stdout
        cpu, database_cpu = server.cpu_seconds() - before, server.database_cpu_seconds() - database_before
    if "Non-2xx" in said or "Socket errors" in said:
        sys.exit(f"{ask}:\n{said}")
    requests = int(_found(r"(\d+) requests in", said))
    return Load(
        rate=float(_found(r"Requests/sec:\s+([\d.]+)", said)),
        p99=_milliseconds(_found(r"(?m)^\s+99%\s+(\S+)", said)),
        cpu=cpu / requests * 1000,
        database_cpu=database_cpu / requests * 1000,
    )


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if not match:
        sys.exit(f"wrk said:\n{text}")
    return match.group(1)


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()  # type: ignore[union-attr]  # wrk's units
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[unit]
