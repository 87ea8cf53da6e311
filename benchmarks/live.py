"""What open pages cost: CPU time of web workers and database while many pages ask, each as often as it does.

The pages are opened as a browser opens them; what they ask, and how often, is read from their own markup.
"""

import asyncio
import re
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass
from html import unescape
from urllib.parse import urlencode

from benchmarks.report import spread, table
from benchmarks.server import Server, gunicorn
from benchmarks.sites import arguments, describe, site

WORKERS, THREADS = 4, 4  # as `serve` has them on two cores


@dataclass(frozen=True)
class Page:
    """What one open page asks, and every how many seconds."""

    question: str
    seconds: float


@dataclass(frozen=True)
class Cost:
    """Of the machine's cores, what pages that stay open take; and what they heard."""

    web: float
    database: float
    slowest: float
    answers: Counter[int]


def main() -> None:
    """Keep so many pages open, of sessions and of lists, while nothing happens and while a script appends."""
    parser = arguments(__doc__, rounds=3, seconds=20)
    parser.add_argument("--pages", type=int, default=200, help="open at once (200)")
    options = parser.parse_args()
    describe(options)
    rows = []
    with site(options) as place, gunicorn(place, workers=WORKERS, threads=THREADS) as server:
        filled = place.fill("--sessions=1000", "--messages=20000", "--transcript=50", "--transcript=51")
        quiet, busy = filled["sessions"]
        asked = {
            "a session": (f"/sessions/{quiet}/", 0.0),
            "the list": ("/", 0.0),
            "half of each": (f"/sessions/{quiet}/ /", 0.0),
            "a session that a script appends to, once in five seconds": (f"/sessions/{busy}/", 5.0),
        }
        for name, (paths, pause) in asked.items():
            costs = [
                asyncio.run(_watch(server, paths.split(), filled, options.pages, options.seconds, pause, busy))
                for _ in range(options.rounds)
            ]
            rows.append([name, *_figures(costs)])
    table(
        [
            f"{options.pages} open pages of",
            "web, % of a core",
            "database, % of a core",
            "slowest answer, ms",
            "answers",
        ],
        rows,
    )


def _figures(costs: list[Cost]) -> list[str]:
    heard = sum((cost.answers for cost in costs), Counter[int]())
    return [
        spread([100 * cost.web for cost in costs]),
        spread([100 * cost.database for cost in costs]),
        spread([1000 * cost.slowest for cost in costs]),
        ", ".join(f"{count} × {status}" for status, count in sorted(heard.items())),
    ]


async def _watch(
    server: Server, paths: list[str], filled: dict[str, str], count: int, seconds: int, pause: float, session: str
) -> Cost:
    pages = [_open(server, paths[number % len(paths)], filled["cookie"]) for number in range(len(paths))]
    until = time.monotonic() + seconds + 2
    answers: Counter[int] = Counter()
    slowest = [0.0]
    asking = []
    for number in range(count):
        page = pages[number % len(pages)]
        ask = _ask(server, page, filled["cookie"], number / count, until, answers, slowest)
        asking.append(asyncio.create_task(ask))
    await asyncio.sleep(2)  # all are there
    before = server.cpu_seconds(), server.database_cpu_seconds(), time.monotonic()
    while time.monotonic() < until - 0.5:
        if pause:
            await asyncio.to_thread(_append, server, session, filled["token"])
        await asyncio.sleep(min(pause or seconds, max(until - 0.5 - time.monotonic(), 0)))
    took = time.monotonic() - before[2]
    web, database = server.cpu_seconds() - before[0], server.database_cpu_seconds() - before[1]
    await asyncio.gather(*asking)
    return Cost(web / took, database / took, slowest[0], answers)


def _open(server: Server, path: str, cookie: str) -> Page:
    """Load a page, and find in it what it will ask."""
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", headers={"Cookie": cookie})
    html = urllib.request.urlopen(request).read().decode()
    live = re.search(r'<div id="live"[^>]*>.*?</div>', html, re.DOTALL).group()  # type: ignore[union-attr]  # it's there
    fields = re.findall(r'name="(\w+)" value="([^"]*)"', live)
    address = re.search(r'hx-get="([^"]*)"', live).group(1)  # type: ignore[union-attr]  # as above
    every = re.search(r"every ([\d.]+)s", live).group(1)  # type: ignore[union-attr]  # as above
    values = {name: unescape(value) for name, value in fields}
    return Page(f"{address}?{urlencode(values)}", float(every))


async def _ask(
    server: Server, page: Page, cookie: str, offset: float, until: float, answers: Counter[int], slowest: list[float]
) -> None:
    """One page: ask, wait, ask again, over one connection, following what the answers say of the state."""
    await asyncio.sleep(offset * page.seconds)
    question = page.question
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    while time.monotonic() < until:
        asked = time.monotonic()
        writer.write(
            f"GET {question} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\nHX-Request: true\r\n"
            f"HX-Current-URL: http://127.0.0.1/\r\nHX-Trigger: live\r\nAccept-Encoding: gzip\r\n\r\n".encode()
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        status = int(head.split()[1])
        length = re.search(r"(?i)content-length: (\d+)", head)
        body = await reader.readexactly(int(length.group(1))) if length else b""
        slowest[0] = max(slowest[0], time.monotonic() - asked)
        answers[status] += 1
        for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', body.decode()):
            question = re.sub(rf"\b{name}=[^&]*", f"{name}={value}", question)
        await asyncio.sleep(page.seconds)
    writer.close()


def _append(server: Server, session: str, token: str) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/api/v1/sessions/{session}/messages",
        data=b'{"role": "assistant", "content": "Once more."}',
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    urllib.request.urlopen(request).read()


if __name__ == "__main__":
    main()
