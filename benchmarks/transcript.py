"""A transcript's pages, of 50 messages and of 100,000 with the same fifty at either end: API and browser."""

from collections import defaultdict

from benchmarks.report import ratios, spread, table
from benchmarks.server import Ask, Load, gunicorn, load
from benchmarks.sites import Site, arguments, describe, site

SHORT = 50


def main() -> None:
    """Ask for the short one and the long one in turn, round after round."""
    parser = arguments(__doc__, rounds=6, seconds=2)
    parser.add_argument("--messages", type=int, default=100_000, help="of the long transcript (100,000)")
    options = parser.parse_args()
    describe(options)
    measured: dict[tuple[str, int], list[Load]] = defaultdict(list)
    with site(options) as place:
        asks = _asks(place, options.messages)
        with gunicorn(place) as server:
            for number in range(options.rounds + 1):
                for key, ask in asks.items():
                    one = load(server, ask, seconds=options.seconds, connections=2)
                    if number:  # the first round warms up
                        measured[key].append(one)
    rows = []
    for name, length in measured:
        cpu = [one.cpu + one.database_cpu for one in measured[name, length]]
        base = [one.cpu + one.database_cpu for one in measured[name, SHORT]]
        p99 = spread([one.p99 for one in measured[name, length]])
        rows.append([name, f"{length:,}", spread(cpu), ratios(cpu, base), p99])
    table(["page", "messages", "CPU ms, web and database", f"against {SHORT}", "p99 ms"], rows)


def _asks(place: Site, longest: int) -> dict[tuple[str, int], Ask]:
    filled = place.fill(f"--transcript={SHORT}", f"--transcript={longest}")
    token, cookie = filled["token"], filled["cookie"]
    asks = {}
    for name in (
        "API, session with 50 messages",
        "API, first page",
        "API, last page",
        "browser, page",
        "browser, first forty",
    ):
        for length, session in zip((SHORT, longest), filled["sessions"], strict=True):
            api, page = f"/api/v1/sessions/{session}", f"/sessions/{session}/"
            asks[name, length] = {
                "API, session with 50 messages": Ask(f"{api}?messages_limit=50", token),
                "API, first page": Ask(f"{api}/messages?limit=50", token),
                "API, last page": Ask(f"{api}/messages?limit=50&order=desc", token),
                "browser, page": Ask(page, cookie=cookie),
                "browser, first forty": Ask(f"{page}?before=40", cookie=cookie),
            }[name]
    return asks


if __name__ == "__main__":
    main()
