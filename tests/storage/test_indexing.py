"""Indexing a workspace with real processes: made for its place, bounded, and nothing of it left."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest

from sessions.exceptions import IndexerNotInstalled, IndexingFailed, StorageError
from sessions.storage import indexing, program, workspaces
from sessions.storage.indexing import OUTPUT_KEPT, Output, index_workspace
from tests.indexer import running
from tests.reliability.server import wait_until


class Stopped(Exception):
    """Raised from a step."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch, settings, indexer):
    monkeypatch.setattr(program, "GRACE_SECONDS", 0.3)
    settings.INDEX_SECONDS = 600


@pytest.fixture
def place() -> Path:
    return workspaces.create(uuid4())


def behave(place: Path, how: str) -> None:
    (place / "content" / "behaviour").write_text(how)


def run(place: Path, step=lambda piece: None) -> str:
    """Index, and return what was said. Nothing may be left running."""
    output = Output()

    def kept(piece: bytes) -> None:
        output.add(piece)
        step(piece)

    try:
        index_workspace(place.name, step=kept)
    finally:
        assert running(place) == []
    return output.text()


def config(place: Path) -> dict[str, str]:
    return json.loads((place / ".mcp-vector-search" / "config.json").read_text())


def test_it_is_initialised_once_and_then_kept_up_to_date(place):
    (place / "content" / "a.txt").write_text("x")
    said = run(place)
    assert "Proceed with initialization?" in said
    assert "Indexed 1 files" in said
    made = config(place)
    (place / "content" / "b.txt").write_text("x")
    assert "initialization" not in run(place)
    assert config(place) == made, "it was not made anew"
    assert json.loads((place / ".mcp-vector-search" / "index.json").read_text()) == ["a.txt", "b.txt"]
    assert (place / ".mcp-vector-search" / "index.json").stat().st_mode & 0o777 == 0o600


def test_an_index_that_was_made_elsewhere_is_made_anew_and_the_other_place_is_left_alone(place, tmp_path):
    run(place)
    other = workspaces.create(uuid4())
    os.rename(place / ".mcp-vector-search", other / ".mcp-vector-search")
    run(other)
    assert config(other)["project_root"] == str(other)
    assert not (place / ".mcp-vector-search").exists()


@pytest.mark.parametrize("what", ["file", "nonsense", "array", "fifo", "elsewhere", "link", "link inside"])
def test_what_is_no_index_of_this_place_is_replaced_and_no_link_followed(place, tmp_path, what):
    outside = tmp_path / "outside"
    outside.mkdir()
    index = place / ".mcp-vector-search"
    if what == "file":
        index.write_text("x")
    elif what == "link":
        (outside / "config.json").write_text(json.dumps({"project_root": str(place), "index_path": str(index)}))
        index.symlink_to(outside)
    else:
        run(place)
        if what == "link inside":
            (index / "deep").mkdir()
            (index / "deep" / "index.json").symlink_to(outside / "index.json")
        elif what == "elsewhere":
            (index / "config.json").write_text(json.dumps(config(place) | {"index_path": str(outside)}))
        else:
            (index / "config.json").unlink()
            if what == "fifo":
                os.mkfifo(index / "config.json")
            else:
                (index / "config.json").write_text("[]" if what == "array" else "{")
    before = sorted(outside.iterdir())
    run(place)
    assert sorted(outside.iterdir()) == before
    assert index.is_dir()
    assert not index.is_symlink()
    assert not (index / "deep").exists()
    assert config(place)["index_path"] == str(index)


def test_a_workspace_that_is_a_link_or_missing_is_refused(place, tmp_path):
    place.rename(tmp_path / "moved")
    with pytest.raises(StorageError):
        run(place)
    place.symlink_to(tmp_path / "moved")
    with pytest.raises(StorageError):
        run(place)
    assert not (tmp_path / "moved" / ".mcp-vector-search").exists()


def test_one_that_says_it_was_never_initialised_is_initialised_once_more(place):
    run(place)
    behave(place, "lost")
    said = run(place)
    assert said.count("Proceed with initialization?") == 1
    assert "Indexed" in said


@pytest.mark.parametrize("code", [1, 3])
def test_its_exit_code_is_told(place, code):
    behave(place, f"failing {code}")
    with pytest.raises(IndexingFailed) as failed:
        run(place)
    assert failed.value.state == {"exit_code": code}
    assert f"exit code {code}" in failed.value.detail


