"""Asking the model server: read the transcript, wait with nothing held, store the turn once the answer is whole."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Required, Self, TypedDict, Unpack
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from sessions.access import LOOK_SECONDS, Actor, is_still_let_in, session_for_writing
from sessions.exceptions import AnswerStopped, ModelServerError, TranscriptChanged
from sessions.models import Message, Role, Session
from sessions.operations.context_window import Window, adjusted, window_after
from sessions.operations.model_names import let_the_database_go, usual_model
from sessions.operations.questions import transcript_for
from sessions.operations.sessions import allowed_owner, checked_name
from sessions.operations.transcript import Appended, NewMessage, check_appendable
from sessions.operations.turns import append_turn
from sessions.operations.values import checked_content, checked_text
from sessions.storage import model_server
from sessions.storage.model_server import Finish, Piece, Question

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_Stand = list[tuple[int, int, datetime | None]]


@dataclass(frozen=True, slots=True)
class Ask:
    """A question ready to be sent, and the transcript's first and last message as they were when it was read."""

    actor: Actor
    text: str
    question: Question
    window: Window
    session_id: UUID | None
    name: str
    stands_on: _Stand
    expected_index: int | None
    expected_version: int | None


class Asked(TypedDict, total=False):
    """What `prepare` takes: `actor` and `message`; all else may be left out."""

    actor: Required["Actor | User"]
    message: Required[str]
    session_id: UUID | str | None
    name: str
    model: str
    expected_index: int | None
    expected_version: int | None


def prepare(
    *,
    actor: "Actor | User",
    message: str,
    session_id: UUID | str | None = None,
    name: str = "",
    model: str = "",
    expected_index: int | None = None,
    expected_version: int | None = None,
) -> Ask:
    """Read what the model is to read. The model is the one named, the session's, or the first that the server has.

    Raises what storing the turn would raise now, so that nobody waits for an answer that can't be
    kept; ModelServerNotConfigured, UnknownModel, ModelServerError.
    """
    model_server.required()
    actor = Actor.of(actor)
    checked_content("message", checked_text("message", message, blank=False))
    checked_text("model", model, longest=255)
    session, stands_on = None, []
    if session_id is None:
        allowed_owner(actor)
        name = checked_name(name) if name else ""
    else:
        session = session_for_writing(actor, session_id)
        check_appendable(session, expected_index, expected_version)
        stands_on = _stand(session.pk, session.message_count)
    messages, window = transcript_for(session, message)
    model = model or (session.model if session else "") or usual_model()
    return Ask(
        actor=actor,
        text=message,
        question=Question(model, messages, window.size),
        window=window,
        session_id=session.pk if session else None,
        name=name,
        stands_on=stands_on,
        expected_index=expected_index,
        expected_version=expected_version,
    )


def _stand(session_id: UUID, count: int) -> _Stand:
    """The first and the last of so many messages: as long as they stay, all between them do."""
    ends = Message.objects.of(session_id).filter(index__in={0, max(count - 1, 0)})
    return list(ends.values_list("index", "pk", "edited_at"))


def answers(
    ask: Ask, *, is_gone: Callable[[], bool], renew: Callable[[], None] = lambda: None
) -> Generator[Piece | NewMessage, None, None]:
    """Ask: the pieces of the answer as they come, and last of all the finished message.

    No connection to the database is held meanwhile. `is_gone` tells, four times a second, whether
    whoever asked has hung up; `renew` is called every few seconds. Raises AnswerStopped,
    UnknownModel, ModelServerError.
    """
    server = model_server.required()
    contents: list[str] = []
    thoughts: list[str] = []
    size = 0
    finish = Finish()
    let_the_database_go()
    with closing(server.answer(ask.question, _Lookout(ask, is_gone, renew))) as parts:
        for part in parts:
            if isinstance(part, Finish):
                finish = part
                break
            contents.append(part.content)
            thoughts.append(part.thinking)
            size += len(part.content.encode()) + len(part.thinking.encode())
            if size > settings.MAX_MESSAGE_BYTES:
                raise ModelServerError("The model's answer is longer than a message may be, so it was left.")
            if part.content or part.thinking:
                yield part
    yield _finished(ask, "".join(contents), "".join(thoughts), finish)


def _finished(ask: Ask, content: str, thinking: str, finish: Finish) -> NewMessage:
    if not content.strip() and not thinking.strip():
        raise ModelServerError("The model answered nothing.")
    return NewMessage(
        role=Role.ASSISTANT.value,
        content=content,
        thinking=thinking,
        model=ask.question.model,
        prompt_eval_count=finish.prompt_eval_count,
        eval_count=finish.eval_count,
    )


