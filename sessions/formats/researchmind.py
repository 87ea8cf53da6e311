"""Our own archive: a session with its transcript, events and workspace, to the byte. Read and written.

A zip of `session.json`, `messages.jsonl`, `revisions.jsonl`, `events.jsonl`, `progress.json`, `statistics.json`,
`vectors.jsonl`, `workspace/…` and, last, `manifest.json` with the SHA-256 and size of every other entry. Entries of
later versions are listed too: a reader that doesn't know them checks them and leaves them out.
"""

import hashlib
import io
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, BinaryIO, cast
from zipfile import ZipFile, ZipInfo

import orjson

from sessions.exceptions import UnsafeArchive
from sessions.formats import archive, entries, vectors
from sessions.formats.document import Document, Event, Fault, Message, WorkspaceFile
from sessions.formats.json_stream import line_value
from sessions.formats.zip_stream import BLOCK, ZipStream

FORMAT = "researchmind"
VERSION = 1
MANIFEST, SESSION, MESSAGES = "manifest.json", "session.json", "messages.jsonl"
EVENTS, PROGRESS, REVISIONS, VECTORS = "events.jsonl", "progress.json", "revisions.jsonl", "vectors.jsonl"
STATISTICS = "statistics.json"
WORKSPACE = "workspace/"
RENAMED = "workspace-renamed/"  # files whose names an archive can't carry: the manifest has them
_LARGEST_JSON = 64 * 2**20
_LONGEST_LINE = 64 * 2**20
_UTC = orjson.OPT_UTC_Z


# Reading


def is_ours(zip_file: ZipFile) -> bool:
    """Whether an archive is one of ours."""
    return MANIFEST in zip_file.namelist() and SESSION in zip_file.namelist()


def read(file: BinaryIO, limits: archive.Limits | None = None) -> Iterator[Document | Fault]:
    """The one session of the archive. Every entry has been held against the manifest before it is yielded.

    Raises UnsafeArchive, naming the entry that is wrong.
    """
    with archive.opened(file, limits) as zip_file:
        listed = _checked_manifest(zip_file)
        document = entries.document_of(_object(zip_file, SESSION), SESSION)
        document.messages = _messages(zip_file)
        document.events = _events(zip_file)
        document.files = list(_files(zip_file, listed))
        document.progress = dict(_object(zip_file, PROGRESS)) if PROGRESS in listed else None
        document.statistics = dict(_object(zip_file, STATISTICS)) if STATISTICS in listed else None
        document.revisions = entries.revisions_of(_lines(zip_file, REVISIONS)) if REVISIONS in listed else ()
        document.vectors = vectors.vectors_of(_lines(zip_file, VECTORS)) if VECTORS in listed else None
        known = {MANIFEST, SESSION, MESSAGES, EVENTS, PROGRESS, REVISIONS, STATISTICS, VECTORS}
        for name in listed:
            if name not in known and not name.startswith((WORKSPACE, RENAMED)):
                document.tally.drop(name.partition("/")[0])
        yield document


def _checked_manifest(zip_file: ZipFile) -> Mapping[str, Mapping[str, Any]]:
    """What the manifest says of each entry. Raises UnsafeArchive unless all of it is true, and nothing is missing."""
    manifest = _object(zip_file, MANIFEST)
    version = manifest.get("format_version")
    if manifest.get("format") != FORMAT or not isinstance(version, int) or not 1 <= version <= VERSION:
        archive.refuse(MANIFEST, f"is of a format or a version that isn't read here ({version!r:.40})")
    found = manifest.get("entries")
    if not isinstance(found, dict) or not all(isinstance(entry, dict) for entry in found.values()):
        archive.refuse(MANIFEST, "doesn't list the entries")
    listed = cast("dict[str, dict[str, Any]]", found)
    present = {info.filename: info for info in zip_file.infolist() if info.filename != MANIFEST}
    for name in listed.keys() - present.keys():
        archive.refuse(name, "is missing, though the manifest lists it")
    for name in (SESSION, MESSAGES, EVENTS):
        if name not in listed:
            archive.refuse(name, "is not in the manifest")
    for name, info in present.items():
        if name not in listed:
            archive.refuse(name, "is not in the manifest")
        _check(zip_file, info, listed[name])
    return listed


def _check(zip_file: ZipFile, info: ZipInfo, told: Mapping[str, Any]) -> None:
    if told.get("size") != info.file_size:
        archive.refuse(info.filename, "has another size than the manifest says")
    digest = hashlib.sha256()
    for block in archive.blocks(zip_file, info):
        digest.update(block)
    if told.get("sha256") != digest.hexdigest():
        archive.refuse(info.filename, "differs from its SHA-256 in the manifest")


def _object(zip_file: ZipFile, name: str) -> Mapping[str, Any]:
    try:
        info = zip_file.getinfo(name)
    except KeyError as error:
        archive.refuse(name, "is missing", error)
    if info.file_size > _LARGEST_JSON:
        archive.refuse(name, "is too large")
    found = line_value(b"".join(archive.blocks(zip_file, info)))
    if not isinstance(found, dict):
        archive.refuse(name, "is not a JSON object")
    return found


