"""Runs one program so that nothing of it outlives whoever wanted it. A process of its own: `python -I guard.py …`.

Its standard input is a lifeline: when nobody holds the other end any more, because whoever started it has let go or
was killed, the program is asked to end, then killed, and so is everything that it has started, whatever process
group or session that has gone to. What a program leaves running when it ends by itself is killed too. The exit code
is the program's; 128 and its number if a signal ended it; 127 if it couldn't be started.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from functools import partial
from types import FrameType

NOT_STARTED = 127
_LIFELINE = 0
_SET_PARENT_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36
_MOST_TIMES = 500  # to kill what is left, 20 ms apart: only a disk that hangs can use them up
_prctl = ctypes.CDLL(None, use_errno=True).prctl


def main(grace_seconds: str, answer: str, *command: str) -> int:
    """Run the command with `answer` on its standard input; return the exit code."""
    _prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # what it starts in the background is ours once its own parent is gone
    wakeups = _wakeups()
    try:
        started = _start(answer, command)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return NOT_STARTED
    program, code = started.pid, None
    while code is None:
        if _LIFELINE in select.select([_LIFELINE, wakeups], [], [])[0]:
            os.killpg(program, signal.SIGTERM)
            code = _wait(program, wakeups, float(grace_seconds))
            break
        code = _wait(program, wakeups, 0)
    _kill_children(wakeups)
    return 128 + signal.SIGKILL if code is None else code


def _wakeups() -> int:
    """A descriptor that can be read once a child has ended. The signals that would end us only wake us too."""
    ours, theirs = os.pipe()
    for end in (ours, theirs):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _ignore)
    return ours


def _ignore(number: int, frame: FrameType | None) -> None:
    """A signal that is handled, unlike an ignored one, is what it always was in the program."""


def _start(answer: str, command: tuple[str, ...]) -> "subprocess.Popen[bytes]":
    """Start the program in a session of its own. Raises OSError.

    What is returned must be kept: on its way out it would collect a program that has ended, and the exit code with it.
    """
    reading, writing = os.pipe()
    os.write(writing, answer.encode())
    os.close(writing)
    started = subprocess.Popen(  # noqa: S603  (what the settings name)
        command,
        stdin=reading,
        start_new_session=True,
        preexec_fn=partial(_go_with_the_guard, os.getpid()),  # there are no threads here
    )
    os.close(reading)
    return started


def _go_with_the_guard(guard: int) -> None:
    """Have the kernel kill us when the guard ends; if it has ended already, nothing would."""
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != guard:
        os.kill(os.getpid(), signal.SIGKILL)


def _wait(program: int, wakeups: int, seconds: float) -> int | None:
    """Collect children that have ended; return the program's exit code if it is among them within so many seconds."""
    until = time.monotonic() + seconds
    while True:
        _forget(wakeups)  # before looking: who ends after this wakes us again
        code = _collect(program)
        left = until - time.monotonic()
        if code is not None or left <= 0:
            return code
        select.select([wakeups], [], [], left)


def _collect(program: int) -> int | None:
    code = None
    try:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == program:
                code = os.waitstatus_to_exitcode(ended[1])
    except ChildProcessError:
        pass
    return 128 - code if code is not None and code < 0 else code


def _forget(wakeups: int) -> None:
    with contextlib.suppress(BlockingIOError):
        os.read(wakeups, 4096)


def _kill_children(wakeups: int) -> None:
    """Kill all that is left. The children of what is killed become ours, until there are none.

    So many times, not so many seconds: these pass for a guard too that gets no processor.
    """
    for _ in range(_MOST_TIMES):
        children = _children()
        if not children:
            return
        for child in children:
            with contextlib.suppress(PermissionError):  # it has made itself somebody else's
                os.kill(child, signal.SIGKILL)
        _wait(0, wakeups, 0.02)


def _children() -> list[int]:
    """The processes of which we are the parent, those that have ended and are not collected among them."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                parent = file.read().rpartition(b")")[2].split()[1]
        except OSError:
            continue  # gone meanwhile
        if int(parent) == os.getpid():
            found.append(int(name))
    return found


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
