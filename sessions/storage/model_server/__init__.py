"""The model server: which models it has, and asking one. Knows no model of ours and stores nothing.

Nothing of a caller is sent on, neither headers nor cookies; redirects are not followed, so that
no other host sees the key or a transcript.
"""

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import orjson
from django.conf import settings

from sessions.exceptions import (
    ModelServerBusy,
    ModelServerError,
    ModelServerNotConfigured,
    ModelServerUnreachable,
    UnknownModel,
)
from sessions.storage.exchange import Limits, Partner, Reply, exchange, read_key
from sessions.storage.model_server import ollama, openai
from sessions.storage.model_server.address import Address
from sessions.storage.model_server.answers import Finish, Model, Piece, Question, Said, document_of, reason_of

__all__ = ["Finish", "Model", "ModelServer", "Piece", "Question", "Said"]

LIST_SECONDS = 10.0  # for the whole list of models; an answer has the limits of the settings
_LIST_BYTES = 4 * 2**20
_PARTNER = Partner("The model server", ModelServerError, ModelServerUnreachable)
_PROTOCOLS: dict[str, Any] = {ollama.NAME: ollama, openai.NAME: openai}

Parts = Generator[Piece | Finish, None, None]

_lock = threading.Lock()
_asking = 0


def _nobody_looks() -> None:
    """Nothing ends an exchange early."""


@dataclass(frozen=True, slots=True)
class ModelServer:
    """A server at an address."""

    address: Address
    key: str
    limits: Limits

    @property
    def kind(self) -> str:
        """`ollama` or `openai`."""
        return self.address.kind

    def models(self) -> list[Model]:
        """The models that it has now. Raises ModelServerError, ModelServerUnreachable."""
        protocol = _PROTOCOLS[self.kind]
        limits = Limits(self.limits.connect, min(self.limits.wait, LIST_SECONDS), LIST_SECONDS, _LIST_BYTES)
        with self._exchange("GET", protocol.MODELS, b"", limits, _nobody_looks) as reply:
            _check_status(reply, "")
            found: list[Model] = protocol.models_of(document_of(reply.body()))
        return found

    def has_model(self, name: str) -> bool:
        """Whether it has the model. Raises as `models`."""
        has = bool(_PROTOCOLS[self.kind].has({model.name for model in self.models()}, name))
        return has

    def answer(self, question: Question, look: Callable[[], None] = _nobody_looks) -> Parts:
        """Ask, and give the pieces of the answer as they come; the last is a Finish, if the answer is whole.

        `look` is called every moment and may raise to end it. Raises UnknownModel, ModelServerError,
        ModelServerUnreachable.
        """
        protocol = _PROTOCOLS[self.kind]
        body = orjson.dumps(protocol.request_of(question))
        with self._exchange("POST", protocol.CHAT, body, self.limits, look) as reply:
            _check_status(reply, question.model)
            for part in protocol.read(reply):
                yield part
                if isinstance(part, Finish):
                    return
        raise ModelServerError("The model server broke its answer off before it was whole.")

    @contextmanager
    def _exchange(
        self, method: str, path: str, body: bytes, limits: Limits, look: Callable[[], None]
    ) -> Iterator[Reply]:
        headers = {"Accept-Encoding": "identity", "Connection": "close", "User-Agent": "ResearchMind"}
        if body:
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        url = self.address.url + path
        with exchange(method, url, headers=headers, body=body, limits=limits, look=look, partner=_PARTNER) as reply:
            yield reply


def _check_status(reply: Reply, model: str) -> None:
    """Raise UnknownModel or ModelServerError for anything but 200."""
    if reply.status == 200:
        return
    if 300 <= reply.status < 400:
        raise ModelServerError(
            "The model server sent a redirect, which isn't followed. RESEARCHMIND_MODEL_SERVER must be its own address."
        )
    if reply.status in (401, 403):
        raise ModelServerError("The model server refused the key. Look at RESEARCHMIND_MODEL_SERVER_KEY.")
    document: dict[str, Any] = {}
    with suppress(ModelServerError):
        document = document_of(reply.body())
    error = document.get("error")
    is_unknown = isinstance(error, dict) and error.get("code") == "model_not_found"
    if model and (reply.status == 404 or is_unknown):
        raise UnknownModel(f"The model server has no model “{model}”. GET /models lists its models.", model=model)
    reason = reason_of(document)
    raise ModelServerError(f"The model server answered {reply.status}{f': {reason}' if reason else ''}.")


def configured() -> ModelServer | None:
    """The server that the settings name, or None. Raises ModelServerError if its key's file has gone."""
    try:
        return from_settings()
    except ValueError as error:
        raise ModelServerError(f"The model server's settings can't be used. {error}") from error


def from_settings() -> ModelServer | None:
    """The server that the settings name, or None. Raises ValueError for settings that make no sense."""
    if not settings.MODEL_SERVER:
        return None
    limits = Limits(
        connect=settings.MODEL_SERVER_CONNECT_SECONDS,
        wait=settings.MODEL_SERVER_WAIT_SECONDS,
        total=settings.MODEL_SERVER_TOTAL_SECONDS,
        size=settings.MODEL_SERVER_MAX_BYTES,
    )
    key = read_key(settings.MODEL_SERVER_KEY, settings.MODEL_SERVER_KEY_FILE)
    return ModelServer(Address.parse(settings.MODEL_SERVER), key, limits)


def required() -> ModelServer:
    """The server that the settings name. Raises ModelServerNotConfigured."""
    server = configured()
    if server is None:
        raise ModelServerNotConfigured("No model server is connected. An operator sets RESEARCHMIND_MODEL_SERVER.")
    return server


class Slot:
    """One of the answers that this process may wait for at once, because each occupies one of its threads.

    Raises ModelServerBusy where all are taken.
    """

    def __init__(self) -> None:
        global _asking
        with _lock:
            if _asking >= settings.MODEL_SERVER_REQUESTS:
                raise ModelServerBusy("The model server is answering others. Try again in a moment.")
            _asking += 1
        self._is_held = True

    def give_back(self) -> None:
        """Let somebody else ask. Called twice it does nothing the second time."""
        global _asking
        with _lock:
            _asking -= self._is_held
            self._is_held = False
