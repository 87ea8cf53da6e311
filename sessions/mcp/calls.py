"""Calling a tool: who calls, with which arguments, and what is said when it can't be done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from django.db import InterfaceError, OperationalError
from pydantic import ValidationError

from sessions.access import Actor
from sessions.exceptions import Conflict, Invalid, SessionError, StaleVersion
from sessions.mcp import reading, writing
from sessions.mcp.arguments import (
    AppendMessages,
    Arguments,
    Ask,
    ListSessions,
    OneSession,
    ReadMessage,
    ReadSession,
    ReportError,
    Search,
    SetPhase,
)
from sessions.operations.tokens import actor_of_token

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tool:
    """What an agent may call. `repeats` says that doing it again changes nothing more."""

    name: str
    description: str
    arguments: type[Arguments]
    work: Callable[[Actor, Any], dict[str, Any]]
    writes: bool = False
    repeats: bool = True


TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            "list_sessions",
            "List research sessions, pinned ones first, then those that changed last.",
            ListSessions,
            reading.list_page,
        ),
        Tool(
            "search",
            "Search in all messages and in the names of sessions. Hits stand between ⟦ and ⟧ in `snippet`; `index` is "
            "the message's place in its session, null for a session found by its name.",
            Search,
            reading.search,
        ),
        Tool(
            "read_session",
            "Read a session and a page of its transcript. `next` is the last index read: give it as `after` (or as "
            "`before`, if order is desc) to read on. `cut` names texts that aren't whole: read_message reads them.",
            ReadSession,
            reading.read_session,
        ),
        Tool(
            "read_message",
            f"Read a long text of one message, {reading.PART} characters at a time.",
            ReadMessage,
            reading.read_message,
        ),
        Tool(
            "read_progress",
            "Read how far an agent's run is: phase, tasks, errors, log, and the answer to the question asked last.",
            OneSession,
            reading.read_run,
        ),
        Tool(
            "append_messages",
            "Append finished messages to the end of a session's transcript, all or none.",
            AppendMessages,
            writing.append_messages,
            writes=True,
            repeats=False,
        ),
        Tool("set_phase", "Enter a phase of the run.", SetPhase, writing.set_phase, writes=True),
        Tool(
            "ask",
            "Ask whoever looks after the run a question; it takes the place of one that waits. The answer comes later: "
            "look for `clarification_answer` with read_progress.",
            Ask,
            writing.ask,
            writes=True,
        ),
        Tool(
            "report_error",
            "Report an error of the run. The run goes on; enter the phase `failed` if it doesn't.",
            ReportError,
            writing.report_error,
            writes=True,
            repeats=False,
        ),
    )
}


def call_tool(token: str, name: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
    """Call a tool with the rights that the token has at this moment; return JSON, and whether it tells of an error."""
    try:
        return _dumped(_answer(token, name, arguments)), False
    except (SessionError, ValidationError, OperationalError, InterfaceError) as error:
        return _dumped(problem_of(error)), True
    except Exception:
        logger.exception("mcp_call_failed", tool=name)
        return _dumped({"code": "server_error", "detail": "Something went wrong here, and it has been logged."}), True


def _answer(token: str, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    actor = actor_of_token(token)
    tool = TOOLS.get(name)
    if tool is None:
        raise Invalid(f"There is no tool of this name. There are {', '.join(TOOLS)}.")
    return tool.work(actor, tool.arguments.model_validate(arguments))


def problem_of(error: Exception) -> dict[str, Any]:
    """An error as the API names it, with what to do."""
    match error:
        case ValidationError():
            wrong = [
                {"loc": ".".join(str(step) for step in found["loc"]), "message": found["msg"]}
                for found in error.errors(include_url=False, include_input=False)
            ]
            return {"code": "invalid", "detail": "The arguments don't have the right form.", "errors": wrong}
        case SessionError():
            problem: dict[str, Any] = {"code": error.code, "detail": error.detail}
            if isinstance(error, Invalid) and error.errors:
                problem["errors"] = [{"loc": loc, "message": message} for loc, message in error.errors]
            if isinstance(error, Conflict | StaleVersion):
                problem["state"] = error.state
            return problem
    return {
        "code": "database_unavailable",
        "detail": "The database can't be reached or is busy. Nothing was changed; try again in a moment.",
    }


def _dumped(data: dict[str, Any]) -> str:
    return orjson.dumps(data, option=orjson.OPT_UTC_Z).decode()
