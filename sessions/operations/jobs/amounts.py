"""How much copying takes longer than somebody likes to wait for: the worker does it then."""

from collections.abc import Sequence
from typing import Any

from sessions.models import Session
from sessions.models.vector_rows import read_collection
from sessions.storage.disk_use import DiskUse, disk_use, sum_of

MANY_MESSAGES = 50_000
MANY_POINTS = 20_000
MANY_FILES = 5_000
MANY_BYTES = 512 * 2**20


def is_much(sources: Sequence[Session], *, messages: int, files: bool = True, vectors: bool = True) -> bool:
    """Whether so many messages, and the files and points of these sessions if they are copied, are long work."""
    if messages > MANY_MESSAGES or (vectors and points_of(sources) > MANY_POINTS):
        return True
    use = use_of(sources, most=2 * MANY_FILES) if files else DiskUse()
    return use.files > MANY_FILES or use.size > MANY_BYTES or not use.is_whole


def steps_of(sources: Sequence[Session], *, messages: int, files: bool = True, vectors: bool = True) -> int:
    """Of how many steps the copying is: a message, a file or a point each."""
    return messages + (use_of(sources).files if files else 0) + (points_of(sources) if vectors else 0)


def points_of(sources: Sequence[Session]) -> int:
    """How many points the sessions' collections have."""
    found = (read_collection(source.pk) for source in sources)
    return sum(collection.point_count for collection in found if collection)


def use_of(sources: Sequence[Session], **options: Any) -> DiskUse:
    """What the sessions' files take that would be copied."""
    return sum_of(disk_use(source.pk, with_index=False, **options) for source in sources)
