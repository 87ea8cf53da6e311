"""Which worker class, how many threads, which switch interval: a list of 50 and an append, over several rounds."""

import random
from collections import defaultdict
from dataclasses import dataclass

from benchmarks.report import spread, table
from benchmarks.requests import APPEND
from benchmarks.server import Ask, Load, gunicorn, load
from benchmarks.sites import Site, arguments, describe, site

CONNECTIONS = 16


@dataclass(frozen=True)
class Setup:
    """One way of serving."""

    worker_class: str
    workers: int
    threads: int = 1
    switch_interval: float | None = None

    def __str__(self) -> str:
        interval = "" if self.switch_interval is None else f", switching every {self.switch_interval * 1000:g} ms"
        return f"{self.worker_class}, {self.workers} × {self.threads}{interval}"


SETUPS = [
    *(Setup("sync", workers) for workers in (2, 4)),
    *(Setup("gthread", 2, threads) for threads in (1, 2, 4, 8)),
    *(Setup("gthread", 4, threads) for threads in (1, 4)),
    *(Setup("gthread", 2, 4, interval) for interval in (0.0005, 0.02, 0.1)),
]


def main() -> None:
    """Measure every setup in each round, in a new order every time, so that a busy neighbour hits all alike."""
    options = arguments(__doc__, rounds=4, seconds=4).parse_args()
    describe(options)
    lists: dict[Setup, list[Load]] = defaultdict(list)
    appends: dict[Setup, list[Load]] = defaultdict(list)
    with site(options) as place:
        listing, append = _asks(place)
        for _ in range(options.rounds):
            for setup in random.sample(SETUPS, len(SETUPS)):
                with gunicorn(place, **vars(setup)) as server:
                    load(server, listing, seconds=1, connections=CONNECTIONS)
                    lists[setup].append(load(server, listing, seconds=options.seconds, connections=CONNECTIONS))
                    appends[setup].append(load(server, append, seconds=options.seconds, connections=CONNECTIONS))
    _report("A list of 50", lists)
    _report("An append, to one of 8 sessions", appends)


def _asks(place: Site) -> tuple[Ask, Ask]:
    filled = place.fill("--sessions=200", "--messages=2000", *(f"--transcript={length}" for length in range(30, 38)))
    paths = tuple(f"/api/v1/sessions/{session}/messages" for session in filled["sessions"])
    token = filled["token"]
    return Ask("/api/v1/sessions", token), Ask(token=token, posted=APPEND, paths=paths)


def _report(title: str, measured: dict[Setup, list[Load]]) -> None:
    print(f"\n{title}\n")
    rows = [
        [
            str(setup),
            spread([one.rate for one in loads]),
            spread([one.p99 for one in loads]),
            spread([one.cpu for one in loads]),
        ]
        for setup, loads in ((setup, measured[setup]) for setup in SETUPS)
    ]
    table(["workers × threads", "requests a second", "p99 ms", "CPU ms a request"], rows)


if __name__ == "__main__":
    main()
