"""The first page of a search with its snippets, for words of known frequency; and what the index costs an append."""

import logging
import time
from argparse import ArgumentParser, Namespace
from contextlib import nullcontext
from pathlib import Path
from statistics import median, quantiles

from benchmarks.fill import MARKS
from benchmarks.report import table
from benchmarks.sites import Site, arguments, describe, site

WARM, ASKED, APPENDED = 10, 100, 300


def main() -> None:
    """Fill a site, unless one is given, and ask it in this process."""
    options = _arguments().parse_args()
    describe(options)
    given = None if options.site is None else nullcontext(Site(options.site, options.database_url or ""))
    with given or site(options) as place:
        if given is None:
            started = time.monotonic()
            sessions = f"--sessions={max(options.messages // 25, 1)}"
            place.fill(sessions, f"--messages={options.messages}", "--no-workspaces", "--marks")
            print(f"filled in {time.monotonic() - started:,.0f} s\n")
        place.activate()
        logging.disable()
        _searches(options)
        _appends()


def _arguments() -> ArgumentParser:
    parser = arguments(__doc__, rounds=1, seconds=1)
    parser.add_argument("--messages", type=int, default=5_000_000)
    parser.add_argument(
        "--site", type=Path, help="a data directory that `fill --marks` has filled; with --database-url its database"
    )
    return parser


def _searches(options: Namespace) -> None:
    from django.contrib.auth.models import User
    from django.test import Client

    from sessions.models import Message
    from sessions.operations.tokens import create_token

    total = Message.objects.count()
    token = create_token(actor=User.objects.get(username="demo"), name="benchmark")[1]
    client = Client(headers={"Authorization": f"Bearer {token}"})
    rows = []
    for word, step in reversed(MARKS.items()):
        rows.append([word, f"{total // step:,}", *_measured(client, f"/api/v1/search?limit=20&q={word}")])
    for query in ('"confidence interval"', "variance -modest", "conf*", "medlar tag:review", "nowhere"):
        rows.append([query, "", *_measured(client, f"/api/v1/search?limit=20&q={query}")])
    rows.append(["q=medlar, a list", "", *_measured(client, "/api/v1/sessions?q=medlar")])
    print(f"{total:,} messages; the whole API call, in this process, {ASKED} times:\n")
    table(["query", "messages with it", "counted", "median ms", "p95 ms", "slowest ms"], rows)


def _measured(client: "object", address: str) -> list[str]:
    took = []
    for number in range(WARM + ASKED):
        started = time.perf_counter()
        answer = client.get(address)  # type: ignore[attr-defined]  # Django's client is imported late
        if number >= WARM:
            took.append((time.perf_counter() - started) * 1000)
    assert answer.status_code == 200, answer.content
    found = answer.json()
    count = f"{found['count']:,}{'' if found['count_is_exact'] else '+'}"
    return [count, f"{median(took):.1f}", f"{quantiles(took, n=20)[-1]:.1f}", f"{max(took):.1f}"]


def _appends() -> None:
    """One message at a time with the triggers and without them, in turn, so that both meet the same noise."""
    from django.contrib.auth.models import User
    from django.db import connection

    from sessions.operations.sessions import create_session
    from sessions.operations.transcript import NewMessage, append_messages
    from sessions.search import index

    owner = User.objects.get(username="demo")
    session = create_session(actor=owner, name="benchmark")
    message = NewMessage("user", "How long does one append take, and how long do eight of them take at once? " * 3)
    took: dict[str, list[float]] = {"with the index": [], "without": []}
    with connection.cursor() as cursor:
        for _ in range(3):
            for name, times in took.items():
                if name == "without":
                    index.vendor().drop_triggers(cursor)
                for _ in range(APPENDED // 3):
                    started = time.perf_counter()
                    append_messages(actor=owner, session_id=session.pk, messages=[message])
                    times.append((time.perf_counter() - started) * 1000)
            index.vendor().restore_triggers(cursor)
    print("\nAn append of one message, and its transaction:\n")
    rows = [[name, f"{median(times):.2f}", f"{quantiles(times, n=20)[-1]:.2f}"] for name, times in took.items()]
    table(["append", "median ms", "p95 ms"], rows)


if __name__ == "__main__":
    main()
