"""`manage.py worker`: jobs from the queue, and housekeeping once a minute."""

import os
import signal
import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.db import Error, close_old_connections

from sessions.operations.housekeeping import keep_house
from sessions.operations.jobs.doing import do_next_job

HOUSEKEEPING_SECONDS = 60.0
_WATCH_SECONDS = 1.0
_LOOK_SECONDS = 1.0

logger = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Run jobs and housekeeping until SIGTERM. `serve` starts it; run it alone for more workers."""

    help = "Run jobs and housekeeping until SIGTERM. `serve` starts one; run more on the same database if needed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Options."""
        parser.add_argument("--parent", type=int, help="End when this process is gone.")
        parser.add_argument("--once", action="store_true", help="Do what is waiting, then end.")

    def handle(self, *args: Any, parent: int | None, once: bool, **options: Any) -> None:
        """Do jobs, with the timer beside it."""
        ending = _Ending()
        if once:
            keep_house()
            while do_next_job():
                pass
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ending.tell())
        threads = [threading.Thread(target=_repeat, args=(keep_house, HOUSEKEEPING_SECONDS), daemon=True)]
        if parent is not None:
            threads.append(threading.Thread(target=_follow, args=(parent,), daemon=True))
        for thread in threads:
            thread.start()
        _work_until(ending)


class _Ending:
    """Whether the worker is to end, as a signal tells it; for the main thread.

    Not an Event: its lock may be held by the very thread that the signal interrupts, which then waits for itself.
    """

    def __init__(self) -> None:
        self._is_told = False
        self._wakeups: SimpleQueue[None] = SimpleQueue()  # something may be put into it amid a put or a get

    def tell(self) -> None:
        """The worker is to end."""
        self._is_told = True
        self._wakeups.put(None)

    def is_told(self) -> bool:
        """Whether it is to end."""
        return self._is_told

    def wait(self, seconds: float) -> None:
        """Wait so long, or until it is to end."""
        with suppress(Empty):
            self._wakeups.get(timeout=seconds)


def _work_until(ending: _Ending) -> None:
    """Do jobs as they come. A database that is away doesn't end the worker."""
    while not ending.is_told():
        close_old_connections()
        try:
            if do_next_job(ending.is_told):
                continue
        except Error as error:
            logger.warning("jobs_wait", error=str(error))
        close_old_connections()
        ending.wait(_LOOK_SECONDS)


def _repeat(task: Callable[[], None], seconds: float) -> None:
    """Run the task now and every so many seconds, for ever. Whatever fails doesn't end the timer."""
    while True:
        close_old_connections()
        try:
            task()
        except ExceptionGroup as failed:
            for error in failed.exceptions:  # a database that is away needs no traceback
                logger.warning("housekeeping_failed", error=str(error), exc_info=not isinstance(error, Error) and error)
        close_old_connections()
        time.sleep(seconds)


def _follow(parent: int) -> None:
    """End with the server that started this process, however it ended."""
    while os.getppid() == parent:
        time.sleep(_WATCH_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
