"""Paths inside a workspace, as callers write them: what isn't plainly inside is refused before anything is opened."""

from sessions.exceptions import Invalid

LONGEST_NAME = 255  # bytes, as file systems have it
LONGEST_PATH = 4096
_CONTROL = frozenset(map(chr, (*range(32), 127)))


def checked_path(path: str) -> tuple[str, ...]:
    """Return the names that a relative path is made of. Raises Invalid for anything that isn't plainly one.

    Refused are empty names, `.` and `..`, absolute paths, backslashes, control characters, names
    longer than 255 bytes, and hidden names, which belong to tools such as the index.
    """
    problem = _problem(path)
    if problem:
        raise Invalid("This can't be a path in the workspace.", errors=[("path", problem)])
    return tuple(path.split("/"))


def is_plain_name(name: str) -> bool:
    """Whether a name on the disk can be written as a part of a path; others aren't shown."""
    return "/" not in name and not _problem(name)


def _problem(path: str) -> str:
    if not path or path.startswith("/"):
        return "Write it relative to the workspace, such as content/notes.txt."
    if "\\" in path or not _CONTROL.isdisjoint(path):
        return "No backslashes and no control characters."
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        return "Not a valid Unicode text."
    names = encoded.split(b"/")
    if len(encoded) > LONGEST_PATH or max(map(len, names)) > LONGEST_NAME:
        return f"At most {LONGEST_NAME} bytes a name and {LONGEST_PATH} altogether."
    if any(not name.strip() or name.startswith(".") for name in path.split("/")):
        return "No empty or hidden names, and none that are . or .. ."
    return ""
