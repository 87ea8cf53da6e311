"""Chat: ask the model server, and store the turn once the answer is whole. Which models there are."""

from collections.abc import Generator
from functools import partial

import orjson
from django.db import DatabaseError
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from sessions.api.answers import answer
from sessions.api.auth import ApiRequest
from sessions.api.errors import problem_of, relocated
from sessions.api.idempotency import Key, sees_to_its_key
from sessions.api.openapi import EVENTS, ApiRouter, documented
from sessions.api.preconditions import expected_version
from sessions.api.routers.turns import check_target, turn_answered
from sessions.api.schemas.chat import ChatForm, ModelListAnswer
from sessions.api.schemas.turns import TurnAnswer
from sessions.exceptions import Invalid, SessionError, TooLarge
from sessions.operations import chat
from sessions.operations.model_names import list_models
from sessions.operations.transcript import NewMessage
from sessions.storage import caller, model_server

router = ApiRouter(tags=["Chat"])

_PLACES = {"messages[0].content": "message", "messages[1].": "answer."}


@router.get("/models", summary="List the models that can be asked", **documented({200: ModelListAnswer}, 502))
def models(request: ApiRequest) -> HttpResponse:
    """Those of the model server, as it lists them now. Without one the list is empty and `server` is null."""
    server = model_server.configured()
    found = [{"name": model.name, "size": model.size} for model in list_models()]
    return answer({"models": found, "server": server and server.kind})


@router.post(
    "/chat",
    operation_id="chat",
    summary="Ask the model server; the turn is stored when the answer is whole",
    **documented(
        {201: TurnAnswer},
        *(404, 502),
        writes=True,
        if_match=True,
        etag=True,
        location=True,
        events="With `stream`: events `delta`, then `done` with a TurnAnswer, or `error` with a problem.",
    ),
)
@sees_to_its_key
def ask(request: ApiRequest, form: ChatForm) -> HttpResponseBase:
    """The model reads the transcript, as much of it as fits. Without `session_id` a session is made.

    With `stream` the answer is 200 and `text/event-stream`: events `delta` with parts of the answer, then
    one `done` with what is answered otherwise, or one `error` with a problem.
    """
    check_target(request, form.session_id, form.name, form.expected_index)
    key = Key(request)
    replayed = key.claim()
    if replayed is not None:
        return replayed
    try:
        asking = _Asking(request, form, key)
    except BaseException:
        key.give_back()
        raise
    return asking.stream() if form.stream else asking.whole()


class _Asking:
    """A conversation over the API, and the key that it is held under; both are let go at its end."""

    def __init__(self, request: ApiRequest, form: ChatForm, key: Key) -> None:
        self._actor = request.auth
        self._key = key
        self._is_gone = partial(caller.is_gone, request.META)
        self._conversation = chat.Conversation(
            actor=request.auth,
            message=form.message,
            session_id=form.session_id,
            name=form.name or "",
            model=form.model or "",
            expected_index=form.expected_index,
            expected_version=expected_version(request),
        )

    def whole(self) -> HttpResponse:
        """Wait for the whole answer, store it and answer 201."""
        try:
            message = self._conversation.whole(is_gone=self._is_gone, renew=self._key.renew)
            return self._key.keep(partial(self._stored, message))
        finally:
            self.close()

    def stream(self) -> StreamingHttpResponse:
        """Answer 200 with events, as the answer comes."""
        response = StreamingHttpResponse(chat.ClosedAfter(self._events(), self.close), content_type=EVENTS)
        response.headers["X-Accel-Buffering"] = "no"
        return response

    def close(self) -> None:
        """Let go of everything. What was stored stays stored."""
        self._conversation.close()
        self._key.give_back()

    def _events(self) -> Generator[bytes, None, None]:
        """The events. What goes wrong is the last one."""
        yield b": asked\n\n"  # so that whoever waits sees at once that it has begun
        try:
            for part in self._conversation.answers(is_gone=self._is_gone, renew=self._key.renew):
                if isinstance(part, NewMessage):
                    yield self._key.keep(partial(self._done, part)).content
                else:
                    yield event("delta", orjson.dumps({"content": part.content, "thinking": part.thinking}))
        except (SessionError, DatabaseError) as error:
            problem = problem_of(error)
            if problem is None:
                raise
            yield event("error", problem.body())

    def _stored(self, message: NewMessage) -> HttpResponse:
        try:
            return turn_answered(self._conversation.store(message), self._actor)
        except (Invalid, TooLarge) as error:
            raise relocated(error, _PLACES) from None

    def _done(self, message: NewMessage) -> HttpResponse:
        """The last event as an answer of its own, which a request with the same key gets again."""
        return HttpResponse(event("done", self._stored(message).content), content_type=EVENTS)


def event(name: str, data: bytes) -> bytes:
    """A server-sent event; JSON has no line breaks."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)
