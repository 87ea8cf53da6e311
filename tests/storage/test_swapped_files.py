"""Names that are swapped for links while files are read, packed, written and removed."""

import contextlib
import os
import shutil
import threading

import pytest

from sessions.exceptions import FileNotFound, InTheWay
from sessions.storage.zipping import zipped
from tests.storage.test_files import read, remove, write


def swap(session_id, place, secret, times):
    """While a directory is swapped for a link and back so many times, nothing outside is read, written or removed."""
    content, outside = place / "content", secret.parent
    for directory, text in ((content / "d", "inside"), (outside, "outside")):
        directory.mkdir(exist_ok=True)
        for name in ("secret", "new"):
            (directory / name).write_text(text)
    stop = threading.Event()
    swapped = []

    def swapping():
        while not stop.is_set():
            os.rename(content / "d", content / "kept")
            with contextlib.suppress(FileExistsError):  # the writer made the directory anew
                (content / "d").symlink_to(outside)
                swapped.append(True)
                os.rename(content / "d", content / "aside")
                (content / "aside").unlink()
            while (content / "kept").exists():
                with contextlib.suppress(OSError):
                    shutil.rmtree(content / "d", ignore_errors=True)
                    os.rename(content / "kept", content / "d")

    thread = threading.Thread(target=swapping)
    thread.start()
    done = 0
    try:
        while thread.is_alive() and (done < times or len(swapped) < times):
            done += 1
            for call in (
                lambda: read(session_id, "content/d/secret"),
                lambda: b"".join(zipped(session_id, ("content",))),
                lambda: write(session_id, "content/d/new", b"x") and b"",
                lambda: remove(session_id, ("content", "d", "new")) or b"",
            ):
                with contextlib.suppress(FileNotFound, InTheWay):
                    assert b"outside" not in call()
    finally:
        is_swapping = thread.is_alive()
        stop.set()
        thread.join()
    assert is_swapping
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"secret": "outside", "new": "outside"}


def test_swapped_meanwhile(session_id, place, secret):
    swap(session_id, place, secret, 40)


@pytest.mark.soak
def test_swapped_meanwhile_for_long(session_id, place, secret):
    swap(session_id, place, secret, 1000)
