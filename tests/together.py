"""Doing several things at the same moment, each in a thread with a database connection of its own."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection


def together(*calls: Callable[[], Any], seconds: float = 60) -> list[Any]:
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