def _lines(zip_file: ZipFile, name: str) -> Iterator[Mapping[str, Any]]:
    with io.BufferedReader(cast("io.RawIOBase", zip_file.open(name)), BLOCK) as file:
        number = 0
        while line := file.readline(_LONGEST_LINE):
            number += 1
            found = line_value(line)
            if isinstance(found, dict):
                yield found
            else:
                raise UnsafeArchive(
                    f"Line {number} of {name} is not a JSON object.", errors=[(name, f"Line {number}.")]
                )


def _messages(zip_file: ZipFile) -> Iterator[Message]:
    return (entries.message_of(found) for found in _lines(zip_file, MESSAGES))


def _events(zip_file: ZipFile) -> Iterator[Event]:
    return (event for found in _lines(zip_file, EVENTS) if (event := entries.event_of(found)))


def _files(zip_file: ZipFile, listed: Mapping[str, Mapping[str, Any]]) -> Iterator[WorkspaceFile]:
    for info in zip_file.infolist():
        path = _path(info.filename, listed)
        if path is None:
            continue
        is_directory = info.filename.endswith("/")
        opener = None if is_directory else partial(_opened, zip_file, info)
        yield WorkspaceFile(path, info.file_size, opener)


def _opened(zip_file: ZipFile, info: ZipInfo) -> BinaryIO:
    return cast("BinaryIO", zip_file.open(info))


def _path(name: str, listed: Mapping[str, Mapping[str, Any]]) -> bytes | None:
    """Where in the workspace an entry belongs; None for one that doesn't. Raises UnsafeArchive for a bad place."""
    if name.startswith(WORKSPACE):
        path = name.removeprefix(WORKSPACE).removesuffix("/").encode()
    elif name.startswith(RENAMED):
        try:
            path = b64decode(str(listed[name].get("path")), validate=True)
        except (Base64Error, ValueError) as error:
            archive.refuse(name, "has no name in the manifest", error)
    else:
        return None
    steps = path.split(b"/")
    if b"\x00" in path or any(step in (b"", b".", b"..") or len(step) > 255 for step in steps):
        if path:
            archive.refuse(name, "has a name that leads elsewhere")
        return None  # the directory `workspace/` itself
    return path


# Writing


def write(document: Document) -> Iterator[bytes]:
    """The archive in pieces; memory doesn't grow with its size."""
    out = ZipStream()
    yield from out.add_text(SESSION, [orjson.dumps(entries.session_object(document), option=_UTC)])
    yield from out.add_text(
        MESSAGES,
        (
            orjson.dumps(entries.message_object(message, index), option=_UTC) + b"\n"
            for index, message in enumerate(document.messages)
        ),
    )
    events = (orjson.dumps(entries.event_object(event), option=_UTC) + b"\n" for event in document.events)
    yield from out.add_text(EVENTS, events)
    kept = (line for revision in document.revisions for line in entries.revision_lines(revision))
    yield from out.add_text(REVISIONS, (orjson.dumps(line, option=_UTC) + b"\n" for line in kept))
    if document.progress is not None:
        yield from out.add_text(PROGRESS, _progress(document.progress))
    if document.statistics is not None:
        yield from out.add_text(STATISTICS, [orjson.dumps(document.statistics, option=_UTC)])
    if document.vectors is not None:
        yield from out.add_text(VECTORS, vectors.lines_of(document.vectors))
    names = _Names()
    for file in document.files:
        name, more = names.of(file)
        blocks = () if file.open is None else _blocks(file)
        yield from out.add(name, blocks, size=file.size, **more)
    manifest = {
        "format": FORMAT,
        "format_version": VERSION,
        "exported_at": datetime.now(UTC),
        "left_out": dict(document.tally.dropped),
        "entries": dict(out.entries),
    }
    yield from out.add_text(MANIFEST, [orjson.dumps(manifest, option=_UTC | orjson.OPT_INDENT_2)])
    yield from out.finish()


def _progress(progress: Mapping[str, Any]) -> Iterator[bytes]:
    """An object in pieces: a list that is read as one goes is never held as a whole."""
    yield b"{"
    for number, (name, value) in enumerate(progress.items()):
        yield (b"," if number else b"") + orjson.dumps(name) + b":"
        if not isinstance(value, Iterator):
            yield orjson.dumps(value, option=_UTC)
            continue
        yield b"["
        for place, row in enumerate(value):
            yield (b",\n" if place else b"\n") + orjson.dumps(row, option=_UTC)
        yield b"]"
    yield b"}"


def _blocks(file: WorkspaceFile) -> Iterator[bytes]:
    """What a file holds, up to the size that it had when it was found: somebody may be writing it."""
    left = file.size
    if file.open is None:
        return
    with file.open() as opened:
        while left > 0 and (block := opened.read(min(BLOCK, left))):
            left -= len(block)
            yield block


class _Names:
    """Entries' names for files. One that an archive can't carry goes under a number, and its path into the manifest."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._renamed = 0

    def of(self, file: WorkspaceFile) -> tuple[str, dict[str, Any]]:
        end = "/" if file.open is None else ""
        try:
            path = file.path.decode()
        except UnicodeDecodeError:
            path = ""
        folded = path.casefold()
        if path and "\\" not in path and folded not in self._seen and not _looks_absolute(path):
            self._seen.add(folded)
            return f"{WORKSPACE}{path}{end}", {}
        self._renamed += 1
        return f"{RENAMED}{self._renamed}{end}", {"path": b64encode(file.path).decode()}


def _looks_absolute(path: str) -> bool:
    return path.split("/")[0].endswith(":") or len(path.split("/")) > 90
