"""What an archive of ours brings beside its session: where it comes from, and statistics as far as they fit."""

import io
from datetime import UTC, datetime

import pytest

from sessions.formats import researchmind
from sessions.formats.document import Document, Message, Revision
from sessions.models import Lineage, Session
from sessions.models.statistics import read_statistics
from sessions.operations.editing import restore_revision
from sessions.operations.lifecycle import purge_session
from sessions.operations.runs import phases, reports
from sessions.operations.statistics import add_statistics
from sessions.operations.transfer import progress
from sessions.operations.transfer.exporting import export_session
from sessions.operations.transfer.importing import SourceFile, import_sessions
from sessions.operations.transfer.progress import progress_of
from tests.factories import assistant_message, make_session
from tests.statements import counted_statements

pytestmark = pytest.mark.django_db(transaction=True)


def exported(actor, session) -> bytes:
    return b"".join(export_session(actor=actor, session_id=session.pk).chunks)


def imported(actor, data: bytes) -> Session:
    report = import_sessions(actor=actor, files=[SourceFile("f", io.BytesIO(data))])
    return Session.objects.get(pk=report.sessions[0].session_id)


def test_where_an_import_comes_from_stays_told(alice, mallory, alice_client):
    """A parent is only what the importer may see: an id in a file makes nobody else's session a parent."""
    session = make_session(alice, "Theirs", messages=1)
    data = exported(alice, session)
    copy = imported(alice, data)
    step = Lineage.objects.get(child=copy)
    assert (step.parent_id, step.kind, step.detail["source"]) == (session.pk, "import", "researchmind")
    page = alice_client.get(f"/sessions/{copy.pk}/").content.decode()
    assert "Imported from ResearchMind, a copy of" in page
    assert "Exported, and imported as" in alice_client.get(f"/sessions/{session.pk}/").content.decode()
    strange = Lineage.objects.get(child=imported(mallory, data))
    assert (strange.parent_id, strange.detail["source_id"]) == (None, str(session.pk))
    purge_session(actor=alice, session_id=copy.pk)
    assert not Lineage.objects.filter(child_id=copy.pk).exists()


ODD_STATISTICS = {
    "counters": {"urls_processed": 2**60, "content_analyzed": 4, "clusters_generated": "many"},
    "model_usage": [
        {"model_type": "llm", "model_name": "m", "uses": 2, "switches": 0, "first_used_at": 1e9, "last_used_at": 1e11},
        {"model_type": "llm", "model_name": "m", "uses": 2, "switches": 0, "first_used_at": 1e9, "last_used_at": 1e9},
        {"model_type": "oracle", "model_name": "x", "uses": 1},
        {"model_type": "llm", "model_name": " ", "uses": 1, "switches": 0, "first_used_at": 1e9, "last_used_at": 1e9},
        {"model_type": "llm", "model_name": "y", "uses": -1, "switches": 0, "first_used_at": 1e9, "last_used_at": 1e9},
        7,
    ],
}


def test_statistics_that_do_not_fit_come_as_far_as_they_do(alice):
    document = Document("researchmind", "other", name="N", statistics=ODD_STATISTICS)
    session = imported(alice, b"".join(researchmind.write(document)))
    found = read_statistics(session.pk)
    assert list(found.counters.values()) == [0, 4, 0, 0]
    (usage,) = found.usage
    assert (usage.kind, usage.name, usage.uses) == ("llm", "m", 2)
    assert usage.last_used_at <= datetime.now(UTC)
    add_statistics(actor=alice, session_id=session.pk, counts={"content_analyzed": 1})
    assert read_statistics(session.pk).counters["content_analyzed"] == 5


def test_tokens_that_nobody_has_are_added_up_all_the_same(alice, alice_client):
    """Two messages of 2⁶³-1 tokens would be more than a database's number, and than JSON's."""
    said = [assistant_message("a", model="m", eval_count=2**63 - 1, prompt_eval_count=7)] * 3
    session, other = make_session(alice, messages=said), make_session(alice, messages=said)
    found = alice_client.get(f"/api/v1/sessions/{session.pk}/stats").json()
    assert (found["prompt_tokens"], found["answer_tokens"]) == (21, 3 * 2**42)
    assert alice_client.get(f"/api/v1/sessions/compare?session_ids={session.pk},{other.pk}").status_code == 200
    assert alice_client.get("/insights/").status_code == 200


def test_a_prompt_in_a_revision_is_one_message(alice):
    """Of anything else nothing could be put back."""
    told = {1: ("system_prompt", []), 2: ("system_prompt", [Message("system", "a"), Message("system", "b")])}
    told |= {3: ("system_prompt", [Message("system", "kept")]), 4: ("edit", [])}
    revisions = [Revision(number, 0, reason, None, messages) for number, (reason, messages) in told.items()]
    document = Document("researchmind", "other", name="N", revisions=revisions)
    session = imported(alice, b"".join(researchmind.write(document)))
    assert sorted(session.revisions.values_list("number", flat=True)) == [3, 4]
    for number in (3, 4):
        restore_revision(actor=alice, session_id=session.pk, number=number)


def test_a_log_goes_out_by_pages(alice, monkeypatch):
    """However long it is: it is never in memory as a whole."""
    monkeypatch.setattr(progress, "_AT_ONCE", 2)
    session = make_session(alice)
    who = {"actor": alice, "session_id": session.pk}
    phases.set_phase(**who, phase="execution")
    reports.add_logs(**who, lines=[reports.NewLine(f"line {number}") for number in range(5)])
    with counted_statements() as statements:
        data = exported(alice, session)
    read = [statement for statement in statements if "research_logentry" in statement]
    assert ["LIMIT 2" in statement for statement in read] == [True] * 4
    back = imported(alice, data)
    assert [row["message"] for row in progress_of(back.pk)["logs"]] == [f"line {number}" for number in range(5)]
