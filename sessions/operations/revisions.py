"""Keeping what leaves a transcript: every replaced message stays readable and can be put back."""

from typing import Any

from django.db.models import F, Max

from sessions.access import Actor
from sessions.models import Message, Reason, Revision, Role, Session
from sessions.models.transcript_rows import copy_to_revision, shift_indexes
from sessions.operations.changing import save_changes
from sessions.operations.naming import name_from, preview_of


def keep(session: Session, first_index: int, count: int, *, reason: Reason, actor: Actor) -> Revision:
    """Copy `count` messages from `first_index` on into a new revision of a locked session."""
    newest = session.revisions.aggregate(newest=Max("number"))["newest"] or 0
    revision = Revision.objects.create(
        session=session,
        number=newest + 1,
        first_index=first_index,
        message_count=count,
        reason=reason,
        actor_id=actor.user_id,
    )
    copy_to_revision(session.pk, revision.pk, first_index, count)
    return revision


def cut_tail(session: Session, first_index: int) -> None:
    """Delete the messages from `first_index` on; the caller has kept them."""
    Message.objects.filter(session=session, index__gte=first_index).delete()


def shift(session: Session, step: int) -> None:
    """Move the whole transcript by one index, up (+1) or down (-1), and what revisions say about it."""
    shift_indexes(session.pk, step)
    tails = session.revisions.exclude(reason=Reason.SYSTEM_PROMPT)
    if step < 0:
        tails = tails.filter(first_index__gt=0)
    tails.update(first_index=F("first_index") + step)


def save_transcript(session: Session, *, message_count: int) -> None:
    """Write a locked session's counter, preview and, if nobody gave one, name after its transcript changed."""
    texts = Message.objects.filter(session=session, role=Role.USER).order_by("index").values_list("content", flat=True)
    first = texts.first() or ""
    values: dict[str, Any] = {"message_count": message_count, "preview": preview_of(first)}
    if session.name_is_automatic:
        values["name"] = name_from(first)
    save_changes(session, values)
