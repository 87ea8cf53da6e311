"""Runs: how far an agent is, the phase it is in, and how a run ends, stops and goes on."""

from django.http import HttpResponse

from sessions import access
from sessions.api.answers import answer, session_id_of
from sessions.api.auth import ApiRequest
from sessions.api.openapi import ApiRouter, documented
from sessions.api.preconditions import expected_version, not_modified
from sessions.api.progress_answers import clarification_answer, progress_answer
from sessions.api.schemas.runs import (
    AnsweredAnswer,
    AnswerForm,
    ClarificationAnswer,
    ClarificationAnswerForm,
    ClarificationForm,
    OptionalReasonForm,
    PhaseForm,
    ProgressAnswer,
    ReasonForm,
    RunAnswer,
)
from sessions.models import Run
from sessions.models.progress import read_progress
from sessions.models.run_rows import Touched
from sessions.operations.runs import answers, clarifications, phases

router = ApiRouter(tags=["Runs"])

_STEP = documented({200: RunAnswer}, 404, 409, writes=True, if_match=True, etag=True)


@router.get(
    "/sessions/{session_id}/progress",
    summary="Read how far a run is",
    **documented({200: ProgressAnswer}, 404, 409, if_none_match=True, etag=True),
)
def read_run(request: ApiRequest, session_id: str) -> HttpResponse:
    """Its ETag moves with every write of the run: an agent that waits asks with If-None-Match."""
    row = access.session_row_for_reading(request.auth, session_id)
    progress = read_progress(session_id_of(row))
    unchanged = not_modified(request, progress.version)
    if unchanged is not None:
        return unchanged
    return answer(progress_answer(progress), version=progress.version)


@router.put("/sessions/{session_id}/phase", summary="Enter a phase", **_STEP)
def set_phase(request: ApiRequest, session_id: str, form: PhaseForm) -> HttpResponse:
    """The phase that the run is in already is not entered again. 409 while the run is stopped."""
    return _run(
        phases.set_phase(
            actor=request.auth, session_id=session_id, phase=form.phase, expected_version=expected_version(request)
        )
    )


@router.post("/sessions/{session_id}/fail", summary="Say that a run has failed", **_STEP)
def fail_run(request: ApiRequest, session_id: str, form: ReasonForm) -> HttpResponse:
    """The run is in the phase `failed` then, and says why."""
    return _run(
        phases.fail_run(
            actor=request.auth, session_id=session_id, reason=form.reason, expected_version=expected_version(request)
        )
    )


@router.post("/sessions/{session_id}/abort", summary="Stop a run", **_STEP)
def abort_run(request: ApiRequest, session_id: str, form: OptionalReasonForm) -> HttpResponse:
    """Its agent is refused with 409 from the next step on; log lines, errors and artifacts are still taken."""
    return _run(
        phases.abort_run(
            actor=request.auth,
            session_id=session_id,
            reason=form.reason or "",
            expected_version=expected_version(request),
        )
    )


@router.post("/sessions/{session_id}/reopen", summary="Let a stopped, failed or complete run go on", **_STEP)
def reopen_run(request: ApiRequest, session_id: str) -> HttpResponse:
    """In the phase that it was in before it ended. A run that goes stays as it is."""
    return _run(
        phases.reopen_run(actor=request.auth, session_id=session_id, expected_version=expected_version(request))
    )


def _run(touched: Touched) -> HttpResponse:
    run = Run.objects.select_related("session").get(pk=touched.session_id)
    data = {
        "phase": run.session.phase or None,
        "state": run.state,
        "is_aborted": run.is_aborted,
        "abort_reason": run.abort_reason or None,
        "failure_reason": run.failure_reason or None,
        "heartbeat_at": run.heartbeat_at,
        "version": run.version,
    }
    return answer(data, version=run.version)


@router.post(
    "/sessions/{session_id}/answers",
    summary="Keep an answer of the questionnaire",
    **documented({201: AnsweredAnswer}, 404, 409, writes=True, if_match=True, etag=True),
)
def add_answer(request: ApiRequest, session_id: str, form: AnswerForm) -> HttpResponse:
    """Answering a question again replaces its answer."""
    kept = answers.add_answer(
        actor=request.auth,
        session_id=session_id,
        question_id=form.question_id,
        answer=form.answer,
        current_question_index=form.current_question_index,
        expected_version=expected_version(request),
    )
    data = {name: getattr(kept, name) for name in ("question_id", "answer", "answered_at", "current_question_index")}
    return answer(data, 201, version=kept.version)


@router.put(
    "/sessions/{session_id}/clarification",
    summary="Ask a question",
    **documented({200: ClarificationAnswer}, 404, 409, writes=True, if_match=True, etag=True),
)
def ask(request: ApiRequest, session_id: str, form: ClarificationForm) -> HttpResponse:
    """It takes the place of one that is pending. The fleet shows the run first until it is answered."""
    asked, version = clarifications.ask(
        actor=request.auth,
        session_id=session_id,
        question=form.question,
        context=form.context or "",
        options=form.options or [],
        expected_version=expected_version(request),
    )
    return answer(clarification_answer(asked), version=version)


@router.post(
    "/sessions/{session_id}/clarification/answer",
    summary="Answer the pending question",
    **documented({200: ClarificationAnswer}, 404, 409, writes=True, if_match=True, etag=True),
)
def answer_clarification(request: ApiRequest, session_id: str, form: ClarificationAnswerForm) -> HttpResponse:
    """One of the options if there are any: 422 otherwise. 409 if no question is pending."""
    answered, version = clarifications.answer_clarification(
        actor=request.auth, session_id=session_id, answer=form.answer, expected_version=expected_version(request)
    )
    return answer(clarification_answer(answered), version=version)
