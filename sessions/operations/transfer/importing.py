"""Importing files: each session of each file is stored by itself, and the others go on when one can't be."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO
from uuid import UUID, uuid4

from django.conf import settings
from django.utils import timezone

from sessions.access import Actor, require_write
from sessions.exceptions import (
    AlreadyImported,
    Invalid,
    NotAllowed,
    NothingToImport,
    SessionError,
    StorageError,
    TooLarge,
    UnreadableFile,
)
from sessions.formats import researchmind
from sessions.formats.archive import Limits
from sessions.formats.bundle import inner_files, is_bundle
from sessions.formats.document import Document, Fault
from sessions.formats.recognition import check_readable, reader_for
from sessions.models import Import, ImportSource, Session
from sessions.operations.sessions import checked_name
from sessions.operations.transfer.report import ImportedSession, ImportReport, placed
from sessions.operations.transfer.storing import source_id_of, store_document

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_NOTED_EVERY = 10  # sessions after which the import's row tells how far it is
Progress = Callable[[ImportReport], None]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to import: what people call it, and its content, which can be wound back."""

    name: str
    file: BinaryIO


def import_sessions(
    *,
    actor: "Actor | User",
    files: Iterable[SourceFile],
    format: str = "",
    new_name: str = "",
    dry_run: bool = False,
    progress: Progress | None = None,
    import_id: UUID | str | None = None,
) -> ImportReport:
    """Store every session of the files that isn't there yet, each all or not at all; return the report.

    The format is recognised unless it is named. `new_name` is for a single session. A dry run
    reads everything and stores nothing. `import_id` begins an import under that id, or goes on with
    one that was cut off. Raises what was wrong if nothing at all could be imported; StorageError,
    with what came before it kept; NotAllowed for a token of one session.
    """
    actor = Actor.of(actor)
    require_write(actor)
    if actor.only_session is not None:
        raise NotAllowed("This token opens one session only and makes no others.")
    if format:
        check_readable(format)
    new_name = checked_name(new_name) if new_name else ""
    run = _Run(actor, format, new_name, dry_run, progress)
    if import_id is not None:
        run.go_on(UUID(str(import_id)))
    try:
        for source in files:
            run.take(source)
    finally:
        run.finish()
    if run.report.is_empty:
        raise run.why_nothing()
    return run.report


