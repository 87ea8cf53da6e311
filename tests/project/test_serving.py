"""The server's own processes, whoever collects them, and its own files, whoever still writes there."""

import os
import shutil

import pytest

from researchmind import serving
from researchmind.serving import METRICS_DIRECTORY, JobWorker, keep_metrics_together


@pytest.fixture
def job_worker(monkeypatch, tmp_path, settings):
    """One whose processes end at once."""
    settings.BASE_DIR = tmp_path
    (tmp_path / "manage.py").write_text("")
    monkeypatch.setattr(serving, "_RESTART_PAUSE", 0)
    worker = JobWorker()
    worker.ensure()
    yield worker
    worker._process.wait()


def test_another_process_with_the_number_of_the_job_worker_is_not_taken_for_it(job_worker):
    """gunicorn had collected the job worker, and its number was given away before anybody looked."""
    ended = job_worker._process
    os.waitpid(ended.pid, 0)
    ended.pid = os.getpid()  # somebody lives who has it, and who isn't our child
    job_worker.ensure()
    assert job_worker._process is not ended, "it is started again"


def test_what_a_killed_servers_workers_write_to_the_last_keeps_no_server_from_starting(settings, monkeypatch, tmp_path):
    settings.DATA_DIR = tmp_path
    monkeypatch.setenv(METRICS_DIRECTORY, "")
    place = tmp_path / "metrics" / "8000"
    remove = shutil.rmtree

    def held_up(*arguments, **options):
        remove(*arguments, **options)
        place.mkdir(parents=True)

    monkeypatch.setattr(shutil, "rmtree", held_up)
    keep_metrics_together(8000)
    assert os.environ[METRICS_DIRECTORY] == str(place)
