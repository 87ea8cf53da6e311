"""Questions of a run to whoever looks after it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction

from sessions.access import Actor, session_for_writing
from sessions.exceptions import Invalid, NoPendingQuestion
from sessions.models import Clarification, Verb
from sessions.operations import audit
from sessions.operations.changing import save_changes
from sessions.operations.runs.touching import check_not_aborted, settle_state, touch_locked
from sessions.operations.values import checked_content, checked_text

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MAX_OPTIONS = 50
LONGEST_OPTION = 1000


def ask(
    *,
    actor: "Actor | User",
    session_id: UUID | str,
    question: str,
    context: str = "",
    options: Sequence[str] = (),
    expected_version: int | None = None,
) -> tuple[Clarification, int]:
    """Ask a question; it takes the place of one that is pending. Returns it, and the run's version.

    Asking what is pending already changes nothing. Raises as `set_phase`.
    """
    actor = Actor.of(actor)
    checked_text("question", checked_content("question", question), blank=False)
    checked_content("context", context)
    wanted = _checked_options(options)
    with transaction.atomic():
        session = session_for_writing(actor, session_id, lock=True)
        touched = touch_locked(actor, session, expected_version=expected_version)
        check_not_aborted(touched)
        pending = Clarification.objects.filter(session=session, is_pending=True)
        present = pending.first()
        if present and (present.question, present.context, present.options) == (question, context, wanted):
            return present, touched.version
        pending.update(is_pending=False)
        asked = Clarification.objects.create(
            session=session, question=question, context=context, options=wanted, asked_at=touched.at
        )
        settle_state(touched)
        save_changes(session, {}, now=touched.at)
        audit.record(actor, Verb.CLARIFICATION_ASKED, session.pk)
    return asked, touched.version


def answer_clarification(
    *, actor: "Actor | User", session_id: UUID | str, answer: str, expected_version: int | None = None
) -> tuple[Clarification, int]:
    """Answer the pending question; return it with its answer, and the run's version.

    Raises NoPendingQuestion; Invalid for an answer that isn't among the options; else as `set_phase`.
    """
    actor = Actor.of(actor)
    checked_content("answer", answer)
    with transaction.atomic():
        session = session_for_writing(actor, session_id, lock=True)
        touched = touch_locked(actor, session, expected_version=expected_version)
        check_not_aborted(touched)
        question = Clarification.objects.filter(session=session, is_pending=True).first()
        if question is None:
            raise NoPendingQuestion("The run waits for no answer.", session_id=str(session.pk))
        if question.options and answer not in question.options:
            words = ", ".join(question.options)
            raise Invalid("The answer isn't one of the options.", errors=[("answer", f"One of: {words}.")])
        question.answer, question.answered_at, question.answered_by_id = answer, touched.at, actor.user_id
        question.is_pending = False
        question.save(update_fields=["answer", "answered_at", "answered_by", "is_pending"])
        settle_state(touched)
        save_changes(session, {}, now=touched.at)
        audit.record(actor, Verb.CLARIFICATION_ANSWERED, session.pk)
    return question, touched.version


def _checked_options(options: Sequence[str]) -> list[str]:
    if len(options) > MAX_OPTIONS:
        raise Invalid("Too many options.", errors=[("options", f"At most {MAX_OPTIONS}.")])
    for number, option in enumerate(options):
        checked_text(f"options[{number}]", option, longest=LONGEST_OPTION, blank=False)
    if len(set(options)) < len(options):
        raise Invalid("Two options are the same.", errors=[("options", "Give each option once.")])
    return list(options)
