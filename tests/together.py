"""Doing several things at the same moment, each in a thread with a database connection of its own."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from django.db import connection, transaction


def together(*calls: Callable[[], Any], seconds: float = 300) -> list[Any]:
    """Run the calls at once; return for each its result, or the exception that it raised."""
    gate = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(number: int, call: Callable[[], Any]) -> None:
        try:
            gate.wait(seconds)
            results[number] = call()
        except Exception as error:  # noqa: BLE001  (whatever it is, the test looks at it)
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
        assert not thread.is_alive(), "still running: a deadlock?"
    return results


def raise_errors(results: list[Any]) -> list[Any]:
    """The results, if there is no exception among them."""
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


def behind(change: Callable[[], Any], call: Callable[[], Any]) -> Any:
    """What a call gives, or raises, that has to wait for the locks of a transaction that makes a change."""

    def waiting() -> Any:
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as beside:
        with transaction.atomic():
            change()
            asked = beside.submit(waiting)
            until_somebody_waits(asked)
        return asked.result(300)


def until_somebody_waits(asked: "Future[Any]") -> None:
    """Wait until somebody waits for a lock, or what was asked is done. On SQLite the lock is the transaction's."""
    while connection.vendor == "postgresql" and not asked.done() and not _is_anybody_waiting():
        time.sleep(0.01)


def _is_anybody_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")  # of this moment, in a transaction too
        return bool(cursor.fetchone()[0])
