"""A zip on its way out: written piece by piece to a stream that can't be wound back."""

import hashlib
import io
import stat
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, BinaryIO, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from sessions.formats.archive import HIGHEST_RATIO

BLOCK = 2**20
_RATIO = HIGHEST_RATIO // 2  # what is written stays well below what is read
_EPOCH = (1980, 1, 1, 0, 0, 0)
_ZIP64 = 2**30  # bytes from which on an entry is written in the larger form


class _Sink(io.RawIOBase):
    """Takes what zipfile writes."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def drain(self) -> bytes:
        data, self._pieces = b"".join(self._pieces), []
        return data


class ZipStream:
    """An archive that is being written. `entries` has the size and the SHA-256 of each entry that is done."""

    def __init__(self) -> None:
        self._sink = _Sink()
        self._zip = ZipFile(cast("BinaryIO", self._sink), "w", ZIP_STORED)
        self.entries: dict[str, dict[str, Any]] = {}

    def add(
        self, name: str, data: Iterable[bytes], *, size: int | None = None, compressed: bool = False, **more: Any
    ) -> Iterator[bytes]:
        """Write an entry; `size` is how large it may become, if that is known. `more` goes into `entries`."""
        info = ZipInfo(name, date_time=_EPOCH)
        info.compress_type = ZIP_DEFLATED if compressed else ZIP_STORED
        info.external_attr = (stat.S_IFDIR | 0o700 if name.endswith("/") else stat.S_IFREG | 0o600) << 16
        digest, length = hashlib.sha256(), 0
        with self._zip.open(info, "w", force_zip64=size is None or size > _ZIP64) as entry:
            for block in data:
                digest.update(block)
                length += len(block)
                entry.write(block)
                yield self._sink.drain()
        self.entries[name] = {"size": length, "sha256": digest.hexdigest(), **more}
        yield self._sink.drain()

    def add_text(self, name: str, data: Iterable[bytes]) -> Iterator[bytes]:
        """Write an entry compressed, unless it compresses so well that a reader would take it for a bomb."""
        with tempfile.TemporaryFile() as spool:
            measure, size, packed = zlib.compressobj(1), 0, 0
            for piece in data:
                size += spool.write(piece)
                packed += len(measure.compress(piece))
            packed += len(measure.flush())
            spool.seek(0)
            blocks = iter(partial(spool.read, BLOCK), b"")
            yield from self.add(name, blocks, size=size, compressed=size < _RATIO * packed)

    def finish(self) -> Iterator[bytes]:
        """Write the archive's end."""
        self._zip.close()
        yield self._sink.drain()
