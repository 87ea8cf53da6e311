"""All checks, one after the other, and their repairs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import DatabaseError

from sessions.exceptions import SessionError
from sessions.operations.doctor import directories, kept, numbers, points, transcripts, vectors
from sessions.operations.doctor.difference import Check, Difference

# Tombstones come before directories: what they remove needn't be told twice.
CHECKS: Sequence[tuple[str, Check]] = (
    ("removals that wait", directories.of_tombstones),
    ("collections that wait to be removed", vectors.of_removals),
    ("vectors in Qdrant", vectors.of_collections),
    ("what imports left", directories.of_staging),
    ("files of jobs", directories.of_held_files),
    ("a workspace for each session", directories.of_sessions),
    ("a session for each workspace", directories.of_the_disk),
    ("changes of files", numbers.of_files),
    ("transcripts", transcripts.of_transcripts),
    ("revisions", transcripts.of_revisions),
    ("statistics", numbers.of_statistics),
    ("vectors in the database", points.of_points),
    ("times that retention counts from", numbers.of_times),
    ("numbers of sessions", kept.of_counts),
    ("the change feed", kept.of_feed),
    ("the search's index", kept.of_search),
)


@dataclass(frozen=True, slots=True)
class Found:
    """A difference, and what became of it."""

    difference: Difference
    is_repaired: bool = False
    trouble: str = ""


def examine(*, repair: bool = False) -> Iterator[Found | str]:
    """Run every check; yield its name before it begins, then each difference as it is found, repaired if asked for.

    Safe while the server runs; memory doesn't grow with the number of sessions. Nothing that a
    session owns and nothing that isn't ours is removed.
    """
    for name, check in CHECKS:
        yield name
        for difference in check():
            yield _repaired(difference) if repair else Found(difference)


def _repaired(difference: Difference) -> Found:
    if difference.repair is None:
        return Found(difference)
    try:
        return Found(difference, is_repaired=difference.repair())
    except (SessionError, DatabaseError) as error:
        return Found(difference, trouble=str(error))
