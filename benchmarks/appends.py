"""Appends a second, 8 writers on 8 sessions: the operation, against a bare driver that writes the same rows."""

import multiprocessing
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier
from typing import Any

from benchmarks.report import ratios, spread, table
from benchmarks.sites import Site, arguments, describe, site

WRITERS = 8
CONTENT = "How long does one append take, and how long do eight of them take at once? " * 3
_EVENT = '{"first_index": %d, "messages": 1}'
# What the operation's statements do, written as one would by hand; {0} is a place for a parameter.
_TAKE = (
    "UPDATE research_session SET message_count = message_count + 1, version = version + 1, updated_at = {0} "
    "WHERE id = {0} AND owner_id = {0} AND status = 'active' RETURNING message_count"
)
_WRITE = (
    'INSERT INTO research_message (session_id, "index", author_id, content, created_at, role, model, thinking, '
    "tool_name, tool_call_id, source_file, metadata) "
    "VALUES ({0}, {0}, {0}, {0}, {0}, 'user', '', '', '', '', '', '{{}}') RETURNING id"
)
_NOTE = (
    "INSERT INTO research_event (session_id, at, detail, actor_id, actor_name, token_name, verb) "
    "VALUES ({0}, {0}, {0}, {0}, 'demo', '', 'appended')"
)

Append = Callable[[], None]


def main() -> None:
    """Let both write in turn, round after round."""
    options = arguments(__doc__, rounds=5, seconds=3).parse_args()
    describe(options)
    with site(options) as place:
        sessions = place.fill(*["--transcript=10"] * WRITERS)["sessions"]
        rates: dict[str, list[float]] = {"bare driver": [], "append_messages": []}
        for _ in range(options.rounds):
            for name in rates:
                rates[name].append(_rate(place, sessions, name, options.seconds))
        _check(place)
    rows = [[name, spread(rates[name]), ratios(rates[name], rates["bare driver"])] for name in rates]
    table(["who writes", "appends a second", "against the bare driver"], rows)


def _rate(place: Site, sessions: list[str], name: str, seconds: float) -> float:
    """Appends a second of one process for each session, all at once."""
    context = multiprocessing.get_context("spawn")
    barrier, counts = context.Barrier(len(sessions)), context.Queue()
    writers = [
        context.Process(target=_write, args=(place, session, name, seconds, barrier, counts)) for session in sessions
    ]
    for writer in writers:
        writer.start()
    total = sum(counts.get(timeout=120) for _ in writers)
    for writer in writers:
        writer.join()
    return float(total / seconds)


def _write(place: Site, session: str, name: str, seconds: float, barrier: Barrier, counts: Any) -> None:
    append = _operation(place, session) if name == "append_messages" else _bare(place, session)
    append()
    barrier.wait()
    until, count = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        append()
        count += 1
    counts.put(count)


def _operation(place: Site, session: str) -> Append:
    place.activate()
    from django.contrib.auth.models import User

    from sessions.access import Actor
    from sessions.operations.transcript import NewMessage, append_messages

    actor = Actor.of(User.objects.get(username="demo"))

    def append() -> None:
        append_messages(actor=actor, session_id=session, messages=[NewMessage("user", CONTENT)])

    return append


def _bare(place: Site, session: str) -> Append:
    if place.database_url:
        return _bare_postgresql(place, session)
    return _bare_sqlite(place, session)


def _bare_sqlite(place: Site, session: str) -> Append:
    from researchmind.databases import SQLITE_PRAGMAS

    connection = sqlite3.connect(place.directory / "db.sqlite3", isolation_level=None, timeout=20)
    for pragma in SQLITE_PRAGMAS.format(synchronous="FULL").split(";"):
        connection.execute(pragma)
    take, write, note = (statement.format("?") for statement in (_TAKE, _WRITE, _NOTE))
    (owner,) = connection.execute("SELECT id FROM auth_user").fetchone()
    session_id = session.replace("-", "")

    def append() -> None:
        now = datetime.now(UTC).replace(tzinfo=None).isoformat(" ")
        connection.execute("BEGIN IMMEDIATE")
        (count,) = connection.execute(take, [now, session_id, owner]).fetchone()
        connection.execute(write, [session_id, count - 1, owner, CONTENT, now]).fetchone()
        connection.execute(note, [session_id, now, _EVENT % (count - 1), owner])
        connection.execute("COMMIT")

    return append


def _bare_postgresql(place: Site, session: str) -> Append:
    import psycopg

    connection = psycopg.connect(place.database_url)
    take, write, note = (statement.format("%s").encode() for statement in (_TAKE, _WRITE, _NOTE))
    (owner,) = connection.execute("SELECT id FROM auth_user").fetchone() or (0,)

    def append() -> None:
        now = datetime.now(UTC)
        with connection.transaction():
            (count,) = connection.execute(take, [now, session, owner]).fetchone() or (0,)
            connection.execute(write, [session, count - 1, owner, CONTENT, now]).fetchone()
            connection.execute(note, [session, now, _EVENT % (count - 1), owner])

    return append


def _check(place: Site) -> None:
    """Stop if what was measured isn't right: indexes without a gap, as many as the counter says."""
    place.activate()
    from django.db.models import Count, F, Max

    from sessions.models import Session

    counted = Session.objects.annotate(rows=Count("messages"), last=Max("messages__index"))
    if counted.exclude(rows=F("message_count"), last=F("message_count") - 1).exists():
        raise SystemExit("The transcripts have gaps.")


if __name__ == "__main__":
    main()
