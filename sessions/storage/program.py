"""Running a program of somebody else's: bounded in time, and nothing of it is left however we end."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog

_GUARD = str(Path(__file__).with_name("guard.py"))
GRACE_SECONDS = 3.0  # between asking a program to end and killing it
STEP_SECONDS = 0.25
_BLOCK = 2**16
_PRIVATE = 0o077

logger = structlog.get_logger(__name__)


def run(
    command: Sequence[str],
    *,
    directory: int,
    environment: Mapping[str, str],
    until: float,
    step: Callable[[bytes], object],
    answer: str = "",
) -> int | None:
    """Run a program in an open directory; return its exit code, or None if its time was up.

    `until` is a time of `time.monotonic`, `answer` stands on its standard input. `step` gets what it says as it
    comes, and nothing four times a second while it is silent; an exception of its own ends the program too. What has
    ended before its time was up has ended well, however late we look. All that
    the program has started has ended when this returns, and also ends when this process is killed. Raises OSError
    if nothing can be started at all.
    """
    with _guarded(command, directory, environment, answer) as process:
        assert process.stdout is not None  # noqa: S101  (for the type checker)
        said = process.stdout.fileno()
        while (left := max(until - time.monotonic(), 0)) or process.poll() is not None:
            is_ready = bool(select.select([said], [], [], min(STEP_SECONDS, left))[0])
            piece = os.read(said, _BLOCK) if is_ready else b""
            step(piece)
            if not piece and (is_ready or not left):  # nobody is left who could say more
                return process.wait()
    return None


@contextmanager
def _guarded(
    command: Sequence[str], directory: int, environment: Mapping[str, str], answer: str
) -> "Iterator[subprocess.Popen[bytes]]":
    """The guard with the program in it, ended when the block ends."""
    process = subprocess.Popen(  # noqa: S603  (what the settings name)
        [sys.executable, "-I", _GUARD, str(GRACE_SECONDS), answer, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=f"/proc/self/fd/{directory}",
        env=dict(environment),
        umask=_PRIVATE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        assert process.stdin is not None  # noqa: S101  (for the type checker)
        assert process.stdout is not None  # noqa: S101  (for the type checker)
        process.stdin.close()
        try:
            process.wait(GRACE_SECONDS + 15)
        except subprocess.TimeoutExpired:
            logger.error("program_does_not_end", command=command[0], guard=process.pid)
        process.stdout.close()
