"""Files of a workspace on a real disk: nothing outside is touched, nothing hangs, nothing is half written."""

import os
import socket
import threading
from pathlib import Path
from uuid import uuid4

import pytest

from sessions.exceptions import FileNotFound, Impossible, InTheWay, Invalid, QuotaExceeded, StorageError, StorageFull
from sessions.storage import disk_use, files, room, zipping
from sessions.storage.directory import MOST_LISTED, list_directory
from sessions.storage.names import checked_path
from sessions.storage.unfinished_changes import forget, unfinished_changes
from sessions.storage.zipping import zipped
from tests.together import together

QUOTA = 10_000


def write(session_id, path, data=b"data", *, size=None, quota=QUOTA):
    return put(session_id, checked_path(path), iter([data]), len(data) if size is None else size, quota)


def put(session_id, names, blocks, size, quota=QUOTA):
    with files.written_file(session_id, names, blocks, size=size, quota=quota) as written:
        written.settle()
    return written.entry


def remove(session_id, names):
    with files.removed_file(session_id, names):
        pass


def read(session_id, path):
    with files.opened_file(session_id, checked_path(path)) as found:
        return found.file.read()


def everything(place):
    return sorted(str(path.relative_to(place)) for path in place.rglob("*"))


def test_there_and_back(session_id, place):
    entry = write(session_id, "content/a/b/notes.txt", b"one")
    assert (entry.path, entry.size, entry.is_directory) == ("content/a/b/notes.txt", 3, False)
    write(session_id, "content/a/b/notes.txt", b"second")
    assert read(session_id, "content/a/b/notes.txt") == b"second"
    (found,) = list_directory(session_id, ("content", "a", "b")).entries
    assert (found.name, found.size) == ("notes.txt", 6)
    remove(session_id, checked_path("content/a"))
    assert everything(place) == ["content"]
    for gone in ("content/a", "content/a/b/notes.txt"):
        with pytest.raises(FileNotFound):
            remove(session_id, checked_path(gone))
    with pytest.raises(Impossible):
        remove(session_id, ("content",))


