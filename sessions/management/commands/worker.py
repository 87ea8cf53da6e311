"""`manage.py worker`: jobs from the queue, and housekeeping once a minute."""

import os
import signal
import threading
from argparse import ArgumentParser
from collections.abc import Callable
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
        ending = threading.Event()
        if once:
            keep_house()
            while do_next_job():
                pass
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ending.set())
        threads = [threading.Thread(target=_repeat, args=(keep_house, HOUSEKEEPING_SECONDS, ending), daemon=True)]
        if parent is not None:
            threads.append(threading.Thread(target=_follow, args=(parent, ending), daemon=True))
        for thread in threads:
            thread.start()
        _work_until(ending)


def _work_until(ending: threading.Event) -> None:
    """Do jobs as they come. A database that is away doesn't end the worker."""
    while not ending.is_set():
        close_old_connections()
        try:
            if do_next_job(ending.is_set):
                continue
        except Error as error:
            logger.warning("jobs_wait", error=str(error))
        close_old_connections()
        ending.wait(_LOOK_SECONDS)


def _repeat(task: Callable[[], None], seconds: float, ended: threading.Event) -> None:
    """Run the task now and every so many seconds. Whatever fails doesn't end the timer."""
    while not ended.is_set():
        close_old_connections()
        try:
            task()
        except ExceptionGroup as failed:
            for error in failed.exceptions:  # a database that is away needs no traceback
                logger.warning("housekeeping_failed", error=str(error), exc_info=not isinstance(error, Error) and error)
        close_old_connections()
        ended.wait(seconds)


def _follow(parent: int, ended: threading.Event) -> None:
    """End with the server that started this process, however it ended."""
    while not ended.wait(_WATCH_SECONDS):
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)
            return
