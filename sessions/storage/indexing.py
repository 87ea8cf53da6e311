"""The search index of a workspace, made by `mcp-vector-search`, which operators may install (it is no dependency)."""

import json
import os
import re
import shutil
import stat
import time
from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.conf import settings

from sessions.exceptions import IndexerNotInstalled, IndexingFailed, StorageError
from sessions.storage import program
from sessions.storage.removal import remove_tree
from sessions.storage.workspaces import INDEX, translated, workspace_path

OUTPUT_KEPT = 2**16
INIT = ("init", "--no-mcp", "--no-auto-index", "--no-auto-indexing")
YES = "y\n"  # init asks
_NOT_INITIALISED = 1
_CONFIG = "config.json"
_LARGEST_CONFIG = 2**20
_MAX_DEPTH = 64
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a FIFO put in its place would hang

# What the program gets of our environment: where things are, no keys, no addresses with passwords in them.
_PASSED_ON = (
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH"),
    *("XDG_CACHE_HOME", "HF_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CUDA_VISIBLE_DEVICES"),
)
_PLAIN = {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "100", "PYTHONUNBUFFERED": "1"}

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Output:
    """The end of what a program says: its last 64 KiB, as text without colours and moving bars."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._is_cut = False

    def add(self, piece: bytes) -> None:
        """Keep another piece, and drop from the beginning what is too much."""
        self._kept += piece
        if len(self._kept) > OUTPUT_KEPT:
            del self._kept[:-OUTPUT_KEPT]
            self._is_cut = True

    def text(self) -> str:
        """What is kept, from the beginning of a line."""
        text = self._kept.decode(errors="replace")
        if self._is_cut:
            text = text.partition("\n")[2] or text
        lines = (line.rstrip("\r").rpartition("\r")[2] for line in _ESCAPES.sub("", text).split("\n"))
        return _CONTROL.sub("", "\n".join(lines))


def is_installed() -> bool:
    """Whether the program is there."""
    return shutil.which(settings.INDEX_COMMAND) is not None


def command() -> str:
    """The path of the program. Raises IndexerNotInstalled."""
    found = shutil.which(settings.INDEX_COMMAND)
    if found is None:
        raise IndexerNotInstalled(
            f"{settings.INDEX_COMMAND} isn't installed on this server, so nothing can be indexed. Its operator gets it "
            "with `pipx install mcp-vector-search`, or says in RESEARCHMIND_INDEX_COMMAND where it is."
        )
    return os.path.abspath(found)  # it runs in another directory


def index_workspace(session_id: UUID, *, step: Callable[[bytes], object]) -> None:
    """Initialise the index of a workspace if it isn't this place's, and bring it up to date with the files.

    `step` is called as by `program.run`. Raises IndexerNotInstalled, IndexingFailed with the program's exit code,
    StorageError.
    """
    with translated("open the workspace"):
        workspace = os.open(workspace_path(session_id), _OPEN_DIRECTORY)
    try:
        run = partial(_run, workspace, time.monotonic() + settings.INDEX_SECONDS, step)
        is_ours = _is_of_this_place(workspace)
        if not is_ours:
            _make_anew(workspace, run)
        code = run("index")
        if code == _NOT_INITIALISED and is_ours:
            _make_anew(workspace, run)
            code = run("index")
        _check("index", code)
    finally:
        os.close(workspace)


def _make_anew(workspace: int, run: Callable[..., int | None]) -> None:
    with translated("remove the old index"):
        remove_tree(f"/proc/self/fd/{workspace}", INDEX)
    _check("init", run(*INIT, answer=YES))


def _run(
    workspace: int, until: float, step: Callable[[bytes], object], *arguments: str, answer: str = ""
) -> int | None:
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | _PLAIN
    called = (command(), *arguments)
    try:
        return program.run(called, directory=workspace, environment=environment, until=until, step=step, answer=answer)
    except OSError as error:
        raise StorageError(f"Could not start {settings.INDEX_COMMAND}: {error.strerror}.") from error


def _check(what: str, code: int | None) -> None:
    name = os.path.basename(settings.INDEX_COMMAND)
    if code is None:
        raise IndexingFailed(
            f"It took longer than the {settings.INDEX_SECONDS} seconds that it may take, and was ended. "
            "What is indexed stays: start it again to go on, or ask the operator for more time.",
            exit_code=None,
        )
    if code:
        raise IndexingFailed(f"“{name} {what}” ended with exit code {code}. What it said tells why.", exit_code=code)


def _is_of_this_place(workspace: int) -> bool:
    """Whether there is an index that was made where the workspace is now, and nothing in it leads elsewhere.

    Its config holds absolute paths: one of a workspace that was copied or moved would have the program at work there.
    """
    place = os.readlink(f"/proc/self/fd/{workspace}")
    try:
        index = os.open(INDEX, _OPEN_DIRECTORY, dir_fd=workspace)
        try:
            config = _config(index)
            return (
                config.get("project_root") == place
                and f"{config.get('index_path')}/".startswith(f"{place}/{INDEX}/")
                and _is_plain(os.dup(index))
            )
        finally:
            os.close(index)
    except (OSError, ValueError):
        return False


def _config(index: int) -> dict[str, object]:
    """What the index says of itself. Raises OSError, ValueError."""
    descriptor = os.open(_CONFIG, _OPEN_FILE, dir_fd=index)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("no file")
        config = json.loads(file.read(_LARGEST_CONFIG))
    if not isinstance(config, dict):
        raise ValueError("no object")
    return config


def _is_plain(directory: int, depth: int = 0) -> bool:
    """Whether an open directory, closed afterwards, holds directories and files alone: nothing to follow."""
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                mode = entry.stat(follow_symlinks=False).st_mode
                if stat.S_ISDIR(mode):
                    inside = os.open(entry.name, _OPEN_DIRECTORY, dir_fd=directory)
                    if depth >= _MAX_DEPTH or not _is_plain(inside, depth + 1):
                        return False
                elif not stat.S_ISREG(mode):
                    return False
        return True
    finally:
        os.close(directory)
