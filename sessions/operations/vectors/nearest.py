"""The nearest points of a collection in the database: every vector is read once, one MiB at a time.

numpy is imported with the first search: it takes 10 MiB of each worker that has made one.
"""

from collections.abc import Iterator
from heapq import nlargest
from itertools import islice

from sessions.formats.vectors import FLOATS
from sessions.models.vector_collection import FLOAT_BYTES, Distance
from sessions.models.vector_rows import Collection, each_vector

_BATCH_BYTES = 2**20


def nearest(collection: Collection, vector: bytes, limit: int) -> list[tuple[str, float]]:
    """Keys and scores of the `limit` nearest, the nearest first; of equal ones the smaller key."""
    at_once = max(1, _BATCH_BYTES // (collection.size * FLOAT_BYTES))
    vectors = each_vector(collection.session_id, at_once=at_once)
    sign = -1.0 if collection.distance == Distance.EUCLID else 1.0
    best: list[tuple[float, str]] = []
    while batch := list(islice(vectors, at_once)):
        scored = _best_of(batch, vector, collection.distance, limit)
        best = nlargest(limit, [*best, *scored], key=lambda found: found[0])  # stable: the smaller key came first
    return [(key, sign * score) for score, key in best]


def _best_of(
    batch: list[tuple[str, bytes]], vector: bytes, distance: Distance, limit: int
) -> Iterator[tuple[float, str]]:
    """The best of a batch in the order of their keys: what is larger is nearer."""
    import numpy as np

    wanted = np.frombuffer(vector, dtype=FLOATS)
    matrix = np.frombuffer(b"".join(data for _, data in batch), dtype=FLOATS).reshape(len(batch), -1)
    euclid = distance == Distance.EUCLID
    scores = -np.sqrt(((matrix - wanted) ** 2).sum(axis=1)) if euclid else matrix @ wanted
    chosen = np.sort(np.argsort(-scores, kind="stable")[:limit])
    return ((float(scores[row]), batch[row][0]) for row in chosen)
