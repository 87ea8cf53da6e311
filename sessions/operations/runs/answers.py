"""Answers of the questionnaire."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sessions.access import Actor
from sessions.exceptions import Invalid
from sessions.models import Answer, Run, Verb
from sessions.operations import audit
from sessions.operations.runs.touching import touched_run
from sessions.operations.values import checked_json, checked_text

if TYPE_CHECKING:
    from django.contrib.auth.models import User

LARGEST_INDEX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as it was kept, and where the questionnaire is now."""

    question_id: str
    answer: Any
    answered_at: datetime
    current_question_index: int
    version: int


def add_answer(
    *,
    actor: "Actor | User",
    session_id: UUID | str,
    question_id: str,
    answer: Any,
    current_question_index: int | None = None,
    expected_version: int | None = None,
) -> Answered:
    """Keep the answer to a question; answering again replaces it.

    The questionnaire is at `current_question_index` then; without it at the question after as
    many as are answered. Raises as `set_phase`.
    """
    checked_text("question_id", question_id, longest=255, blank=False)
    checked_json("answer", answer)
    if current_question_index is not None and not 0 <= current_question_index <= LARGEST_INDEX:
        raise Invalid(
            "current_question_index is out of range.", errors=[("current_question_index", "An index, 0 or more.")]
        )
    with touched_run(actor, session_id, expected_version=expected_version) as (actor, touched):
        Answer.objects.bulk_create(
            [Answer(session_id=touched.session_id, question_id=question_id, answer=answer, answered_at=touched.at)],
            update_conflicts=True,
            unique_fields=["session", "question_id"],
            update_fields=["answer", "answered_at"],
        )
        if current_question_index is None:
            current_question_index = Answer.objects.filter(session_id=touched.session_id).count()
        Run.objects.filter(pk=touched.session_id).update(current_question_index=current_question_index)
        audit.record(actor, Verb.QUESTION_ANSWERED, touched.session_id, question_id=question_id)
    return Answered(question_id, answer, touched.at, current_question_index, touched.version)
