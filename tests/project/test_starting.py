"""Starting: what can't work stops it with one line that says what to set, and a real site passes every check."""

import os
import socket
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from sessions.management.commands import serve
from tests.reliability.server import PROJECT


def manage(tmp_path, *arguments, **environment):
    ours = ("RESEARCHMIND_", "DATABASE_", "DJANGO_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    own = {"DJANGO_SETTINGS_MODULE": "researchmind.settings", "RESEARCHMIND_DATA_DIR": str(tmp_path)}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT, env=kept | own | environment, capture_output=True, text=True, timeout=300,
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


def test_a_database_that_is_away_is_told_in_one_line(tmp_path):
    done = manage(tmp_path, "serve", DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]  # after what the pool of connections has logged
    assert last.startswith("The database can't be used: ")
    assert last.endswith("Is it there, is DATABASE_URL right, was `migrate` run?")


@pytest.mark.django_db
def test_a_port_that_cannot_be_had_ends_it_before_it_harms_the_server_that_has_it(
    tmp_path, settings, capsys, monkeypatch
):
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(serve, "_PATIENCE_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        counted = tmp_path / "metrics" / str(port) / "counter_1.db"
        counted.parent.mkdir(parents=True)
        counted.touch()
        with pytest.raises(CommandError, match=f"Port {port} is taken"):
            call_command("serve", port=port)
    assert counted.exists(), "what the running server counts stays there"
    assert capsys.readouterr().out == ""
    with pytest.raises(CommandError, match="no port 70000"):
        call_command("serve", port=70_000)
