"""`manage.py worker`: jobs from the queue, and housekeeping once a minute."""

import os
import signal
import threading
from argparse import ArgumentParser
from typing import Any

import structlog
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections
from django.utils.crypto import get_random_string
from django_tasks_db.management.commands.db_worker import Worker

from sessions.operations.housekeeping import keep_house

HOUSEKEEPING_SECONDS = 60.0
_WATCH_SECONDS = 1.0
_KEEP_RESULTS_DAYS = 14

logger = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Run jobs and housekeeping until SIGTERM. `serve` starts it; run it alone for more workers."""

    help = "Run jobs and housekeeping until SIGTERM. `serve` starts one; run more on the same database if needed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Options."""
        parser.add_argument("--parent", type=int, help="End when this process is gone.")
        parser.add_argument("--once", action="store_true", help="Do what is waiting, then end.")

    def handle(self, *args: Any, parent: int | None, once: bool, **options: Any) -> None:
        """Run the loop of django-tasks' own worker, with the timer beside it."""
        worker = Worker(
            queue_names=["*"],
            interval=1,
            batch=once,
            backend_name="default",
            startup_delay=False,
            max_tasks=None,
            worker_id=get_random_string(32),
            excluded_queue_names=[],
        )
        if once:
            _tidy_up()
            worker.run()
            return
        worker.configure_signals()
        ended = threading.Event()
        threads = [threading.Thread(target=_repeat, args=(_tidy_up, HOUSEKEEPING_SECONDS, ended), daemon=True)]
        if parent is not None:
            threads.append(threading.Thread(target=_follow, args=(parent, ended), daemon=True))
        for thread in threads:
            thread.start()
        try:
            worker.run()
        finally:
            ended.set()


def _tidy_up() -> None:
    keep_house()
    call_command("prune_db_task_results", min_age_days=_KEEP_RESULTS_DAYS, verbosity=0)


def _repeat(task: Any, seconds: float, ended: threading.Event) -> None:
    """Run the task now and every so many seconds. A database that is away doesn't end the timer."""
    while not ended.is_set():
        close_old_connections()
        try:
            task()
        except DatabaseError as error:
            logger.warning("housekeeping_failed", error=str(error))
        close_old_connections()
        ended.wait(seconds)


def _follow(parent: int, ended: threading.Event) -> None:
    """End with the server that started this process, however it ended."""
    while not ended.wait(_WATCH_SECONDS):
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)
            return
