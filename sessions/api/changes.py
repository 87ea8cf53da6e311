"""From the forms of sessions to the arguments of operations."""

from typing import Any

from django.db import transaction

from sessions.access import Actor
from sessions.api.errors import invalid
from sessions.api.schemas.common import Form
from sessions.api.schemas.messages import NewMessageForm
from sessions.api.schemas.sessions import NewSessionForm, SessionChangesForm
from sessions.models import Session, Status
from sessions.operations import lifecycle, sessions
from sessions.operations.transcript import NewMessage

_EMPTY_TEXT = ("description", "model", "phase", "summary_model")
_EMPTY_OBJECT = ("tool_settings", "agent_settings", "context_window_config", "configuration")
_MOVES = {
    Status.ACTIVE: lifecycle.restore_session,
    Status.ARCHIVED: lifecycle.archive_session,
    Status.DELETED: lifecycle.trash_session,
}


def new_message(form: NewMessageForm) -> NewMessage:
    """A message as the operations take it."""
    values = {name: value for name, value in vars(form).items() if value is not None}
    values.pop("expected_index", None)
    return NewMessage(**values)


def creation_values(form: NewSessionForm) -> dict[str, Any]:
    """The arguments of `create_session`. Raises Invalid without a name, a model and messages."""
    values = {name: _plain(value) for name, value in vars(form).items() if value is not None and value != ""}
    if not values.keys() & {"name", "model", "messages"} or not (form.name or form.model or form.messages):
        raise invalid("name", "Give the session a name, a model or its first messages.")
    if form.messages is not None:
        values["messages"] = [new_message(message) for message in form.messages]
    return values


def change_session(actor: Actor, session_id: str, form: SessionChangesForm, expected_version: int | None) -> Session:
    """Do all that the form says in one transaction; return the session as it is then."""
    values = {name: _plain(getattr(form, name)) for name in form.model_fields_set}
    status = _status(values)
    for name, value in values.items():
        if value is None and name in _EMPTY_TEXT:
            values[name] = ""
        elif value is None and name in _EMPTY_OBJECT:
            values[name] = {}
        elif value is None and name == "tags":
            values[name] = []
    with transaction.atomic():
        session = sessions.update_session(
            actor=actor, session_id=session_id, expected_version=expected_version, **values
        )
        if status is not None and status != session.status:
            session = _MOVES[status](actor=actor, session_id=session.pk)
    return session


def _status(values: dict[str, Any]) -> Status | None:
    """Take `status` and `archived` out of the values; return the status that they ask for, if any."""
    status, archived = values.pop("status", None), values.pop("archived", None)
    if archived is None:
        return None if status is None else Status(status)
    if status is not None and archived != (status == Status.ARCHIVED):
        raise invalid("archived", f"This contradicts the status {status}.")
    return Status(status) if status else Status.ARCHIVED if archived else Status.ACTIVE


def _plain(value: Any) -> Any:
    return value.model_dump(exclude_unset=True) if isinstance(value, Form) else value
