"""What a model is sent: the system prompt, the newest part of the transcript that fits, and the question."""

from collections.abc import Iterator

from django.conf import settings

from sessions.models import Role, Session
from sessions.models.excerpts import MessageExcerpt, read_excerpts
from sessions.operations.context_window import ROOM, Window, estimated_tokens, newest_that_fit, window_for
from sessions.storage.model_server import Said

_PAGE = 50
_CHARACTERS_PER_TOKEN = 4  # a longer message fits into no window

_Sized = tuple[Said, int]


def transcript_for(session: Session | None, message: str) -> tuple[list[Said], Window]:
    """The messages to send, and the window that they are cut to. The prompt and the question are always there."""
    question = _sized(Said(Role.USER.value, message))
    prompt = _system_prompt(session) if session else None
    always = [question] if prompt is None else [prompt, question]
    least = sum(size for _, size in always)
    earlier = list(_earlier(session, settings.MODEL_SERVER_MAX_WINDOW - least, prompt is not None)) if session else []
    window = window_for(session.context_window_config if session else {}, least + sum(size for _, size in earlier))
    fitting = newest_that_fit(earlier[::-1], window.size - ROOM - least)
    if session and len(fitting) < session.message_count - (prompt is not None):
        fitting = _from_a_question_on(fitting)
    return [*([prompt[0]] if prompt else []), *fitting, question[0]], window


def _earlier(session: Session, tokens: int, has_prompt: bool) -> Iterator[_Sized]:
    """The messages from the newest back, until they have more tokens than there is room for."""
    longest = settings.MODEL_SERVER_MAX_WINDOW * _CHARACTERS_PER_TOKEN
    before = session.message_count
    while before > has_prompt and tokens >= 0:
        page = read_excerpts(session.pk, before=before, order="desc", limit=_PAGE, longest=longest)
        for row in page:
            if row.index < has_prompt:
                return
            if row.content_length > longest:
                return
            said = _said(row)
            if said is None:
                continue
            size = _sized(said)
            tokens -= size[1]
            yield size
            if tokens < 0:
                return
        before = page[-1].index if page else 0


def _said(row: MessageExcerpt) -> Said | None:
    """A message as a model reads it; None for one without text, such as a bare tool call.

    Not every server takes a tool's answer without the call that it answers, so it goes as the
    user's words, under the tool's name.
    """
    if not row.content.strip():
        return None
    if row.role == Role.TOOL:
        return Said(Role.USER.value, f"Result of {row.tool_name or 'a tool'}:\n{row.content}")
    return Said(row.role, row.content)


def _system_prompt(session: Session) -> _Sized | None:
    longest = settings.MAX_MESSAGE_BYTES
    rows = read_excerpts(session.pk, before=1, limit=1, longest=longest) if session.message_count else []
    return _sized(Said(rows[0].role, rows[0].content)) if rows and rows[0].role == Role.SYSTEM else None


def _from_a_question_on(messages: list[Said]) -> list[Said]:
    """What was cut begins with a user's message, if it has one: an answer alone would only puzzle."""
    first = next((number for number, said in enumerate(messages) if said.role == Role.USER), 0)
    return messages[first:]


def _sized(said: Said) -> _Sized:
    return said, estimated_tokens(said.content)