class _Lookout:
    """Looks up from waiting: does whoever asked still listen, and may they still?"""

    def __init__(self, ask: Ask, is_gone: Callable[[], bool], renew: Callable[[], None]) -> None:
        self._actor = ask.actor
        self._session_id = ask.session_id
        self._is_gone = is_gone
        self._renew = renew
        self._next = time.monotonic() + LOOK_SECONDS

    def __call__(self) -> None:
        """Raise AnswerStopped if not."""
        if self._is_gone():
            raise AnswerStopped("Whoever asked has hung up, so nothing was stored.")
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + LOOK_SECONDS
        if not is_still_let_in(self._actor, self._session_id):
            raise AnswerStopped("The token, the account or the share is no good any more, so nothing was stored.")
        self._renew()
        let_the_database_go()


def store_answer(ask: Ask, answer: NewMessage) -> Appended:
    """Append the question and its answer, in one transaction with the session's context window.

    Messages that others appended meanwhile come before them. Raises TranscriptChanged if what was
    read has been edited or cut off, and as `append_turn`.
    """
    user = NewMessage(role=Role.USER.value, content=ask.text)
    used = (answer.prompt_eval_count or 0) + (answer.eval_count or 0)
    now = timezone.now()
    if ask.session_id is None:
        config = adjusted({}, [ask.window, window_after({}, ask.window, used)], now)
        made: dict[str, Any] = {"model": answer.model, "context_window_config": config}
        return append_turn(actor=ask.actor, user=user, assistant=answer, name=ask.name, **made)
    with transaction.atomic():
        appended = append_turn(
            actor=ask.actor,
            user=user,
            assistant=answer,
            session_id=ask.session_id,
            expected_index=ask.expected_index,
            expected_version=ask.expected_version,
        )
        _check_stands(ask, ask.session_id, appended)
        _note_window(ask, ask.session_id, used, now)
    return appended


def _check_stands(ask: Ask, session_id: UUID, appended: Appended) -> None:
    """Raise TranscriptChanged unless what was read is still there. The append has locked the session."""
    last = ask.stands_on[-1][0] if ask.stands_on else -1
    if last >= 0 and _stand(session_id, last + 1) != ask.stands_on:
        raise TranscriptChanged(
            "The transcript was edited while the model was answering. Look at it, and ask again.",
            session_id=str(session_id),
            message_count=appended.message_count - 2,
            version=appended.version - 1,
        )


def _note_window(ask: Ask, session_id: UUID, used: int, now: datetime) -> None:
    """Keep the windows that were used; the append has locked the row and moved its version."""
    sessions = Session.objects.filter(pk=session_id)
    config = sessions.values_list("context_window_config", flat=True).get()
    changed = adjusted(config, [ask.window, window_after(config, ask.window, used)], now)
    if changed is not config:
        sessions.update(context_window_config=changed)


class Conversation:
    """One question on its way to the model server and back. Holds one of this process's slots until it is closed."""

    def __init__(self, **asked: Unpack[Asked]) -> None:
        self._slot = model_server.Slot()
        self._parts: Generator[Piece | NewMessage, None, None] | None = None
        try:
            self._ask = prepare(**asked)
        except BaseException:
            self.close()
            raise

    def answers(self, *, is_gone: Callable[[], bool], renew: Callable[[], None] = lambda: None) -> Iterator[Any]:
        """Pieces as they come, and the finished message. Raises as `answers`."""
        self._parts = answers(self._ask, is_gone=is_gone, renew=renew)
        return self._parts

    def whole(self, *, is_gone: Callable[[], bool], renew: Callable[[], None] = lambda: None) -> NewMessage:
        """Wait for the finished message. Raises as `answers`."""
        *_, message = self.answers(is_gone=is_gone, renew=renew)
        assert isinstance(message, NewMessage)  # noqa: S101  (it is what ends an answer)
        return message

    def store(self, answer: NewMessage) -> Appended:
        """Store the turn. Raises as `store_answer`."""
        return store_answer(self._ask, answer)

    def close(self) -> None:
        """Leave the model server, whoever still holds on to the answer, and let somebody else ask."""
        try:
            if self._parts is not None:
                self._parts.close()
        finally:
            self._slot.give_back()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class ClosedAfter(Iterator[bytes]):
    """What a generator gives; then, or when its reader leaves, even without ever having begun, `close` is called."""

    def __init__(self, parts: Generator[bytes, None, None], close: Callable[[], None]) -> None:
        self._parts = parts
        self._close = close

    def __next__(self) -> bytes:
        return next(self._parts)

    def close(self) -> None:
        """Stop. Django calls this when an answer is sent, or its reader has gone."""
        self._parts.close()
        self._close()
