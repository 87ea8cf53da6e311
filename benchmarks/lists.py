"""The list of one owner at 1,000, 100,000 and 1,000,000 sessions: first pages and late ones, API and browser."""

from collections import defaultdict
from contextlib import ExitStack

from benchmarks.report import ratios, spread, table
from benchmarks.server import Ask, Load, gunicorn, load
from benchmarks.sites import Site, arguments, describe, site

SIZES = (1_000, 100_000, 1_000_000)
SINGLE, EARLY, LATE = 1_000, 900, 49_950  # sessions passed by: page 1,000 of 1, a page that all have, page 1,000 of 50


def main() -> None:
    """Serve all sizes at once, each from a database of its own, and ask them in turn."""
    parser = arguments(__doc__, rounds=8, seconds=1)
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, help="the first one is what the others are held to"
    )
    options = parser.parse_args()
    describe(options)
    measured: dict[tuple[str, int], list[Load]] = defaultdict(list)
    with ExitStack() as stack:
        served = []
        for size in options.sizes:
            place = stack.enter_context(site(options))
            asks = _asks(place, size)
            served.append((size, asks, stack.enter_context(gunicorn(place))))
            print(f"{size:,} sessions are there", flush=True)
        for number in range(options.rounds + 1):
            for name in served[-1][1]:
                for size, asks, server in served:
                    if name in asks:
                        one = load(server, asks[name], seconds=options.seconds, connections=2)
                        if number:  # the first round warms up
                            measured[name, size].append(one)
    _report(measured, options.sizes)


def _asks(place: Site, size: int) -> dict[str, Ask]:
    # A seventh of generated sessions is archived or in the trash; of 1,000 active ones there is a page 1,000.
    sessions = min(1_000_000, size + size // 5)
    positions = [f"--position={number}" for number in (SINGLE, EARLY, LATE)]
    filled = place.fill(f"--sessions={sessions}", f"--messages={sessions}", "--no-workspaces", *positions)
    token, cookie, after = filled["token"], filled["cookie"], filled["positions"]
    api = "/api/v1/sessions"
    asks = {
        "API, first page": Ask(api, token),
        "API, page 1,000 of one session each": Ask(f"{api}?limit=1&cursor={after[str(SINGLE)]}", token),
        f"API, after {EARLY} sessions": Ask(f"{api}?cursor={after[str(EARLY)]}", token),
        "browser, first page": Ask("/", cookie=cookie),
        f"browser, after {EARLY} sessions": Ask(f"/?after={after[str(EARLY)]}", cookie=cookie),
    }
    if str(LATE) in after:
        asks["API, page 1,000"] = Ask(f"{api}?cursor={after[str(LATE)]}", token)
        asks["browser, page 1,000"] = Ask(f"/?after={after[str(LATE)]}", cookie=cookie)
    return asks


def _report(measured: dict[tuple[str, int], list[Load]], sizes: list[int]) -> None:
    rows = []
    for name, size in measured:
        cpu = [one.cpu + one.database_cpu for one in measured[name, size]]
        early = name.replace("page 1,000", f"after {EARLY} sessions") if name.endswith("page 1,000") else name
        base = [one.cpu + one.database_cpu for one in measured[early, sizes[0]]]
        rows.append(
            [name, f"{size:,}", spread(cpu), ratios(cpu, base), spread([one.p99 for one in measured[name, size]])]
        )
    table(["page", "sessions", "CPU ms, web and database", f"against {sizes[0]:,}", "p99 ms"], rows)
    print(f"\nPage 1,000 of fifty, which {sizes[0]:,} sessions haven't, is held against their page after {EARLY}.")


if __name__ == "__main__":
    main()
