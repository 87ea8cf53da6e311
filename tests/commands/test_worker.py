"""`manage.py worker` ends when it is told to, whatever it is about at that moment."""

import subprocess
import sys

from tests.reliability.server import PROJECT, environment_of

_TOLD_WHILE_IT_LIES_DOWN = """
import os, signal, threading
import django

django.setup()
from sessions.management.commands import worker

wait = threading.Condition.wait

def held_up(self, timeout=None):  # with the lock of an event that the main thread is about to wait for
    if threading.current_thread() is threading.main_thread():
        os.kill(os.getpid(), signal.SIGTERM)
    return wait(self, timeout)

def no_job(is_ending):
    if threading.Condition.wait is wait:
        threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGTERM]).start()
        threading.Condition.wait = held_up
    return False

worker.keep_house, worker.do_next_job = lambda: None, no_job
worker.Command().run_from_argv(["manage.py", "worker", "--skip-checks"])
"""


def test_a_signal_that_comes_while_it_lies_down_to_wait_ends_it(tmp_path):
    environment = environment_of(tmp_path, "") | {"DJANGO_SETTINGS_MODULE": "researchmind.settings"}
    done = subprocess.run([sys.executable, "-c", _TOLD_WHILE_IT_LIES_DOWN], cwd=PROJECT, env=environment, timeout=60)
    assert done.returncode == 0
