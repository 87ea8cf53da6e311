"""The tools that write, each over one operation."""

from typing import Any

from sessions.access import Actor
from sessions.mcp.arguments import AppendMessages, Ask, ReportError, SetPhase
from sessions.operations.runs import clarifications, phases, reports
from sessions.operations.transcript import NewMessage
from sessions.operations.transcript import append_messages as append


def append_messages(actor: Actor, asked: AppendMessages) -> dict[str, Any]:
    """Append finished messages, all or none; say where they are."""
    appended = append(
        actor=actor,
        session_id=asked.session_id,
        messages=[NewMessage(**message.model_dump()) for message in asked.messages],
        expected_index=asked.expected_index,
    )
    return {
        "session_id": appended.session_id,
        "first_index": appended.first_index,
        "message_count": appended.message_count,
        "version": appended.version,
    }


def set_phase(actor: Actor, asked: SetPhase) -> dict[str, Any]:
    """Enter a phase."""
    touched = phases.set_phase(actor=actor, session_id=asked.session_id, phase=asked.phase)
    return {"session_id": touched.session_id, "phase": phases.checked_phase(asked.phase), "version": touched.version}


def ask(actor: Actor, asked: Ask) -> dict[str, Any]:
    """Ask a question; its answer comes later."""
    question, version = clarifications.ask(
        actor=actor,
        session_id=asked.session_id,
        question=asked.question,
        context=asked.context,
        options=asked.options,
    )
    return {
        "session_id": question.session_id,
        "asked_at": question.asked_at,
        "is_pending": question.is_pending,
        "version": version,
    }


def report_error(actor: Actor, asked: ReportError) -> dict[str, Any]:
    """Keep an error of the run."""
    entry, version = reports.add_error(
        actor=actor,
        session_id=asked.session_id,
        error_message=asked.error_message,
        task_id=asked.task_id,
        phase=asked.phase,
    )
    return {
        "session_id": entry.session_id,
        "timestamp": entry.timestamp,
        "phase": entry.phase or None,
        "version": version,
    }
