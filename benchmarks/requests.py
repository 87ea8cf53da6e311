"""What an API call costs: CPU time a request in the web process, against a view that returns a constant."""

from collections import defaultdict

from benchmarks.report import ratios, spread, table
from benchmarks.server import Ask, Load, gunicorn, load
from benchmarks.sites import Site, arguments, describe, site

APPEND = '{"role": "user", "content": "How long does one append take, and how long do the slowest take?"}'
CREATE = '{"name": "A session and its directory", "tags": ["benchmark"]}'
LIMITS = {"read, 20 messages": 2.5, "list of 50": 3, "append": 4, "create": 4}


def main() -> None:
    """Ask for each thing in turn, round after round, of one worker with one thread."""
    options = arguments(__doc__, rounds=10, seconds=1).parse_args()
    describe(options)
    with site(options) as place:
        asks = _asks(place)
        measured: dict[str, list[Load]] = defaultdict(list)
        with gunicorn(place) as server:
            for ask in asks.values():
                load(server, ask, seconds=1)
            for _ in range(options.rounds):
                for name, ask in asks.items():
                    measured[name].append(load(server, ask, seconds=options.seconds))
                place.run("django", "worker", "--once")  # it runs beside the server, and adds up what is counted
    constant = [one.cpu for one in measured["constant"]]
    rows = []
    for name, loads in measured.items():
        cpu = [one.cpu for one in loads]
        database, rate = spread([one.database_cpu for one in loads]), spread([one.rate for one in loads])
        rows.append([name, spread(cpu), ratios(cpu, constant), str(LIMITS.get(name, "")), database, rate])
    table(["call", "CPU ms a request", "ratio", "limit", "database CPU ms", "requests a second"], rows)


def _asks(place: Site) -> dict[str, Ask]:
    lengths = ["--transcript=20", *(f"--transcript={length}" for length in range(30, 38))]
    filled = place.fill("--sessions=200", "--messages=4000", *lengths)
    token, (read, *written) = filled["token"], filled["sessions"]
    return {
        "constant": Ask("/api/v1/constant", token),
        "read, 20 messages": Ask(f"/api/v1/sessions/{read}", token),
        "list of 50": Ask("/api/v1/sessions", token),
        "append": Ask(token=token, posted=APPEND, paths=tuple(f"/api/v1/sessions/{one}/messages" for one in written)),
        "create": Ask(token=token, posted=CREATE, paths=("/api/v1/sessions",)),
    }


if __name__ == "__main__":
    main()