def test_hidden_and_special_are_not_there(session_id, place, secret):
    content = place / "content"
    (content / "link").symlink_to(secret)
    (content / "directory").symlink_to(secret.parent)
    (content / "loop").symlink_to(content)
    (content / ".hidden").write_text("x")
    (content / "a\nb").write_text("x")
    os.mkfifo(content / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.getcwd()
        os.chdir(content)  # addresses of sockets are short
        try:
            listening.bind("socket")
        finally:
            os.chdir(here)
        (content / "plain").write_text("x")
        assert [entry.name for entry in list_directory(session_id, ("content",)).entries] == ["plain"]
        for name in ("link", "fifo", "socket", "loop", "directory"):
            for call in (
                lambda name=name: read(session_id, f"content/{name}"),
                lambda name=name: remove(session_id, ("content", name)),
                lambda name=name: list_directory(session_id, ("content", name)),
            ):
                with pytest.raises(FileNotFound):
                    call()
        with pytest.raises(FileNotFound):
            read(session_id, "content/directory/secret")
        with pytest.raises(InTheWay):
            write(session_id, "content/directory/secret", b"changed")
        assert b"secret" not in b"".join(zipped(session_id, ("content",)))
        write(session_id, "content/link", b"changed")
        write(session_id, "content/fifo", b"changed")
    assert secret.read_text() == "secret"
    assert (content / "link").read_text() == (content / "fifo").read_text() == "changed"
    assert not (content / "link").is_symlink()


def test_a_zip_has_more_than_a_list_shows(session_id, place):
    for number in range(MOST_LISTED + 1):
        os.mknod(f"{place}/content/{number}")
    found = list_directory(session_id, ("content",))
    assert (len(found.entries), found.cut_at) == (MOST_LISTED, MOST_LISTED)
    assert sum(1 for _ in zipping._files(session_id, ("content",), 0)) == MOST_LISTED + 1
    (place / "content" / "0").unlink()
    assert list_directory(session_id, ("content",)).cut_at is None


def test_a_workspace_that_is_a_link(session_id, place, secret):
    place.rename(place.with_name("elsewhere"))
    place.symlink_to(secret.parent)
    for call in (
        lambda: list_directory(session_id),
        lambda: read(session_id, "secret"),
        lambda: write(session_id, "secret"),
        lambda: remove(session_id, ("secret",)),
    ):
        with pytest.raises(FileNotFound):
            call()
    assert secret.read_text() == "secret"


def test_something_in_the_way(session_id, place):
    write(session_id, "content/file")
    for path in ("content", "content/file/below"):
        with pytest.raises(InTheWay):
            write(session_id, path)
    assert everything(place) == ["content", "content/file"]


def test_cut_off_or_too_long(session_id, place):
    write(session_id, "content/a", b"old")
    for size in (3, 5):
        with pytest.raises(Impossible):
            write(session_id, "content/a", b"data", size=size)

    def broken():
        yield b"da"
        raise ConnectionResetError

    with pytest.raises(StorageError):
        put(session_id, ("content", "a"), broken(), 4)
    assert read(session_id, "content/a") == b"old"
    assert everything(place) == ["content", "content/a"]


def test_a_full_disk(session_id, place, monkeypatch):
    write(session_id, "content/a", b"old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull):
        write(session_id, "content/a", b"new")
    monkeypatch.undo()
    assert read(session_id, "content/a") == b"old"
    assert everything(place) == ["content", "content/a"]


def test_the_quota(session_id):
    write(session_id, "content/a", b"x" * 6000)
    write(session_id, "content/a", b"y" * 9000)
    with pytest.raises(QuotaExceeded) as refused:
        write(session_id, "content/b", b"z" * 1001)
    assert refused.value.state == {"used": 9000, "quota": QUOTA}
    write(session_id, "content/b", b"z" * 1000)


def fill(place: Path, amount: int) -> None:
    """Empty files, as an agent writes them, past us."""
    (place / "content" / "many").mkdir()
    for number in range(amount):
        (place / "content" / "many" / str(number)).touch()


@pytest.fixture
def counted(monkeypatch) -> list[int]:
    """How often a workspace was counted; a sum that was noted holds for a minute and more."""
    times: list[int] = []

    def measure(directory: int, **options: int) -> object:
        times.append(directory)
        return disk_use.measure(directory, **options)

    monkeypatch.setattr(room, "measure", measure)
    monkeypatch.setattr(room, "_SECONDS_EACH", 0.06)
    return times


def test_many_files_are_not_counted_at_every_upload(session_id, place, counted):
    fill(place, 1000)
    for number in range(8):
        write(session_id, f"content/{number}", b"x" * 1000)
    assert len(counted) == 1
    (place / "content" / "many" / "0").write_bytes(b"x" * 2000)
    with pytest.raises(QuotaExceeded) as refused:
        write(session_id, "content/a", b"x" * 2001)
    assert refused.value.state == {"used": 10_000, "quota": QUOTA}
    assert len(counted) == 2, "nobody is refused uncounted"
    for number in range(8):
        (place / "content" / str(number)).unlink()
    write(session_id, "content/a", b"x" * 8000)
    assert len(counted) == 3
    os.setxattr(place, "user.researchmind.use", b"0 1")
    with pytest.raises(QuotaExceeded):
        write(session_id, "content/b", b"x")


def test_readers_do_not_count_each_time(session_id, place, counted, monkeypatch):
    """What is shown is noted too, and counts for uploads; of too many files it is said that there are more."""
    fill(place, 1000)
    write(session_id, "content/a", b"x" * 1000)
    assert [room.used_room(session_id).size for _ in range(3)] == [1000] * 3
    assert len(counted) == 1
    remove(session_id, ("content", "a"))
    assert [room.used_room(session_id).size for _ in range(3)] == [0] * 3
    assert len(counted) == 2
    write(session_id, "content/a", b"x" * 9000)
    assert len(counted) == 2
    with pytest.raises(QuotaExceeded):
        write(session_id, "content/b", b"x" * 2000)
    remove(session_id, ("content", "a"))
    monkeypatch.setattr(room, "measure", lambda directory, **options: disk_use.measure(directory, most=1001))
    assert [room.used_room(session_id).is_whole for _ in range(3)] == [False] * 3
    monkeypatch.undo()
    write(session_id, "content/a", b"x" * QUOTA)
    assert not room.used_room(uuid4()).size


def test_few_files_are_counted_each_time(session_id, place, counted):
    write(session_id, "content/a", b"x" * 1000)
    (place / "content" / "b").write_bytes(b"x" * 9000)
    with pytest.raises(QuotaExceeded):
        write(session_id, "content/c", b"x")
    assert len(counted) == 2


@pytest.mark.parametrize("beside", [0, 1000])
def test_parallel_uploads_stay_within_the_quota(session_id, place, beside):
    """Their room is taken before the first byte comes: none of ten that are under way at once goes beyond."""
    fill(place, beside)
    gate = threading.Barrier(10, timeout=30)

    def slow():
        gate.wait()
        yield b"x" * 3000

    def upload(number):
        try:
            return put(session_id, ("content", str(number)), slow(), 3000)
        except QuotaExceeded:
            gate.wait()  # it waits with the others, so that all of them overlap
            raise

    results = together(*[lambda number=number: upload(number) for number in range(10)])
    assert sum(isinstance(result, QuotaExceeded) for result in results) == 7
    assert sum(path.stat().st_size for path in place.rglob("*") if path.is_file()) == 9000


def test_what_a_killed_upload_left_is_swept(session_id, place):
    (place / ".upload-dead").write_bytes(b"x" * 9000)
    write(session_id, "content/a", b"y" * 5000)
    assert everything(place) == ["content", "content/a"]


def test_a_change_that_isn_t_noted_is_none_or_found(session_id, place):
    """What raises before anything is settled leaves the old state; a removal that isn't noted comes back."""
    write(session_id, "content/a/b", b"old")

    def broken(*, settled):
        with files.written_file(session_id, ("content", "a", "b"), [b"new"], size=3, quota=QUOTA) as written:
            if settled:
                written.settle()
            raise ZeroDivisionError

    for settled in (False, True):
        with pytest.raises(ZeroDivisionError):
            broken(settled=settled)
        assert read(session_id, "content/a/b") == (b"new" if settled else b"old")
        found = unfinished_changes(session_id)
        assert [(change.path, change.is_removal, change.size) for change in found] == (
            [("content/a/b", False, 3)] if settled else []
        )
    with pytest.raises(ZeroDivisionError), files.removed_file(session_id, ("content", "a")):
        raise ZeroDivisionError
    assert read(session_id, "content/a/b") == b"new"
    with files.written_file(session_id, ("content", "c"), [b"x"], size=1, quota=QUOTA) as written:
        written.settle()
        assert len(unfinished_changes(session_id)) == 1, "this one is under way"
    forget(session_id, found[0])
    assert everything(place) == ["content", "content/a", "content/a/b", "content/c"]


def test_a_removal_that_comes_back_takes_nothing_from_whoever_has_put_a_file_there_meanwhile(session_id, place):
    """That one was acknowledged while the removal was held up."""
    write(session_id, "content/a", b"old")

    def held_up(written):
        with files.removed_file(session_id, ("content", "a")):
            written.settle()
            raise ZeroDivisionError

    with (
        files.written_file(session_id, ("content", "a"), [b"new"], size=3, quota=QUOTA) as written,
        pytest.raises(ZeroDivisionError),
    ):
        held_up(written)
    assert read(session_id, "content/a") == b"new"
    assert everything(place) == ["content", "content/a"]
    assert unfinished_changes(session_id) == []


HOSTILE = [
    *("", "/", "//", ".", "..", "../x", "../../etc/passwd", "content/..", "content/../..", "content/../../x"),
    *("/etc/passwd", "//etc/passwd", "content//x", "content/", "content/./x", "./content", "content/.", "~/../x/.."),
    *(
        "content\\x",
        "..\\..\\x",
        "C:\\x",
        "content/a\0b",
        "\0",
        "content/a\nb",
        "a\r\nSet-Cookie: x",
        "\x7f",
        "\x1b[31m",
    ),
    *("x" * 256, "content/" + "y" * 300, "é" * 128, "content/" + "😀" * 64, "/".join(["d"] * 2100), "a/" * 3000 + "b"),
    *(".mcp-vector-search/x", ".upload-x", ".removed-x", "content/.git/config", ".ssh", "content/.env", "..."),
    *("\ud800", "content/\udc80", " ", "content/ ", "content/\t", "content/\u00a0", "\u3000/x", "a/\u2003/b"),
    *("....//", "..;/x", ".%2e/x", "content/...", "content/.. /x", "../workspaces-evil/x", ".trash/x", ".staging/x"),
    *("content/\x01", "content/\x0b", "con\x00tent/x", "content/../content/../../x"),
]


@pytest.mark.parametrize("path", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_are_refused(path):
    with pytest.raises(Invalid):
        checked_path(path)


def test_there_are_enough_of_them():
    assert len(set(HOSTILE)) >= 60


@pytest.mark.parametrize(
    "name", ["-rf", "$(id)", "`id`", "a;b", "a b", "%2e%2e", "x" * 255, "é" * 127, "CON", "*", "'\""]
)
def test_odd_names_are_names(session_id, place, name):
    write(session_id, f"content/{name}", b"kept")
    assert read(session_id, f"content/{name}") == b"kept"
    assert os.listdir(place / "content") == [name]
    remove(session_id, ("content", name))


def test_into_a_directory_that_goes_meanwhile(session_id, place):
    """It is removed right before the file moves in."""
    rename = os.rename

    def late(*args, **kwargs):
        os.rmdir(place / "content" / "d")
        return rename(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files.os, "rename", late)
        with pytest.raises(InTheWay, match="Send it again"):
            write(session_id, "content/d/new", b"x")
    assert os.listdir(place / "content") == []
    assert [name for name in os.listdir(place) if name.startswith(".upload")] == []
