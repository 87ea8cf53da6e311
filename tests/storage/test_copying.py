"""Copying directories, for backups."""

import subprocess
import sys
from pathlib import Path

_COPY = """
import resource, signal, sys
from pathlib import Path
from sessions.storage.copying import Copied, copy_tree
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2**20 + 1000, 2**20 + 1000))
try:
    copy_tree(Path(sys.argv[1]), Path(sys.argv[2]), Copied())
except OSError as error:
    print(error.strerror)
"""


def test_a_file_that_has_no_room_is_an_error_and_not_cut(tmp_path: Path):
    """The last write of a file takes what fits, and says only how much that was."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "large").write_bytes(b"x" * (2**20 + 2000))
    called = [sys.executable, "-c", _COPY, str(tmp_path / "source"), str(tmp_path / "target")]
    said = subprocess.run(called, capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout == "File too large\n"
