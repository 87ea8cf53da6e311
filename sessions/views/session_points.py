"""Points of a collection as people choose them in a form: `all`, or ids such as `1-20, 35`."""

import re
from uuid import UUID

from sessions.exceptions import Impossible, Invalid
from sessions.models.vector_rows import Collection
from sessions.operations.restructure.splitting import MAX_POINT_IDS
from sessions.operations.vectors.points import read_points

_ALL = "all"
_AT_ONCE = 1_000
_NUMBERS = re.compile(r"(\d{1,19})(?:\s*[-–]\s*(\d{1,19}))?")


def count_chosen(text: str, collection: Collection) -> int:
    """How many points a text names. Raises Impossible for one that names none."""
    return collection.point_count if text.strip().lower() == _ALL else len(_ids_in(text))


def read_chosen(text: str, collection: Collection) -> list[int | UUID]:
    """The ids of the points that a text names. Raises Impossible, VectorStoreError."""
    return _all_of(collection) if text.strip().lower() == _ALL else _ids_in(text)


def _ids_in(text: str) -> list[int | UUID]:
    ids: dict[int | UUID, None] = {}
    for piece in filter(None, (piece.strip() for piece in text.split(","))):
        ids.update(dict.fromkeys(_ids_of(piece)))
        if len(ids) > MAX_POINT_IDS:
            raise _too_many()
    return list(ids)


def _ids_of(piece: str) -> range | list[UUID]:
    found = _NUMBERS.fullmatch(piece)
    if found is None:
        try:
            return [UUID(piece)]
        except ValueError:
            raise Impossible(f"“{piece[:40]}” is no point. Write “all”, or ids such as 1-20, 35, or UUIDs.") from None
    first, last = int(found[1]), int(found[2] or found[1])
    if last < first:
        raise Impossible(f"Points go from the first to the last: {first} to {last} goes backwards.")
    if last - first >= MAX_POINT_IDS:
        raise _too_many()
    return range(first, last + 1)


def _all_of(collection: Collection) -> list[int | UUID]:
    ids: list[int | UUID] = []
    start: str | None = ""
    while start is not None:
        page, start = read_points(collection, start=start, limit=_AT_ONCE)
        ids += [point.point_id if isinstance(point.point_id, int) else UUID(point.point_id) for point in page]
        if len(ids) > MAX_POINT_IDS:
            raise _too_many()
    return ids


def _too_many() -> Invalid:
    return Invalid(f"A part takes at most {MAX_POINT_IDS:,} vectors.")
