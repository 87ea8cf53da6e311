"""An import that the disk has no room for: an error of ours, and nothing is left of the session."""

import io
import os

import pytest

from sessions.exceptions import StorageFull
from sessions.formats import researchmind
from sessions.formats.document import Document, WorkspaceFile
from sessions.models import Event, ImportSource, Session
from sessions.operations.transfer.importing import SourceFile, import_sessions
from tests.formats.samples import as_zip

pytestmark = pytest.mark.django_db(transaction=True)


def archive(source_id: str, size: int) -> bytes:
    """A session with a file of so many bytes."""
    data = os.urandom(size)
    file = WorkspaceFile(b"content/data.bin", size, lambda: io.BytesIO(data))
    return b"".join(researchmind.write(Document("researchmind", source_id, name=source_id, files=[file])))


def test_what_came_before_stays_and_nothing_else(alice, small_disk):
    several = as_zip({"a.zip": archive("small", 1_000), "b.zip": archive("large", 5_000_000)})
    with pytest.raises(StorageFull, match="disk is full"):
        import_sessions(actor=alice, files=[SourceFile("several.zip", io.BytesIO(several))])
    (session,) = Session.objects.all()
    assert session.name == "small"
    assert ImportSource.objects.count() == 1
    assert {path.name for path in small_disk.iterdir()} == {str(session.pk), ".staging"}
    assert list((small_disk / ".staging").iterdir()) == []
    assert set(Event.objects.values_list("session_id", flat=True)) == {session.pk}
