"""Importing much: the files are kept, and the worker reads them."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sessions.access import Actor, require_write
from sessions.exceptions import NotAllowed
from sessions.formats.recognition import check_readable
from sessions.models import Job, JobKind
from sessions.operations.jobs.queue import start_job
from sessions.operations.jobs.work import Work
from sessions.operations.sessions import checked_name
from sessions.operations.transfer.importing import SourceFile, import_sessions
from sessions.operations.transfer.report import ImportReport
from sessions.storage import held

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MANY_BYTES = 4 * 2**20


def is_long(sizes: Sequence[int]) -> bool:
    """Whether importing files of these sizes takes longer than somebody likes to wait for a page."""
    return sum(sizes) > MANY_BYTES


def import_later(*, actor: "Actor | User", files: Sequence[SourceFile], format: str = "", new_name: str = "") -> Job:
    """Keep the files and start a job that imports them. Raises as `import_sessions` does before it reads a file."""
    actor = Actor.of(actor)
    require_write(actor)
    if actor.only_session is not None:
        raise NotAllowed("This token opens one session only and makes no others.")
    if format:
        check_readable(format)
    arguments = {
        "names": [source.name for source in files],
        "format": format,
        "new_name": checked_name(new_name) if new_name else "",
        "import_id": str(uuid4()),
    }
    job_id = uuid4()
    with held.being_held(job_id, [source.file for source in files]):
        return start_job(
            actor=actor,
            kind=JobKind.IMPORT,
            subject=", ".join(source.name or "a file" for source in files),
            arguments=arguments,
            job_id=job_id,
        )


def import_files(work: Work) -> dict[str, Any]:
    """Import the files that are held. A second attempt goes on with the import of the first one."""
    asked = work.job.arguments
    read = _Reading(work)
    report = import_sessions(
        actor=work.actor(),
        files=read.files(asked["names"]),
        format=asked["format"],
        new_name=asked["new_name"],
        import_id=asked["import_id"],
        progress=read.note,
    )
    return {"import_id": report.import_id, "created": report.created, "skipped": report.skipped}


class _Reading:
    """How many bytes of the files have been read."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._before = 0
        self._file: Any = None

    def files(self, names: Sequence[str]) -> Iterator[SourceFile]:
        sizes = []
        for number in range(len(names)):
            with held.opened(self._work.job.pk, number) as file:
                sizes.append(file.seek(0, 2))
        self._work.advance(0, sum(sizes))
        for number, name in enumerate(names):
            with held.opened(self._work.job.pk, number) as file:
                self._file = file
                yield SourceFile(name, file)
            self._before += sizes[number]
            self._work.advance(self._before)

    def note(self, report: ImportReport) -> None:
        self._work.advance(self._before + self._file.tell())
