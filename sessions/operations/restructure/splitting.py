"""Splitting: parts of a session, each in a new session."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.db import transaction

from sessions.access import Actor, session_for_owning
from sessions.exceptions import FileNotFound, Impossible, Invalid, MessageNotFound
from sessions.models import LineageKind, Session
from sessions.operations.changing import check_version
from sessions.operations.lifecycle import archive_session
from sessions.operations.restructure.files import WorkspaceCopy
from sessions.operations.restructure.making import (
    check_size,
    copy_transcript,
    insert_session,
    kept_fields,
    note_lineage,
)
from sessions.operations.sessions import allowed_owner, checked_name
from sessions.operations.tags import checked_tags, tags_of
from sessions.operations.vectors.copying import take_points
from sessions.storage.names import checked_path

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MAX_PARTS = 50
MAX_RANGES = 1000
MAX_PATHS = 1000
MAX_POINT_IDS = 10_000
_MOST = (("message_ranges", MAX_RANGES), ("files", MAX_PATHS), ("point_ids", MAX_POINT_IDS))
Ranges = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a session. Ranges of messages are both ends included; files are paths, directories with all in them.

    Without tags of its own (None) it has the session's.
    """

    name: str
    description: str = ""
    tags: Iterable[str] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    message_ranges: Ranges = ()
    files: Sequence[str] = ()
    point_ids: Sequence[int | UUID] = ()


@dataclass(frozen=True, slots=True)
class Split:
    """The new sessions in order, how many points they got, and how many the original lost."""

    sessions: list[Session]
    assigned_points: int
    removed_points: int


def split_session(
    *,
    actor: "Actor | User",
    session_id: UUID | str,
    parts: Sequence[Part],
    archive_original: bool = False,
    remove_points: bool = True,
    expected_version: int | None = None,
    workspaces: Sequence[WorkspaceCopy] = (),
    step: Callable[[int], object] = lambda _: None,
) -> Split:
    """Copy parts of a session of the actor's own into new ones, one each, in order.

    The session keeps everything but the points that parts got, unless `remove_points` is False; it is archived if
    asked for. Messages stay in the transcript's order; one may be in several parts, and so may a point. `workspaces`
    have been filled by `stage_split`, if given; `step` is told how many messages more are copied. Raises
    SessionNotFound, MessageNotFound, FileNotFound, PointNotFound, StaleVersion, Conflict, Impossible, Invalid,
    NotAllowed, TooLarge, StorageError, VectorStoreError, and what `step` raises; nothing is left then.
    """
    actor = Actor.of(actor)
    owner_id = allowed_owner(actor)
    with ExitStack() as stack:
        if not workspaces:
            workspaces = stage_split(stack, actor=actor, session_id=session_id, parts=parts)
        with transaction.atomic():
            source = session_for_owning(actor, session_id, lock=True)
            check_version(source, expected_version)
            ranges = [ranges_of(part, source) for part in parts]
            check_size(sum(last - first + 1 for found in ranges for first, last in found))
            made = [
                _make(actor, source, owner_id, part, found, step) for part, found in zip(parts, ranges, strict=True)
            ]
            if archive_original:
                archive_session(actor=actor, session_id=source.pk)
            for session, workspace in zip(made, workspaces, strict=True):
                workspace.settle(session.pk)
            removed = take_points(actor, source.pk, [w.vectors for w in workspaces]) if remove_points else 0
    return Split(made, sum(workspace.vectors.count for workspace in workspaces), removed)


def stage_split(
    stack: ExitStack,
    *,
    actor: "Actor | User",
    session_id: UUID | str,
    parts: Sequence[Part],
    step: Callable[[int], object] = lambda _: None,
) -> list[WorkspaceCopy]:
    """Copy each part's files for `split_session`, before anything is locked. They go with the stack. Raises as it."""
    actor = Actor.of(actor)
    allowed_owner(actor)
    check_parts(parts)
    source = session_for_owning(actor, session_id)
    workspaces = [stack.enter_context(WorkspaceCopy(step)) for _ in parts]
    for part, workspace in zip(parts, workspaces, strict=True):
        if part.files:
            chosen = Chosen(part.files)
            workspace.add(source.pk, to=chosen.path)
            chosen.check(source)
            workspace.flush()
        if part.point_ids:
            workspace.vectors.add_chosen(source.pk, part.point_ids)
    return workspaces


def check_parts(parts: Sequence[Part]) -> None:
    """Raise Impossible without parts or for one that holds nothing, Invalid for values that break a rule."""
    if not parts:
        raise Impossible("Splitting takes one part or more.")
    if len(parts) > MAX_PARTS:
        raise Invalid("Too many parts.", errors=[("parts", f"At most {MAX_PARTS} at once.")])
    for number, part in enumerate(parts):
        where = f"parts[{number}]"
        try:
            checked_name(part.name)
            checked_tags(part.tags or ())
        except Invalid as error:
            error.errors = [(f"{where}.{loc}", message) for loc, message in error.errors]
            raise
        for name, most in _MOST:
            if len(getattr(part, name)) > most:
                raise Invalid("A part takes no more.", errors=[(f"{where}.{name}", f"At most {most}.")])
        if not part.message_ranges and not part.files and not part.point_ids:
            raise Impossible(f"The part “{part.name}” would be empty: give it messages, files or points.")


def ranges_of(part: Part, source: Session) -> list[tuple[int, int]]:
    """The part's ranges in order, each message once. Raises Impossible for one that goes backwards, MessageNotFound."""
    ranges: list[tuple[int, int]] = []
    for first, last in sorted(part.message_ranges):
        if not 0 <= first <= last:
            raise Impossible(f"A range of messages goes from its first to its last: {first} to {last} goes backwards.")
        if last >= source.message_count:
            raise MessageNotFound(
                f"The transcript has {source.message_count} messages; there is none with index {last}.",
                session_id=str(source.pk),
                message_count=source.message_count,
            )
        if ranges and first <= ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], max(last, ranges[-1][1]))
        else:
            ranges.append((first, last))
    return ranges


class Chosen:
    """The files that a part names: themselves, or whatever is in a directory."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._wanted = {"/".join(checked_path(path)).encode(): False for path in paths}

    def path(self, path: bytes) -> bytes | None:
        """The same path for a chosen file, else None."""
        steps = path.split(b"/")
        for length in range(1, len(steps) + 1):
            name = b"/".join(steps[:length])
            if name in self._wanted:
                self._wanted[name] = True
                return path
        return None

    def check(self, source: Session) -> None:
        """Raise FileNotFound for a path at which nothing was found."""
        for path, is_found in self._wanted.items():
            if not is_found:
                raise FileNotFound(
                    f"There is no file “{path.decode()}” in the workspace.",
                    path=path.decode(),
                    session_id=str(source.pk),
                )


def _make(
    actor: Actor, source: Session, owner_id: int, part: Part, ranges: Ranges, step: Callable[[int], object]
) -> Session:
    made_id = uuid4()

    def copy() -> int:
        count = 0
        for first, last in ranges:
            length = last - first + 1
            count += copy_transcript(source.pk, made_id, first=first, count=length, to=count, step=step)
        return count

    made = insert_session(
        made_id,
        owner_id=owner_id,
        name=part.name,
        copy=copy,
        tags=tags_of(source) if part.tags is None else checked_tags(part.tags),
        description=part.description,
        metadata=part.metadata,
        **kept_fields(source),
    )
    note_lineage(actor, LineageKind.SPLIT, parents=[source], child=made)
    return made
