"""Zips that hold files to import: another system's export as it comes, or several sessions of ours."""

import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, cast
from zipfile import ZipFile, ZipInfo

from sessions.exceptions import TooLarge
from sessions.formats import archive, researchmind

_READ = (".json", ".jsonl", ".ndjson", ".zip")
_CHATGPT = re.compile(r"(?:.*/)?conversations(?:-\d+)?\.json")


def is_bundle(file: BinaryIO, limits: archive.Limits) -> bool:
    """Whether the file is a zip, and not a session of ours."""
    if not archive.is_archive(file):
        return False
    with archive.opened(file, limits) as zip_file:
        return not researchmind.is_ours(zip_file)


def inner_files(file: BinaryIO, limits: archive.Limits) -> Iterator[tuple[str, BinaryIO, archive.Limits]]:
    """(name, file, what an archive in it may hold) of each file of the zip that may be imported.

    Of ChatGPT's export that is `conversations.json` alone. Each file is a temporary one, gone when
    the next is asked for. Raises UnsafeArchive or TooLarge.
    """
    with archive.opened(file, limits) as zip_file:
        left = limits.bytes
        for info in _wanted(zip_file):
            with tempfile.TemporaryFile() as spool:
                for block in archive.blocks(zip_file, info):
                    spool.write(block)
                inner = cast("BinaryIO", spool)
                if archive.is_archive(inner):
                    left -= _unpacked(inner, info, replace(limits, bytes=left))
                yield info.filename, inner, limits


def _wanted(zip_file: ZipFile) -> list[ZipInfo]:
    files = [info for info in zip_file.infolist() if info.filename.lower().endswith(_READ)]
    conversations = [info for info in files if _CHATGPT.fullmatch(info.filename)]
    return conversations or [info for info in files if not info.filename.startswith("__MACOSX/")]


def _unpacked(inner: BinaryIO, info: ZipInfo, limits: archive.Limits) -> int:
    """How many bytes an archive in the archive unpacks to: all of them together stay within the limit of one."""
    try:
        with archive.opened(inner, limits) as zip_file:
            return sum(entry.file_size for entry in zip_file.infolist())
    except TooLarge as error:
        raise TooLarge(f"{info.filename[:200]}: {error.detail}", **error.state) from error
