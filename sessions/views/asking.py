"""Asking the model server from a session's page: the answer streams in or, without a script, is waited for."""

from collections.abc import Generator
from functools import partial

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.html import escape
from django_htmx.http import trigger_client_event

from sessions.exceptions import NotAllowed, NotFound, SessionError
from sessions.htmx import PageRequest, fragment, go_to, wants_fragment
from sessions.models import Session
from sessions.operations import chat
from sessions.operations.transcript import NewMessage
from sessions.storage import caller
from sessions.views.errors import sentence_of, status_of
from sessions.views.page import page
from sessions.views.session_page import added, load, not_added, number, typed


@page("POST")
def ask(request: PageRequest, session_id: str) -> HttpResponseBase:
    """Ask what was typed. Question and answer are stored once the answer is whole; what was typed stays until then."""
    text = typed(request, "content")
    try:
        if not text.strip():
            return not_added(request, load(request, session_id), text, "Write something first.", 422)
        conversation = chat.Conversation(actor=request.user, session_id=session_id, message=text)
    except (NotFound, NotAllowed):
        raise
    except SessionError as error:
        return not_added(request, load(request, session_id), text, sentence_of(error), status_of(error))
    is_shown = wants_fragment(request) and number(request.POST.get("shown")) is not None
    answer = _streamed if is_shown else _waited
    return answer(request, session_id, text, conversation)


def _waited(request: PageRequest, session_id: str, text: str, conversation: chat.Conversation) -> HttpResponse:
    """Go to the turn, once it is stored."""
    with conversation:
        try:
            appended = conversation.store(conversation.whole(is_gone=partial(caller.is_gone, request.META)))
        except (NotFound, NotAllowed):
            raise
        except SessionError as error:
            session = load(request, session_id)
            return not_added(request, session, text, sentence_of(error), status_of(error))
    first = appended.first_index
    return go_to(request, f"{reverse('session_detail', args=[appended.session_id])}?at={first}#m-{first}")


def _streamed(
    request: PageRequest, session_id: str, text: str, conversation: chat.Conversation
) -> StreamingHttpResponse:
    """The answer's text as it comes, inside a <pre>, and after it what any form of the page gets.

    The script shows the text alone, as text; htmx takes the rest when all is there (`hx-select`).
    """
    parts = _parts(request, session_id, text, conversation)
    headers = {"X-Accel-Buffering": "no", "HX-Push-Url": "false"}
    response = StreamingHttpResponse(chat.ClosedAfter(parts, conversation.close), headers=headers)
    trigger_client_event(response, "live")
    return response


def _parts(
    request: PageRequest, session_id: str, text: str, conversation: chat.Conversation
) -> Generator[bytes, None, None]:
    yield b"<pre>"
    try:
        for part in conversation.answers(is_gone=partial(caller.is_gone, request.META)):
            if not isinstance(part, NewMessage):
                yield escape(part.content).encode()
                continue
            appended = conversation.store(part)
            session = load(request, session_id)
            composer = added(request, session, appended).content or _composer(request, session)
            yield b"</pre>" + composer
    except SessionError as error:
        yield b"</pre>" + not_added(request, load(request, session_id), text, sentence_of(error), 422).content


def _composer(request: PageRequest, session: Session) -> bytes:
    """The composer alone: the page is too far behind for what was added, and asks for it by itself."""
    return fragment(request, "sessions/_composer.html", {"session": session, "shown": request.POST["shown"]}).content
