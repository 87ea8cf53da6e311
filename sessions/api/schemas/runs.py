"""Forms of the progress of an agent's run."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag

from sessions.api.schemas.common import (
    FILE_PATH,
    LARGEST_INDEX,
    NOT_SENT,
    Answer,
    ExpectedIndex,
    Flag,
    Form,
    Id,
    JsonObject,
    Limit,
    Offset,
    Time,
)
from sessions.api.schemas.sessions import PhaseInAnyCase, PhaseName, lower
from sessions.operations.runs.clarifications import LONGEST_OPTION, MAX_OPTIONS
from sessions.operations.runs.reports import MAX_LINES
from sessions.operations.runs.tasks import MAX_TASKS

TaskStatusName = Literal["pending", "active", "completed", "failed"]
RunStateName = Literal["going", "waiting", "complete", "failed", "aborted"]
TaskStatusInAnyCase = Annotated[TaskStatusName, BeforeValidator(lower)]
_VISIBLE = {"pattern": r"[^\s\x1c-\x1f\x85\ufeff]"}
Kind = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$", description="In any case.")]
ShortId = Annotated[str, Field(min_length=1, max_length=255, json_schema_extra=_VISIBLE)]
TaskId = Annotated[str, Field(min_length=1, max_length=255, json_schema_extra={"pattern": r"^[^/]*[!-.0-~][^/]*$"})]


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(**Form.model_config, json_schema_extra={"example": values})


class PhaseForm(Form):
    """The phase to enter."""

    model_config = _example(phase="execution")

    phase: PhaseInAnyCase


class ReasonForm(Form):
    """Why a run has failed."""

    model_config = _example(reason="The compiler is missing.")

    reason: str


class OptionalReasonForm(Form):
    """Why a run is stopped."""

    model_config = _example(reason="Wrong data.")

    reason: str | None = None


class AnswerForm(Form):
    """The answer to a question of the questionnaire."""

    model_config = _example(question_id="audience", answer="field biologists")

    question_id: ShortId
    answer: Any
    current_question_index: ExpectedIndex | None = Field(
        None, description="Where the questionnaire is then; after as many questions as are answered, if left out."
    )


class ArtifactForm(Form):
    """A version of an artifact: `data`, or the `path` of a file in the workspace."""

    model_config = ConfigDict(
        **Form.model_config,
        json_schema_extra={
            "example": {"data": {"goal": "a field guide", "chapters": 7}},
            "oneOf": [{"required": ["data"]}, {"required": ["path"]}],
        },
    )

    data: Any = NOT_SENT
    path: Annotated[str, Field(max_length=4096, json_schema_extra=FILE_PATH)] = Field(
        NOT_SENT, description="Relative to the workspace, such as `content/spec.md`."
    )


class TaskForm(Form):
    """A task of a plan."""

    task_id: TaskId
    title: Annotated[str, Field(max_length=1024)] | None = None
    status: TaskStatusInAnyCase | None = None
    error: str | None = None


class TasksForm(Form):
    """The whole plan, in order. At most one task is active."""

    model_config = _example(tasks=[{"task_id": "1", "title": "Gather sources", "status": "active"}])

    tasks: Annotated[list[TaskForm], Field(max_length=MAX_TASKS)]


class TaskChangesForm(Form):
    """What changes of a task."""

    model_config = _example(status="completed")

    status: TaskStatusInAnyCase = NOT_SENT
    title: Annotated[str, Field(max_length=1024)] = NOT_SENT
    error: str = NOT_SENT


class ErrorForm(Form):
    """An error."""

    model_config = _example(task_id="1", error_message="The site refuses robots.")

    error_message: str
    task_id: Annotated[str, Field(max_length=255)] | None = None
    phase: PhaseInAnyCase | None = Field(None, description="The current one, if left out.")
    timestamp: Time | None = Field(None, description="Now, if left out.")


class LineForm(Form):
    """A line for the log."""

    model_config = _example(message="12 of 40 sources read")

    message: str
    timestamp: Time | None = Field(None, description="Now, if left out.")


class LinesForm(Form):
    """Lines for the log, all or none."""

    logs: Annotated[list[LineForm], Field(min_length=1, max_length=MAX_LINES)]


def _lines_of(value: Any) -> str:
    return "<many>" if isinstance(value, dict) and "logs" in value else "<one>"


LogForm = Annotated[Annotated[LineForm, Tag("<one>")] | Annotated[LinesForm, Tag("<many>")], Discriminator(_lines_of)]


class ClarificationForm(Form):
    """A question to whoever looks after the run."""

    model_config = _example(question="Which region?", options=["Alps", "Jura"])

    question: Annotated[str, Field(min_length=1, json_schema_extra=_VISIBLE)]
    context: str | None = None
    options: (
        Annotated[
            list[Annotated[str, Field(min_length=1, max_length=LONGEST_OPTION, json_schema_extra=_VISIBLE)]],
            Field(max_length=MAX_OPTIONS, json_schema_extra={"uniqueItems": True}),
        ]
        | None
    ) = Field(None, description="If there are any, the answer must be one of them.")


class ClarificationAnswerForm(Form):
    """The answer to the pending question."""

    model_config = _example(answer="Alps")

    answer: str


class ArtifactQuery(Form):
    """Which version of an artifact."""

    model_config = Form.model_config | {"strict": False}

    version: Id | None = Field(None, description="The newest, if left out.")


class EntryListQuery(Form):
    """Which part of a list of errors or log lines."""

    model_config = Form.model_config | {"strict": False}

    after: Id | None = Field(None, description="Only entries with a larger `entry_id`.")
    order: Literal["asc", "desc"] = "asc"
    limit: Limit = 50
    cursor: str | None = Field(None, description="`next` of the page before.")
    offset: Offset = 0
    count: Flag = Field(True, description="false leaves the exact total out.")


class PhaseEntryAnswer(Answer):
    """A phase, and when the run entered it."""

    phase: PhaseName
    entered_at: datetime


class TaskAnswer(Answer):
    """A task."""

    task_id: str
    title: str
    status: TaskStatusName
    error: str | None


class ErrorEntryAnswer(Answer):
    """An error."""

    entry_id: int
    timestamp: datetime
    task_id: str | None
    error_message: str
    phase: PhaseName | None


class LogEntryAnswer(Answer):
    """A line of the log."""

    entry_id: int
    timestamp: datetime
    message: str


class PendingAnswer(Answer):
    """The question that waits for its answer."""

    question: str
    context: str
    options: list[str]


class ProgressAnswer(Answer):
    """How far a run is."""

    phase: PhaseName | None
    state: RunStateName | None = Field(description="null as long as there is no run.")
    phases: list[PhaseEntryAnswer]
    current_question_index: int
    answers: JsonObject
    artifacts: JsonObject = Field(description='By kind: its newest data, or `{"path": …}` of its file.')
    tasks: list[TaskAnswer]
    active_task_id: str | None
    completed_task_ids: list[str]
    failed_task_ids: list[str]
    errors: list[ErrorEntryAnswer] = Field(description="The newest 100, in order.")
    logs: list[LogEntryAnswer] = Field(description="The newest 100, in order.")
    pending_clarification: PendingAnswer | None
    clarification_answer: str | None = Field(description="The answer to the question that was asked last.")
    heartbeat_at: datetime | None
    is_aborted: bool
    abort_reason: str | None
    failure_reason: str | None
    version: int = Field(description="The ETag of the progress.")


class RunAnswer(Answer):
    """Where a run is after a step."""

    phase: PhaseName | None
    state: RunStateName
    is_aborted: bool
    abort_reason: str | None
    failure_reason: str | None
    heartbeat_at: datetime
    version: int


class AnsweredAnswer(Answer):
    """An answer of the questionnaire, and where the questionnaire is."""

    question_id: str
    answer: Any
    answered_at: datetime
    current_question_index: int


class ArtifactVersionAnswer(Answer):
    """A version of an artifact."""

    version: int
    created_at: datetime


class ArtifactAnswer(Answer):
    """An artifact: its data or its path, and which versions there are, the newest first."""

    kind: str
    version: Annotated[int, Field(le=LARGEST_INDEX)]
    data: Any
    path: str | None
    created_at: datetime
    versions: list[ArtifactVersionAnswer]


class TasksAnswer(Answer):
    """The plan."""

    tasks: list[TaskAnswer]
    active_task_id: str | None
    completed_task_ids: list[str]
    failed_task_ids: list[str]


class ErrorListAnswer(Answer):
    """A page of errors."""

    errors: list[ErrorEntryAnswer]
    count: int = Field(NOT_SENT, description="The exact total, on pages without a cursor.")
    next: str | None


class LogListAnswer(Answer):
    """A page of the log."""

    logs: list[LogEntryAnswer]
    count: int = Field(NOT_SENT, description="The exact total, on pages without a cursor.")
    next: str | None


class LoggedAnswer(Answer):
    """The lines as they are in the log."""

    logs: list[LogEntryAnswer]


class ClarificationAnswer(Answer):
    """A question, and its answer if it has one."""

    question: str
    context: str
    options: list[str]
    asked_at: datetime
    is_pending: bool
    answer: str | None
    answered_at: datetime | None
