"""Vectors in this database that belong to no collection: made into one, or set aside where their owner finds them."""

import math
import tempfile
from collections.abc import Iterator
from functools import partial
from typing import IO
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from sessions.formats.document import Point
from sessions.formats.vectors import line_of, numbers_of
from sessions.models import Session, VectorCollection, Verb
from sessions.models.consistency_of_numbers import sizes_of, stray_points
from sessions.models.vector_collection import FLOAT_BYTES, Distance, Place, point_id_of
from sessions.operations import audit
from sessions.operations.doctor.difference import Difference
from sessions.operations.vectors.moving import move_after_commit
from sessions.storage.files import written_file
from sessions.storage.workspaces import CONTENT

_AT_ONCE = 200
_BLOCK = 2**20
_NEARLY_ONE = 1e-5  # what single precision leaves of a length of 1


def of_points() -> Iterator[Difference]:
    """Vectors in this database against their collections."""
    found = stray_points().order_by("session_id").values_list("session_id").annotate(points=Count("*"))
    for session_id, count in found:
        text = (
            f"{count:,} of its vectors here belong to no collection, or to one of another size or place. A repair "
            f"makes a collection of them where there is none and they fit one, or puts them into a file in {CONTENT}/."
        )
        yield Difference("vectors", str(session_id), text, partial(_bring_in, session_id))


def _bring_in(session_id: UUID) -> bool:
    if not _adopt(session_id):
        with tempfile.SpooledTemporaryFile(_BLOCK) as file:
            _write_down(session_id, file)
            _set_aside(session_id, file)
    return not stray_points().filter(session_id=session_id).exists()


def _adopt(session_id: UUID) -> bool:
    """Make their collection, if it is clear what it was: of one size, and of length 1, which are those of cosine."""
    with transaction.atomic():
        session = Session.objects.select_for_update().filter(pk=session_id).first()
        strays = stray_points().filter(session_id=session_id)
        sizes = sizes_of(strays)
        if session is None or len(sizes) != 1 or sizes[0] % FLOAT_BYTES or not sizes[0]:
            return False
        if VectorCollection.objects.filter(pk=session_id).exists():
            return False
        vectors = strays.order_by("key").values_list("vector", flat=True).iterator(_AT_ONCE)
        if any(abs(math.hypot(*numbers_of(bytes(vector))) - 1) > _NEARLY_ONE for vector in vectors):
            return False
        VectorCollection.objects.create(
            session_id=session_id, size=sizes[0] // FLOAT_BYTES, distance=Distance.COSINE, place=Place.DATABASE
        )
        audit.record_by_itself(Verb.REPAIRED, session_id, what="vectors")
        move_after_commit(session_id)
    return True


def _write_down(session_id: UUID, file: IO[bytes]) -> None:
    """The strays as lines of JSON, as POST /points takes them."""
    for point in stray_points().filter(session_id=session_id).order_by("key").iterator(_AT_ONCE):
        vector = bytes(point.vector)
        whole = vector[: len(vector) - len(vector) % FLOAT_BYTES]
        file.write(line_of(Point(point_id_of(point.key), whole, point.payload)))


def _set_aside(session_id: UUID, file: IO[bytes]) -> None:
    """Keep them as a file of the workspace, and remove them from the table. Raises StorageError, also in the trash."""
    size = file.tell()
    file.seek(0)
    names = (CONTENT, f"stray-vectors-{timezone.now():%Y%m%dT%H%M%S%f}.jsonl")
    blocks = iter(partial(file.read, _BLOCK), b"")
    quota = settings.WORKSPACE_QUOTA_BYTES
    with written_file(session_id, names, blocks, size=size, quota=quota) as written, transaction.atomic():
        if not Session.objects.select_for_update().filter(pk=session_id).exists():
            return
        removed, _ = stray_points().filter(session_id=session_id).delete()
        audit.record_by_itself(Verb.REPAIRED, session_id, what="vectors", points=removed)
        audit.record_by_itself(Verb.FILE_PUT, session_id, path=written.entry.path, size=size)
        written.settle()
