"""Chat: ask the model server, and store the turn once the answer is whole. Which models there are."""

from collections.abc import Iterator
from functools import partial
from typing import Any

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
    conversation = _Conversation(request, form, key)
    return conversation.stream() if form.stream else conversation.whole()


class _Conversation:
    """One question on its way to the model server and back. Holds a slot and the request's key until it is closed."""

    def __init__(self, request: ApiRequest, form: ChatForm, key: Key) -> None:
        self._request = request
        self._key = key
        self._slot: model_server.Slot | None = None
        try:
            self._slot = model_server.Slot()
            self._ask = chat.prepare(
                actor=request.auth,
                message=form.message,
                session_id=form.session_id,
                name=form.name or "",
                model=form.model or "",
                expected_index=form.expected_index,
                expected_version=expected_version(request),
            )
        except BaseException:
            self.close()
            raise

    def whole(self) -> HttpResponse:
        """Wait for the whole answer, store it and answer 201."""
        try:
            for part in self._parts():
                if isinstance(part, NewMessage):
                    return self._key.keep(partial(self._stored, part))
            raise AssertionError("an answer ends with its message")
        finally:
            self.close()

    def stream(self) -> StreamingHttpResponse:
        """Answer 200 with events, as the answer comes."""
        response = StreamingHttpResponse(_Events(self), content_type=EVENTS)
        response.headers["X-Accel-Buffering"] = "no"
        return response

    def events(self) -> Iterator[bytes]:
        """The events. What goes wrong is the last one."""
        yield b": asked\n\n"  # so that whoever waits sees at once that it has begun
        try:
            for part in self._parts():
                if isinstance(part, NewMessage):
                    yield self._key.keep(partial(self._done, part)).content
                else:
                    yield event("delta", orjson.dumps({"content": part.content, "thinking": part.thinking}))
        except (SessionError, DatabaseError) as error:
            problem = problem_of(error)
            if problem is None:
                raise
            yield event("error", problem.body())

    def close(self) -> None:
        """Let go of everything. What was stored stays stored."""
        if self._slot is not None:
            self._slot.give_back()
        self._key.give_back()

    def _parts(self) -> Iterator[Any]:
        is_gone = partial(caller.is_gone, self._request.META)
        return chat.answers(self._ask, is_gone=is_gone, renew=self._key.renew)

    def _stored(self, message: NewMessage) -> HttpResponse:
        try:
            return turn_answered(chat.store_answer(self._ask, message), self._request.auth)
        except (Invalid, TooLarge) as error:
            raise relocated(error, _PLACES) from None

    def _done(self, message: NewMessage) -> HttpResponse:
        """The last event as an answer of its own, which a request with the same key gets again."""
        return HttpResponse(event("done", self._stored(message).content), content_type=EVENTS)


class _Events:
    """The events of a conversation, which is closed with them, also when nobody ever reads one."""

    def __init__(self, conversation: _Conversation) -> None:
        self._conversation = conversation
        self._events = conversation.events()

    def __iter__(self) -> "_Events":
        return self

    def __next__(self) -> bytes:
        return next(self._events)

    def close(self) -> None:
        """End it: Django calls this when the answer is sent or its reader has gone."""
        self._events.close()  # type: ignore[attr-defined]  # a generator
        self._conversation.close()


def event(name: str, data: bytes) -> bytes:
    """A server-sent event; JSON has no line breaks."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)
