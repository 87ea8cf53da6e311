"""Zip archives from strangers: opened only when nothing in them can do harm (docs/decisions/0013-formats.md)."""

import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, NoReturn
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from sessions.exceptions import TooLarge, UnsafeArchive

MOST_ENTRIES = 100_000
MOST_BYTES = 2 * 2**30  # unpacked, all entries together
HIGHEST_RATIO = 200
_SMALL = 2**16  # bytes: an entry that unpacks to no more does no harm, whatever its ratio
_LARGEST_DIRECTORY = 48 * 2**20  # bytes of the central directory, which zipfile reads at once
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_LOCAL = struct.Struct("<4s5H3L2H")
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an archive may hold."""

    entries: int = MOST_ENTRIES
    bytes: int = MOST_BYTES


@contextmanager
def opened(file: BinaryIO, limits: Limits | None = None) -> Iterator[ZipFile]:
    """The archive, once all of its entries' names, sizes and places have been found harmless.

    Raises UnsafeArchive or TooLarge, naming the entry; nothing has been unpacked then.
    """
    limits = limits or Limits()
    _check_directory(file, limits)
    try:
        archive = ZipFile(file)
    except (BadZipFile, zlib.error, NotImplementedError, ValueError, UnicodeError, OSError, struct.error) as error:
        raise UnsafeArchive("This archive is damaged: its list of entries can't be read.") from error
    with archive:
        _check_entries(archive, file, limits)
        yield archive


def is_archive(file: BinaryIO) -> bool:
    """Whether the file begins like a zip."""
    file.seek(0)
    return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def blocks(archive: ZipFile, info: ZipInfo) -> Iterator[bytes]:
    """What an entry holds, piece by piece. Raises UnsafeArchive if it isn't what the archive says."""
    read = 0
    try:
        with archive.open(info) as entry:
            while block := entry.read(_BLOCK):
                read += len(block)
                yield block
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        refuse(info.filename, "is damaged", error)
    if read != info.file_size:
        refuse(info.filename, f"holds {read} bytes, not {info.file_size} as the archive says")


def refuse(name: str, what: str, error: Exception | None = None) -> NoReturn:
    """Refuse the archive because of one entry."""
    shown = name.encode("unicode_escape").decode()[:200]
    raise UnsafeArchive(f"The entry “{shown}” {what}.", errors=[(shown, f"This entry {what}.")]) from error


def _check_directory(file: BinaryIO, limits: Limits) -> None:
    """Look at the archive's end before zipfile reads the whole list of entries into memory."""
    size = file.seek(0, 2)
    tail_start = max(0, size - _END.size - 2**16)
    file.seek(tail_start)
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise UnsafeArchive("This archive is damaged: its end is missing.")
    _, _, _, _, entries, length, offset, _ = _END.unpack_from(tail, at)
    locator = at - _LOCATOR64.size
    if locator >= 0 and tail[locator : locator + 4] == b"PK\x06\x07":
        _, _, end64, _ = _LOCATOR64.unpack_from(tail, locator)
        file.seek(min(end64, size))
        record = file.read(_END64.size)
        if len(record) < _END64.size or record[:4] != b"PK\x06\x06":
            raise UnsafeArchive("This archive is damaged: its end can't be read.")
        *_, entries, length, offset = _END64.unpack(record)
    if entries > limits.entries or length > _LARGEST_DIRECTORY:
        raise TooLarge(f"This archive has more than {limits.entries:,} entries.", limit=limits.entries)
    if offset + length > size:
        raise UnsafeArchive("This archive is damaged: its list of entries is cut off.")


def _check_entries(archive: ZipFile, file: BinaryIO, limits: Limits) -> None:
    infos = archive.infolist()
    if len(infos) > limits.entries:
        raise TooLarge(f"This archive has more than {limits.entries:,} entries.", limit=limits.entries)
    total = 0
    seen: set[str] = set()
    for info in infos:
        _check_name(info, seen)
        _check_kind(info)
        total += info.file_size
        if info.file_size > _SMALL and info.file_size > HIGHEST_RATIO * info.compress_size:
            raise TooLarge(f"The entry “{info.filename[:200]}” unpacks to more than {HIGHEST_RATIO} times its size.")
        if total > limits.bytes:
            raise TooLarge(
                f"The entry “{info.filename[:200]}” makes the archive unpack to more than {limits.bytes // 2**20} MiB.",
                limit=limits.bytes,
            )
    _check_places(archive, infos, file)


def _check_name(info: ZipInfo, seen: set[str]) -> None:
    name = info.orig_filename
    if not name or "\x00" in name:
        refuse(name, "has an empty name, or one with a NUL character")
    if "\\" in name:
        refuse(name, "has a backslash in its name")
    steps = name.removesuffix("/").split("/")
    if name.startswith("/") or steps[0].endswith(":"):
        refuse(name, "has an absolute name")
    if any(step in ("", ".", "..") for step in steps):
        refuse(name, "has a name that leads elsewhere")
    if any(len(step.encode("utf-8", "surrogatepass")) > 255 for step in steps) or len(steps) > 100:
        refuse(name, "has a name that is too long")
    folded = name.removesuffix("/").casefold()
    if folded in seen:
        refuse(name, "has the same name as another one, but for the case of its letters")
    seen.add(folded)


def _check_kind(info: ZipInfo) -> None:
    mode = info.external_attr >> 16
    kind = stat.S_IFMT(mode)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        refuse(info.filename, "is a link or a device, not a file")
    if info.flag_bits & _ENCRYPTED:
        refuse(info.filename, "is encrypted")
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        refuse(info.filename, "is compressed in a way that isn't read here")
    if info.compress_type == ZIP_STORED and info.compress_size != info.file_size:
        refuse(info.filename, "tells two sizes that contradict each other")


def _check_places(archive: ZipFile, infos: list[ZipInfo], file: BinaryIO) -> None:
    """No entry begins inside another one, or inside the list of entries."""
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end:
            refuse(info.filename, "overlaps another one")
        file.seek(info.header_offset)
        header = file.read(_LOCAL.size)
        if len(header) < _LOCAL.size or header[:4] != b"PK\x03\x04":
            refuse(info.filename, "is not where the archive says")
        *_, name_length, extra_length = _LOCAL.unpack(header)
        end = info.header_offset + _LOCAL.size + name_length + extra_length + info.compress_size
    if end > archive.start_dir:
        refuse(infos[-1].filename, "reaches into the list of entries")
