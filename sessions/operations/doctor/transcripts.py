"""Transcripts: indexes 0..n-1 without a gap, and counters and previews that agree with the messages."""

from collections.abc import Iterator
from functools import partial
from uuid import UUID

from django.db import transaction

from sessions.models import Revision, Session, Verb
from sessions.models.consistency import KeptTranscript, close_gaps, kept_transcripts, miscounted_revisions
from sessions.operations import audit
from sessions.operations.changing import save_changes
from sessions.operations.doctor.difference import Difference
from sessions.operations.naming import preview_of


def of_transcripts() -> Iterator[Difference]:
    """Gaps, message_count and preview of every session."""
    for found in kept_transcripts():
        said = list(_sentences(found))
        if said:
            yield Difference("transcript", str(found.session_id), " ".join(said), partial(_mend, found.session_id))


def _sentences(found: KeptTranscript) -> Iterator[str]:
    if found.has_gap:
        yield f"It has {found.messages} messages, and the last one's index is {found.last_index}."
    if found.message_count != found.messages:
        yield f"message_count says {found.message_count}, there are {found.messages} messages."
    if found.preview != preview_of(found.beginning):
        yield "The preview isn't the beginning of the first user message."


def _mend(session_id: UUID) -> bool:
    """Close the gaps, count anew and take the preview anew."""
    with transaction.atomic():
        session = Session.objects.select_for_update().filter(pk=session_id).first()
        found = next(kept_transcripts(session_id), None)
        if session is None or found is None:
            return True
        if found.has_gap:
            close_gaps(session_id)
        values = {"message_count": found.messages, "preview": preview_of(found.beginning)}
        save_changes(session, values, is_use=False)
        audit.record_by_itself(Verb.REPAIRED, session_id, what="transcript", messages=found.messages)
    return True


def of_revisions() -> Iterator[Difference]:
    """Revisions that say another number of messages than they have."""
    for revision_id, session_id, kept, messages in miscounted_revisions():
        text = f"A revision says it has {kept} messages, it has {messages}."
        yield Difference("revision", str(session_id), text, partial(_recount_revision, revision_id, messages))


def _recount_revision(revision_id: int, messages: int) -> bool:
    Revision.objects.filter(pk=revision_id).update(message_count=messages)
    return True