class Clock:
    """The time as `program` sees it, which a test can put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(program, "time", clock)
    return clock


@pytest.mark.parametrize(("how", "sign"), [("hanging", ".mcp-vector-search/config.json"), ("deaf", "content/alive")])
def test_when_its_time_is_up_everything_of_it_is_ended(place, clock, how, sign):
    behave(place, how)

    def step(piece: bytes) -> None:
        if (place / sign).exists():
            clock.ahead = 1000

    with pytest.raises(IndexingFailed, match="longer than") as failed:
        run(place, step)
    assert failed.value.state == {"exit_code": None}


def test_one_that_has_ended_in_time_has_ended_well_however_late_anybody_looks(place, clock):
    behave(place, "flooding")
    pieces = []

    def step(piece: bytes) -> None:  # takes all that is in the pipe, then is held up until the rest is written
        pieces.append(piece)
        if not clock.ahead and b"done" in piece:
            wait_until(lambda: running(place) == [], what="it has ended")
            clock.ahead = 1000

    run(place, step)
    assert clock.ahead
    assert b"".join(pieces).endswith(b"Indexed 1 files\n")


def test_a_step_that_raises_ends_everything_of_it(place):
    behave(place, "deaf")

    def step(piece: bytes) -> None:
        if (place / "content" / "alive").exists():
            raise Stopped

    with pytest.raises(Stopped):
        run(place, step)


def test_what_it_leaves_in_the_background_is_ended(place):
    behave(place, "background")
    assert "Indexed" in run(place)


def test_of_a_flood_the_end_is_kept(place):
    behave(place, "flooding")
    pieces = []
    said = run(place, pieces.append)
    assert sum(map(len, pieces)) > 10 * 2**20
    assert OUTPUT_KEPT - 200 < len(said) <= OUTPUT_KEPT
    assert said.startswith("00000159 xxx"), "from the beginning of a line"
    assert "\ndone ÿ the end\nIndexed" in said, "without colours, NUL and what was written over"


def test_it_gets_no_secrets_and_no_descriptors(place, monkeypatch):
    for name in ("RESEARCHMIND_SECRET_KEY", "DATABASE_URL", "QDRANT_URL", "AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "s3cr3t")
    monkeypatch.setenv("HF_HOME", "/models")
    behave(place, "telling")
    inherited = os.open(place, os.O_RDONLY)
    os.set_inheritable(inherited, True)
    said = run(place)
    os.close(inherited)
    assert "s3cr3t" not in said
    assert '"HF_HOME": "/models"' in said
    assert "63 ['0', '1', '2', '3']" in said, "its own, and the directory that it lists"


def test_it_is_looked_for_on_the_path(settings, monkeypatch, tmp_path):
    settings.INDEX_COMMAND = "mcp-vector-search"
    monkeypatch.setenv("PATH", os.environ["PATH"])
    assert not indexing.is_installed()
    with pytest.raises(IndexerNotInstalled, match="pipx install"):
        indexing.command()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f".:{os.environ['PATH']}")
    assert indexing.command() == str(tmp_path / "mcp-vector-search"), "and runs elsewhere by its whole path"


def test_one_that_cannot_be_started_says_so(place, tmp_path, settings):
    broken = tmp_path / "broken"
    broken.write_text("#!/nowhere\n")
    broken.chmod(0o755)
    settings.INDEX_COMMAND = str(broken)
    with pytest.raises(IndexingFailed, match="127"):
        run(place)


_HASTY = """\
import os, runpy, subprocess, sys

class Slow(subprocess.Popen):  # the guard gets no processor before the program has ended
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)

subprocess.Popen = Slow
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def guarded(*arguments: str, place: Path | None = None) -> "subprocess.Popen[bytes]":
    """A guard that lets its program live: somebody holds its lifeline."""
    return subprocess.Popen([sys.executable, *arguments], stdin=subprocess.PIPE, cwd=place)


def test_one_that_has_ended_before_its_guard_looks_is_not_waited_for():
    with guarded("-c", _HASTY, program._GUARD, "1", "", "sh", "-c", "exit 7") as guard:
        assert guard.wait(60) == 7


_LATE = """\
import importlib.util, os, sys, time

specification = importlib.util.spec_from_file_location("guard", sys.argv[1])
guard = importlib.util.module_from_spec(specification)
specification.loader.exec_module(guard)
now, ahead, look, prctl, its_own = time.monotonic, [0], guard._children, guard._prctl, os.getpid()
time.monotonic = lambda: now() + ahead[0]

def held_up():  # before it has killed anything
    ahead[0] = 1000
    return look()

def killed(option, *more):  # in the program's process, before that is tied to the guard
    if option == guard._SET_PARENT_DEATH_SIGNAL:
        os.kill(its_own, 9)
        while os.getppid() == its_own:
            time.sleep(0.01)
    return prctl(option, *more)

if sys.argv[2] == "held up":
    guard._children = held_up
else:
    guard._prctl = killed
sys.exit(guard.main("1", "", *sys.argv[3:]))
"""


def test_a_guard_that_is_held_up_kills_what_is_left(place):
    with guarded("-c", _LATE, program._GUARD, "held up", "sh", "-c", "sleep 600 & exit 7", place=place) as guard:
        assert guard.wait(60) == 7
    assert running(place) == []


def test_a_guard_that_is_killed_as_it_starts_its_program_leaves_nothing(place):
    with guarded("-c", _LATE, program._GUARD, "killed", "sleep", "600", place=place) as guard:
        assert guard.wait(60) == -9
    wait_until(lambda: running(place) == [], what="the program has ended too")


def test_what_ends_before_the_program_does_keeps_no_processor_busy():
    with guarded("-I", program._GUARD, "1", "", "sh", "-c", "(sleep 0.1 &); sleep 2") as guard:
        wait_until(lambda: os.waitid(os.P_PID, guard.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT), what="it ends")
        _, code, used = os.wait4(guard.pid, 0)
    assert code == 0
    assert used.ru_utime + used.ru_stime < 1, "seconds of the guard and its shell"


def test_killing_the_worker_ends_everything_of_it(place, tmp_path):
    behave(place, "deaf")
    (place / ".mcp-vector-search").mkdir()
    (place / ".mcp-vector-search" / "config.json").write_text("{}")
    script = (
        "import os, sys, time; from sessions.storage import program;"
        "program.run([sys.argv[1], 'index'], directory=os.open(sys.argv[2], 0), environment={},"
        " until=time.monotonic() + 60, step=lambda piece: None)"
    )
    worker = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "mcp-vector-search"), str(place)])
    wait_until(lambda: (place / "content" / "alive").exists(), what="its grandchild runs")
    assert len(running(place)) == 4, "guard, program, child, grandchild"
    worker.kill()
    worker.wait()
    wait_until(lambda: running(place) == [], what="all of them have ended")
