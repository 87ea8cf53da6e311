"""The same file imported by several at once: every session comes once."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from sessions.models import ImportSource, Message, Session
from sessions.operations.transfer.importing import SourceFile, import_sessions
from sessions.operations.transfer.report import ImportReport
from sessions.storage import workspaces
from tests.formats.samples import as_json, simple_chatgpt

IMPORTERS = 4
CONVERSATIONS = 12


@pytest.mark.django_db(transaction=True)
def test_four_at_once_make_each_session_once(alice):
    data = as_json([simple_chatgpt(number) for number in range(CONVERSATIONS)])
    barrier = threading.Barrier(IMPORTERS)

    def run(number: int) -> ImportReport:
        try:
            barrier.wait()
            return import_sessions(actor=alice, files=[SourceFile(f"{number}", io.BytesIO(data))])
        finally:
            connection.close()

    with ThreadPoolExecutor(IMPORTERS) as pool:
        reports = list(pool.map(run, range(IMPORTERS)))
    assert sum(report.created for report in reports) == CONVERSATIONS
    assert {report.created + report.skipped for report in reports} == {CONVERSATIONS}
    assert Session.objects.count() == ImportSource.objects.count() == CONVERSATIONS
    assert Message.objects.count() == 2 * CONVERSATIONS
    made = {path.name for path in workspaces.root().iterdir()} - {".staging"}
    assert made == {str(pk) for pk in Session.objects.values_list("pk", flat=True)}