class _Run:
    """One import: its files, its row and its report."""

    def __init__(self, actor: Actor, form: str, new_name: str, dry_run: bool, progress: Progress | None) -> None:
        self.actor = actor
        self.form = form
        self.new_name = new_name
        self.report = ImportReport(dry_run=dry_run)
        self._progress = progress
        self._batch: Import | None = None
        self._import_id = uuid4()
        self._goes_on = False
        self._limits = Limits(bytes=settings.MAX_IMPORT_BYTES)
        self._errors: list[SessionError] = []
        self._names: list[str] = []

    def go_on(self, import_id: UUID) -> None:
        """Take up the import with this id if there is one; what it has made already counts as made."""
        self._import_id = import_id
        self._batch = Import.objects.filter(pk=import_id, owner_id=self.actor.user_id).first()
        self._goes_on = self._batch is not None

    def take(self, source: SourceFile) -> None:
        """Import one file, or the files in it."""
        self._names.append(source.name)
        try:
            if self.form != "researchmind" and is_bundle(source.file, self._limits):
                for name, file, limits in inner_files(source.file, self._limits):
                    self._file(placed(source.name, name), file, limits)
            else:
                self._file(source.name, source.file, self._limits)
        except (Invalid, TooLarge) as error:
            self._fail(source.name, error)

    def _file(self, name: str, file: BinaryIO, limits: Limits) -> None:
        try:
            form, read = reader_for(file, self.form)
            self.report.add_file(name, form)
            if self.new_name:
                self._check_single(read(file))
            for found in researchmind.read(file, limits) if form == "researchmind" else read(file):
                self._found(found, name)
                if self._progress is not None:
                    self._progress(self.report)
        except (Invalid, TooLarge) as error:
            self._fail(name, error)

    def _check_single(self, found: Iterator[Document | Fault]) -> None:
        single = (
            self.report.created + self.report.skipped == 0 and sum(1 for _, _ in zip(found, range(2), strict=False)) < 2
        )
        if not single:
            raise Invalid(
                "new_name is for a file of one session; this has more.",
                errors=[("new_name", "Leave it out: the sessions keep their own names.")],
            )

    def _found(self, found: Document | Fault, file_name: str) -> None:
        if isinstance(found, Fault):
            self._fail(placed(file_name, found.place), UnreadableFile(found.sentence))
            return
        place = placed(file_name, found.place)
        there = self._already_there(found)
        if there is not None:
            is_made_here, session = there
            if is_made_here:
                self.report.add_created(session.pk, session.name, session.message_count, place)
            else:
                skipped = ImportedSession(str(session.pk), session.name, session.message_count, place, session.in_trash)
                self.report.add_skipped(skipped)
            return
        try:
            self._store(found, place)
        except AlreadyImported:
            self.report.add_skipped(ImportedSession(None, found.name, 0, place))
        except NothingToImport as error:
            self.report.add_tally(found.tally, file_name)
            self._fail(place, error)
        except StorageError:
            raise
        except SessionError as error:
            self._fail(place, error)
        else:
            self.report.add_tally(found.tally, file_name)

    def _already_there(self, found: Document) -> tuple[bool, Session] | None:
        """The session, and whether this import's attempt before has made it; None if there is none."""
        sources = ImportSource.objects.filter(owner_id=self.actor.user_id, system=found.source)
        source = sources.filter(source_id=source_id_of(found)).select_related("session").first()
        if source is None:
            return None
        return self._goes_on and source.batch_id == self._import_id, source.session

    def _store(self, found: Document, place: str) -> None:
        if self.report.dry_run:
            count = sum(1 for _ in found.messages)
            if not count and not found.may_be_empty:
                raise NothingToImport("It holds no messages.")
            self.report.add_created(None, found.name, count, place)
            return
        stored = store_document(actor=self.actor, document=found, batch=self._row(), name=self.new_name)
        self.report.add_created(stored.session_id, stored.name, stored.messages, place)
        if self.report.created % _NOTED_EVERY == 1:
            counts = {"session_count": self.report.created, "message_count": self.report.messages}
            Import.objects.filter(pk=self._row().pk).update(**counts)

    def _row(self) -> Import:
        """The import's row, written before its first session."""
        if self._batch is None:
            self._batch = Import.objects.create(
                id=self._import_id, owner_id=self.actor.user_id, file_name=_shown(self._names)
            )
            self.report.import_id = str(self._batch.pk)
        return self._batch

    def _fail(self, place: str, error: SessionError) -> None:
        self._errors.append(error)
        self.report.add_failure(place, _sentence(error))

    def why_nothing(self) -> SessionError:
        """Why nothing was imported: the one error that there was, or all of them together."""
        if len(self._errors) == 1:
            return self._errors[0]
        if not self._errors:
            return UnreadableFile("There is no session in this file.")
        told = [(failure.place, failure.message) for failure in self.report.failures]
        return UnreadableFile("None of these sessions could be imported.", errors=told)

    def finish(self) -> None:
        """Keep the report of an import that made something; one that didn't leaves no row."""
        batch = self._batch
        if batch is None:
            return
        if not self.report.created and not ImportSource.objects.filter(batch=batch).exists():
            batch.delete()
            self.report.import_id = None
            return
        self.report.import_id = str(batch.pk)
        batch.file_name = _shown(self._names)
        batch.finished_at = timezone.now()
        batch.session_count, batch.message_count = self.report.created, self.report.messages
        batch.report = self.report.as_dict()
        batch.save()


def _shown(names: list[str]) -> str:
    text = ", ".join(names)
    return text if len(text) <= 255 else text[:254] + "…"


def _sentence(error: SessionError) -> str:
    """The error in a sentence, with what is wrong where."""
    if not isinstance(error, Invalid) or not error.errors:
        return error.detail
    return " ".join(dict.fromkeys([error.detail, *(sentence for _, sentence in error.errors[:3])]))
