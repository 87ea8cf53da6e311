"""remove_tree: everything in the tree goes, nothing outside it is touched, and nothing hangs."""

import os
import resource
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from sessions.storage.removal import remove_tree


@pytest.fixture
def tree(tmp_path):
    """A tree to remove, in a directory with a neighbour."""
    (tmp_path / "root" / "tree").mkdir(parents=True)
    (tmp_path / "root" / "tree2").mkdir()
    (tmp_path / "root" / "tree2" / "neighbour").write_text("kept")
    return tmp_path / "root" / "tree"


@pytest.fixture
def outside(tmp_path):
    """A directory that links lead to."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("kept")
    return tmp_path / "outside"


def assert_gone(tree, *kept):
    remove_tree(tree.parent, tree.name)
    assert not os.path.lexists(tree)
    assert sorted(entry.name for entry in tree.parent.iterdir()) == ["tree2"], "nor anything moved aside"
    for file in (tree.parent / "tree2" / "neighbour", *kept):
        assert file.read_text() == "kept"


def test_files_and_directories(tree):
    for path in ("a", "b/c", "b/d/e"):
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text("x")
    (tree / "empty").mkdir()
    assert_gone(tree)


def test_what_is_not_there(tmp_path):
    remove_tree(tmp_path, "nothing")
    remove_tree(tmp_path / "no root", "nothing")
    assert list(tmp_path.iterdir()) == []


def test_links_are_removed_and_not_followed(tree, outside):
    (tree / "to file").symlink_to(outside / "file")
    (tree / "to directory").symlink_to(outside)
    (tree / "to parent").symlink_to("..")
    (tree / "loop").symlink_to("loop")
    (tree / "dangling").symlink_to("/nowhere/at/all")
    (tree / "absolute").symlink_to("/")
    assert_gone(tree, outside / "file")
    assert outside.stat().st_mode & stat.S_IRWXU == stat.S_IRWXU


def test_the_tree_itself_is_a_link(tree, outside):
    tree.rmdir()
    tree.symlink_to(outside)
    assert_gone(tree, outside / "file")


def test_the_tree_itself_is_a_file(tree):
    tree.rmdir()
    tree.write_text("x")
    assert_gone(tree)


def test_hard_links_lose_one_name(tree, outside):
    os.link(outside / "file", tree / "same file")
    assert_gone(tree, outside / "file")
    assert (outside / "file").stat().st_nlink == 1


def test_fifos_and_sockets_do_not_hang(tree):
    os.mkfifo(tree / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.open(tree, os.O_RDONLY)
        server.bind(f"/proc/self/fd/{here}/socket")  # a socket's address is short; the path isn't
        os.close(here)
    assert stat.S_ISSOCK((tree / "socket").stat().st_mode)
    assert_gone(tree)


def test_odd_names(tree):
    for name in (b"-rf", b"$(id)", b"new\nline", b"\xff\xfe not UTF-8", b"*", b" ", b"x" * 255, "é🌱".encode(), b"..."):
        (Path(os.fsdecode(bytes(tree) + b"/" + name))).mkdir()
        Path(os.fsdecode(bytes(tree) + b"/" + name + b"/" + name)).write_text("x")
    assert_gone(tree)


def make_deep(tree, depth):
    here = os.open(tree, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        os.mknod("f", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)


@pytest.mark.parametrize("depth", [63, 64, 65, 3000])
def test_any_depth_with_few_descriptors(tree, depth):
    make_deep(tree, depth)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 100, hard))
    try:
        assert_gone(tree)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_what_was_moved_up_before_a_failure_is_not_forgotten(tree, monkeypatch):
    """The second try must find what the first has moved out of the depth."""
    make_deep(tree, 200)
    real, calls = os.rename, []

    def fail_the_second_time(*args, **kwargs):
        calls.append(args)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        real(*args, **kwargs)

    monkeypatch.setattr(os, "rename", fail_the_second_time)
    with pytest.raises(OSError, match="Input/output"):
        remove_tree(tree.parent, tree.name)
    assert tree.is_dir()
    assert_gone(tree)


def test_a_directory_swapped_for_a_link_while_it_is_looked_at(tree, outside, monkeypatch):
    """Between the look and the opening somebody puts a link in the place: it is not followed."""
    (tree / "inner").mkdir()
    real = os.open

    def swap(path, flags, *args, **kwargs):
        if path == "inner":
            monkeypatch.setattr(os, "open", real)
            (tree / "inner").rmdir()
            (tree / "inner").symlink_to(outside)
        return real(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, "open", swap)
    with pytest.raises(OSError, match="inner"):
        remove_tree(tree.parent, tree.name)
    assert (outside / "file").read_text() == "kept"
    assert_gone(tree, outside / "file")


def test_a_file_that_goes_while_it_is_looked_at(tree, monkeypatch):
    (tree / "file").write_text("x")
    real = os.unlink

    def unlink(path, *, dir_fd=None):
        real(path, dir_fd=dir_fd)
        raise FileNotFoundError(path)

    monkeypatch.setattr(os, "unlink", unlink)
    assert_gone(tree)


SCRIPT = """
import os, sys
from sessions.storage.removal import remove_tree
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
os.chdir(sys.argv[1])
os.makedirs("tree/closed/inner"); os.makedirs("tree/" + "/".join(["deep"] * 70))
for path in ("tree/closed/inner/file", "tree/file", "tree/" + "/".join(["deep"] * 70) + "/file"):
    open(path, "w").close()
    os.chmod(path, 0)
for directory, _, _ in list(os.walk("tree", topdown=False)):
    os.chmod(directory, int(sys.argv[2], 8))
try:
    os.listdir("tree/closed"), os.mkdir("tree/closed/new")
except PermissionError:
    pass
else:
    sys.exit("the test has more rights than it should")
remove_tree(".", "tree")
sys.exit(os.path.lexists("tree") and "still there")
"""


@pytest.mark.parametrize("mode", ["000", "500", "100", "400", "200"])
def test_closed_directories_as_an_unprivileged_user(tmp_path, mode):
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        os.chmod(place, 0o777)
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, place, mode], capture_output=True, text=True, timeout=60, cwd=Path.cwd()
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_a_parent_that_may_not_be_written_is_an_error(tree):
    done = subprocess.run(
        [
            sys.executable, "-c",
            "import os, sys; from sessions.storage.removal import remove_tree\n"
            "if os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            "try: remove_tree(sys.argv[1], 'proc')\n"
            "except OSError: sys.exit(3)",
            "/",
        ],
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 3
