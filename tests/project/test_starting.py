"""Starting: what can't work stops it with one line that says what to set, and a real site passes every check."""

import os
import subprocess
import sys

import pytest

from tests.reliability.server import PROJECT


def manage(tmp_path, *arguments, **environment):
    ours = ("RESEARCHMIND_", "DATABASE_", "DJANGO_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    own = {"DJANGO_SETTINGS_MODULE": "researchmind.settings", "RESEARCHMIND_DATA_DIR": str(tmp_path)}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT, env=kept | own | environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"RESEARCHMIND_HTPS": "1"}, "Unknown setting RESEARCHMIND_HTPS: remove it or correct its name"),
        ({"RESEARCHMIND_LOG_LEVEL": "LOUD"}, "RESEARCHMIND_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR."),
        ({"RESEARCHMIND_LOG_FORMAT": "xml"}, "RESEARCHMIND_LOG_FORMAT must be json or console."),
        ({"DATABASE_URL": "mysql://host/name"}, "DATABASE_URL must be postgresql://"),
        ({"RESEARCHMIND_DATA_DIR": "/dev/null/data"}, "/dev/null/data can't be used (Not a directory)."),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path, environment, line):
    done = manage(tmp_path, "serve", **environment)
    assert done.returncode == 1
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"RESEARCHMIND_WORKSPACE_ROOT": "/dev/null/workspaces"}, "research.E002"),
        ({"RESEARCHMIND_MAX_MESSAGE_MB": "64"}, "research.E003"),
        ({"RESEARCHMIND_MAX_MESSAGE_MB": "0"}, "research.E003"),
        ({"RESEARCHMIND_THREADS": "0"}, "research.E004"),
    ],
)
def test_what_cannot_work_is_said_with_what_to_set(tmp_path, environment, code):
    done = manage(tmp_path, "check", **environment)
    assert done.returncode == 1
    assert code in done.stderr
    assert next(iter(environment)) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_real_site_passes_every_check(tmp_path):
    done = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", RESEARCHMIND_HTTPS="true")
    assert (done.returncode, done.stderr) == (0, "")
    assert "no issues (0 silenced)" in done.stdout


def test_the_models_have_their_migrations(tmp_path):
    done = manage(tmp_path, "makemigrations", "--check", "--dry-run")
    assert done.returncode == 0, done.stdout
