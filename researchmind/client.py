"""A session store for agents and scripts: over the API, or in memory for an agent's own tests.

One file that needs nothing but Python; copy it where you need it.

    store = HttpSessionStore("http://127.0.0.1:8000", "rm_…")
    session = store.create_session(name="Mosses of the north")
    store.set_phase(session["session_id"], "execution")
"""

import copy
import itertools
import json
import random
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any

Json = dict[str, Any]

PHASES = (
    *("questionnaire", "build_spec", "idea", "plan_review", "execution", "clarification", "verification"),
    *("complete", "failed"),
)
TASK_STATUSES = ("pending", "active", "completed", "failed")
ROLES = ("system", "user", "assistant", "tool")
LONGEST_PAUSE = 60  # seconds that a server may ask to wait before the same request; who is asked for more, raises


class StoreError(Exception):
    """Something was refused or went wrong. `code` is the API's, `problem` its whole answer.

    `retry_after` is how many seconds the server asks to wait before trying again; None if it doesn't say.
    """

    retry_after: float | None = None

    def __init__(self, detail: str, *, status: int = 0, code: str = "", problem: Json | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.problem = status, code, problem or {}


class NotAllowed(StoreError):
    """The token is no good, or may not do this."""


class NotFound(StoreError):
    """There is no such session, task or artifact, or none for this token."""


class Conflict(StoreError):
    """It doesn't fit the current state: archived, stopped (`run_aborted`), another task active."""


class Invalid(StoreError):
    """A value breaks a rule, or is too large."""


class Unavailable(StoreError):
    """The server could not be reached, or could not answer, however often it was tried."""


class AnswerTimeout(StoreError):
    """Nobody has answered in time. The question still waits."""


_ERRORS: Mapping[int, type[StoreError]] = {
    401: NotAllowed, 403: NotAllowed, 404: NotFound, 409: Conflict, 412: Conflict,
    400: Invalid, 413: Invalid, 415: Invalid, 422: Invalid, 429: Unavailable, 507: Unavailable,
}  # fmt: skip


class SessionStore(ABC):
    """What an agent needs of a session. Sessions, messages and progress are dictionaries as the API gives them."""

    @abstractmethod
    def create_session(self, **fields: Any) -> Json:
        """Make a session (`name`, `tags`, `model`, `metadata`, `messages`, …) and return it."""

    @abstractmethod
    def get_session(self, session_id: str) -> Json | None:
        """Return a session with its first messages; None if there is none."""

    @abstractmethod
    def update_session(self, session_id: str, **changes: Any) -> Json:
        """Change what is given; `metadata` is merged. Return the session."""

    @abstractmethod
    def delete_session(self, session_id: str) -> None:
        """Move a session to the trash."""

    @abstractmethod
    def list_sessions(self) -> list[Json]:
        """All active sessions, pinned ones first, then the newest."""

    @abstractmethod
    def append_messages(self, session_id: str, messages: Sequence[Json]) -> list[Json]:
        """Append finished messages (`role`, `content`, …), all or none; return them with their indexes."""

    @abstractmethod
    def get_progress(self, session_id: str) -> Json:
        """Return how far the run is."""

    @abstractmethod
    def set_phase(self, session_id: str, phase: str) -> None:
        """Enter a phase of PHASES."""

    @abstractmethod
    def add_answer(self, session_id: str, question_id: str, answer: Any) -> None:
        """Keep an answer of the questionnaire."""

    @abstractmethod
    def add_log(self, session_id: str, message: str) -> None:
        """Add a line to the log."""

    @abstractmethod
    def add_error(self, session_id: str, *, task_id: str = "", error_message: str, phase: str | None = None) -> None:
        """Report an error, in the current phase unless another is named."""

    @abstractmethod
    def set_artifact(self, session_id: str, kind: str, data: Any) -> None:
        """Keep a new version of an artifact: any JSON."""

    @abstractmethod
    def set_tasks(self, session_id: str, tasks: Sequence[Json]) -> None:
        """Set the whole plan: `task_id`, `title`, `status`, `error`."""

    @abstractmethod
    def update_task(self, session_id: str, task_id: str, **changes: str) -> None:
        """Change `status`, `title` or `error` of a task. At most one is active."""

    @abstractmethod
    def fail(self, session_id: str, reason: str) -> None:
        """Say that the run has failed."""

    @abstractmethod
    def ask(self, session_id: str, question: str, options: Sequence[str] | None = None, context: str = "") -> None:
        """Ask whoever looks after the run."""

    @abstractmethod
    def answer(self, session_id: str, answer: str) -> None:
        """Answer the pending question, as somebody does who looks after the run."""

    def wait_for_answer(self, session_id: str, timeout: float | None = None, *, interval: float = 1.0) -> str:
        """Return the answer to the question that was asked last, once it is there.

        Looks every `interval` seconds. Raises AnswerTimeout after `timeout` seconds, and Conflict
        if the run was stopped or the question withdrawn.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            progress = self.get_progress(session_id)
            if progress["is_aborted"]:
                raise Conflict("The run was stopped.", code="run_aborted")
            if progress["clarification_answer"] is not None:
                return str(progress["clarification_answer"])
            if progress["pending_clarification"] is None:
                raise Conflict("No question is pending.", code="no_pending_question")
            if until is not None and time.monotonic() + interval > until:
                raise AnswerTimeout(f"Nobody has answered within {timeout} seconds.")
            time.sleep(interval)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Another host must not get the token."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Follow nothing."""


class HttpSessionStore(SessionStore):
    """The store of a server. A request that fails on its way is sent again and done once.

    Safe to share between threads. Raises ValueError for an address that isn't one.
    """

    def __init__(self, base_url: str, token: str, *, timeout: float = 30, attempts: int = 6) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise ValueError(f"{base_url!r} isn't the address of a server, such as http://127.0.0.1:8000.")
        self._url = base_url.rstrip("/").removesuffix("/v1").removesuffix("/api") + "/api/v1"
        self._token, self._timeout, self._attempts = token.strip(), timeout, attempts
        self._opener = urllib.request.build_opener(_NoRedirects)
        self._known: dict[str, tuple[str, Json]] = {}  # progress by session, with its ETag

    def create_session(self, **fields: Any) -> Json:
        return self._call("POST", "/sessions", fields)

    def get_session(self, session_id: str) -> Json | None:
        try:
            return self._call("GET", _of(session_id))
        except NotFound as error:
            if error.code != "session_not_found":
                raise  # something else answers at this address
            return None

    def update_session(self, session_id: str, **changes: Any) -> Json:
        return self._call("PATCH", _of(session_id), changes)

    def delete_session(self, session_id: str) -> None:
        self._call("DELETE", _of(session_id))

    def list_sessions(self) -> list[Json]:
        found: list[Json] = []
        cursor = ""
        while True:
            page = self._call("GET", f"/sessions?limit=200&count=false{cursor}")
            found += page["sessions"]
            if page["next"] is None:
                return found
            cursor = "&cursor=" + urllib.parse.quote(page["next"], safe="")

    def append_messages(self, session_id: str, messages: Sequence[Json]) -> list[Json]:
        appended: list[Json] = self._call("POST", _of(session_id, "messages"), {"messages": list(messages)})["messages"]
        return appended

    def get_progress(self, session_id: str) -> Json:
        etag, known = self._known.get(session_id, ("", {}))
        status, headers, body = self._send("GET", _of(session_id, "progress"), headers={"If-None-Match": etag})
        if status == 304:
            return copy.deepcopy(known)
        progress = _read(body, status)
        self._known = {session_id: (headers["ETag"] or "", progress)}
        return copy.deepcopy(progress)

    def set_phase(self, session_id: str, phase: str) -> None:
        self._call("PUT", _of(session_id, "phase"), {"phase": phase})

    def add_answer(self, session_id: str, question_id: str, answer: Any) -> None:
        self._call("POST", _of(session_id, "answers"), {"question_id": question_id, "answer": answer})

    def add_log(self, session_id: str, message: str) -> None:
        self._call("POST", _of(session_id, "logs"), {"message": message})

    def add_error(self, session_id: str, *, task_id: str = "", error_message: str, phase: str | None = None) -> None:
        body = {"task_id": task_id, "error_message": error_message, "phase": phase}
        self._call("POST", _of(session_id, "errors"), body)

    def set_artifact(self, session_id: str, kind: str, data: Any) -> None:
        self._call("PUT", _of(session_id, "artifacts", kind), {"data": data})

    def set_tasks(self, session_id: str, tasks: Sequence[Json]) -> None:
        self._call("PUT", _of(session_id, "tasks"), {"tasks": list(tasks)})

    def update_task(self, session_id: str, task_id: str, **changes: str) -> None:
        self._call("PATCH", _of(session_id, "tasks", task_id), changes)

    def fail(self, session_id: str, reason: str) -> None:
        self._call("POST", _of(session_id, "fail"), {"reason": reason})

    def ask(self, session_id: str, question: str, options: Sequence[str] | None = None, context: str = "") -> None:
        body = {"question": question, "options": list(options or ()), "context": context}
        self._call("PUT", _of(session_id, "clarification"), body)

    def answer(self, session_id: str, answer: str) -> None:
        self._call("POST", _of(session_id, "clarification", "answer"), {"answer": answer})

    def _call(self, method: str, path: str, body: Json | None = None) -> Json:
        status, _, content = self._send(method, path, body)
        return _read(content, status) if content else {}

    def _send(
        self, method: str, path: str, body: Json | None = None, *, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Message, bytes]:
        """Send a request until it is answered. A POST carries one key however often it is sent."""
        sent = {"Authorization": f"Bearer {self._token}", **(headers or {})}
        if method == "POST":
            sent["Idempotency-Key"] = str(uuid.uuid4())
        if body is not None:
            sent["Content-Type"] = "application/json"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, sent, method=method)  # noqa: S310  (the caller's own)
        for attempt in range(1, self._attempts + 1):
            try:
                with self._opener.open(request, timeout=self._timeout) as response:
                    return response.status, response.headers, response.read()
            except urllib.error.HTTPError as error:
                failed: StoreError | None = self._refusal(error, method, attempt)
                if failed is None:
                    return error.code, error.headers, b""
            except (OSError, HTTPException) as error:  # URLError is an OSError: refused, reset, timed out
                failed = Unavailable(f"The server can't be reached: {error}")
            pause = _pause(attempt) if failed.retry_after is None else failed.retry_after
            is_hopeless = failed.status == 507 or pause > LONGEST_PAUSE or attempt == self._attempts
            if not isinstance(failed, Unavailable) or is_hopeless:
                raise failed
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _refusal(self, error: urllib.error.HTTPError, method: str, attempt: int) -> StoreError | None:
        """What an answer that isn't good means; None if it is good after all."""
        with error:
            text = error.read()
        if error.code == 304 or (error.code == 404 and method == "DELETE" and attempt > 1):
            return None  # nothing new; or deleted by the attempt whose answer was lost
        problem = _object(text) or {}
        code = str(problem.get("code", ""))
        known = Unavailable if error.code >= 500 or code == "idempotency_key_in_use" else StoreError
        kind = known if known is Unavailable else _ERRORS.get(error.code, known)
        places = [f"{one.get('loc')}: {one.get('message')}" for one in problem.get("errors") or ()]
        detail = " ".join([str(problem.get("detail", error.reason)), *places])
        refusal = kind(f"{error.code}: {detail}", status=error.code, code=code, problem=problem)
        refusal.retry_after = _seconds(error.headers.get("Retry-After", ""))
        return refusal


def _read(content: bytes, status: int) -> Json:
    """An answer's body. Raises StoreError if it isn't one of the API's."""
    answer = _object(content)
    if answer is None:
        raise StoreError(f"{status}: This isn't an answer of ResearchMind. Is the address right?", status=status)
    return answer


def _object(content: bytes) -> Json | None:
    """The JSON object that this is; None for anything else."""
    try:
        found = json.loads(content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _of(session_id: str, *parts: str) -> str:
    return "/".join(["/sessions", *(urllib.parse.quote(part, safe="") for part in (session_id, *parts))])


def _seconds(retry_after: str) -> float | None:
    """How long the server asks to wait, in seconds or until a date; None if it doesn't."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(until.timestamp() - time.time(), 0.0)


def _pause(attempt: int) -> float:
    """Longer from attempt to attempt, never in step with others."""
    return random.uniform(0.5, 1.0) * min(0.2 * 2.0**attempt, 10.0)  # noqa: S311  (no secret)


_FIELDS = {
    *("name", "description", "tags", "model", "metadata", "phase", "ttl_seconds"),
    *("tool_settings", "agent_settings", "context_window_config", "configuration"),
}
_FIELDS_OF_NEW = _FIELDS | {"messages", "system_prompt", "system_prompt_source_file"}
_CHANGES = _FIELDS | {"pinned", "archived", "status", "summary", "summary_model"}
_FIELDS_OF_MESSAGES = {
    *("role", "content", "created_at", "model", "thinking", "tool_name", "tool_calls", "tool_call_id", "source_file"),
    *("prompt_eval_count", "eval_count", "metadata"),
}
_FIELDS_OF_TASKS = {"task_id", "title", "status", "error"}


class MemorySessionStore(SessionStore):
    """A store that forgets: for tests of an agent. It refuses what the server refuses: typos, and what doesn't fit."""

    def __init__(self) -> None:
        self._sessions: dict[str, Json] = {}
        self._order: dict[str, int] = {}  # the one changed last has the highest number
        self._numbers = itertools.count()
        self._messages: dict[str, list[Json]] = {}
        self._progress: dict[str, Json] = {}

    def create_session(self, **fields: Any) -> Json:
        _check(fields, _FIELDS_OF_NEW)
        messages = list(fields.pop("messages", None) or [])
        prompt, source = fields.pop("system_prompt", None), fields.pop("system_prompt_source_file", None)
        if not (fields.get("name") or fields.get("model") or messages):
            raise Invalid("Give the session a name, a model or its first messages.", status=422, code="invalid")
        if prompt is not None:
            messages.insert(0, {"role": "system", "content": prompt, "source_file": source})
        for message in messages:
            _check_message(message)
        session_id = str(uuid.uuid4())
        said = next((message["content"] for message in messages if message["role"] == "user"), "Untitled session")
        self._sessions[session_id] = _new_session(session_id, name=said[:100])
        self._messages[session_id], self._progress[session_id] = [], _nothing()
        self.update_session(session_id, **{name: value for name, value in fields.items() if value is not None})
        if messages:
            self.append_messages(session_id, messages)
        return copy.deepcopy(self._sessions[session_id])

    def get_session(self, session_id: str) -> Json | None:
        try:
            session = self._session(session_id)
        except NotFound:
            return None
        return copy.deepcopy(session | {"messages": self._messages[session["session_id"]]})

    def update_session(self, session_id: str, **changes: Any) -> Json:
        session = self._session(session_id)
        _check(changes, _CHANGES)
        if not str(changes.get("name", "x") or "").strip():
            raise Invalid("Give it at least one visible character.", status=422, code="invalid")
        if (phase := changes.pop("phase", None)) is not None:
            self.set_phase(session_id, phase)
        merged = session["metadata"] | changes.pop("metadata", {})
        if "archived" in changes:
            changes["status"] = "archived" if changes["archived"] else "active"
        if "tags" in changes:
            changes["tags"] = sorted({tag.strip().casefold() for tag in changes["tags"] or ()})
        session |= copy.deepcopy(changes)
        session["archived"] = session["status"] == "archived"
        session["metadata"] = {key: value for key, value in merged.items() if value is not None}
        return copy.deepcopy(self._changed(session))

    def delete_session(self, session_id: str) -> None:
        found = self._session(session_id)["session_id"]
        del self._sessions[found], self._order[found], self._messages[found], self._progress[found]

    def list_sessions(self) -> list[Json]:
        active = [session for session in list(self._sessions.values()) if session["status"] == "active"]
        active.sort(key=lambda session: (session["pinned"], self._order[session["session_id"]]), reverse=True)
        return copy.deepcopy(active)

    def append_messages(self, session_id: str, messages: Sequence[Json]) -> list[Json]:
        session = self._open(session_id)
        if not messages:
            raise Invalid("Give one message or more.", status=422, code="invalid")
        for message in messages:
            _check_message(message)
        kept = self._messages[session["session_id"]]
        new = [{**copy.deepcopy(message), "index": len(kept) + number} for number, message in enumerate(messages)]
        kept += new
        session["message_count"] = len(kept)
        self._changed(session)
        return copy.deepcopy(new)

    def get_progress(self, session_id: str) -> Json:
        progress = copy.deepcopy(self._run(session_id, write=False))
        for name, status in (("active", "active"), ("completed", "completed"), ("failed", "failed")):
            ids = [task["task_id"] for task in progress["tasks"] if task["status"] == status]
            progress |= {"active_task_id": next(iter(ids), None)} if name == "active" else {f"{name}_task_ids": ids}
        return progress

    def set_phase(self, session_id: str, phase: str) -> None:
        run, phase = self._run(session_id), _among(phase, PHASES, "phase")
        if run["phase"] != phase:
            run["phases"].append({"phase": phase, "entered_at": _now()})
            run |= {"phase": phase, "failure_reason": None}
            if phase in ("complete", "failed"):
                run["pending_clarification"] = None
            session = self._session(session_id)
            session["phase"] = phase
            self._changed(session)

    def add_answer(self, session_id: str, question_id: str, answer: Any) -> None:
        run = self._run(session_id)
        run["answers"][question_id] = copy.deepcopy(answer)
        run["current_question_index"] = len(run["answers"])

    def add_log(self, session_id: str, message: str) -> None:
        self._run(session_id)["logs"].append({"timestamp": _now(), "message": message})

    def add_error(self, session_id: str, *, task_id: str = "", error_message: str, phase: str | None = None) -> None:
        run = self._run(session_id)
        named = _among(phase, PHASES, "phase") if phase else run["phase"]
        entry = {"timestamp": _now(), "task_id": task_id or None, "error_message": error_message, "phase": named}
        run["errors"].append(entry)

    def set_artifact(self, session_id: str, kind: str, data: Any) -> None:
        self._run(session_id)["artifacts"][kind.lower()] = copy.deepcopy(data)

    def set_tasks(self, session_id: str, tasks: Sequence[Json]) -> None:
        run = self._run(session_id)
        for task in tasks:
            _check(task, _FIELDS_OF_TASKS, "task_id")
        plan = [{"title": "", "error": None, **task, "status": _status(task.get("status"))} for task in tasks]
        if len({task["task_id"] for task in plan}) < len(plan):
            raise Invalid("Two tasks have the same id.", status=422, code="invalid")
        if sum(task["status"] == "active" for task in plan) > 1:
            raise Invalid("More than one task is active.", status=422, code="invalid")
        run["tasks"] = plan

    def update_task(self, session_id: str, task_id: str, **changes: str) -> None:
        run = self._run(session_id)
        _check(changes, _FIELDS_OF_TASKS - {"task_id"})
        task = next((task for task in run["tasks"] if task["task_id"] == task_id), None)
        if task is None:
            raise NotFound("The run has no task with this id.", status=404, code="task_not_found")
        values: Json = dict(changes)
        if "status" in values:
            status = values["status"] = _status(values["status"])
            others = [other for other in run["tasks"] if other["status"] == "active" and other is not task]
            if (status == "active" and others) or (task["status"] == "completed" != status):
                raise Conflict("Another task is active, or it is completed.", status=409, code="task_conflict")
            if status != "failed":
                values.setdefault("error", None)
        task |= values

    def fail(self, session_id: str, reason: str) -> None:
        self.set_phase(session_id, "failed")
        self._run(session_id)["failure_reason"] = reason

    def ask(self, session_id: str, question: str, options: Sequence[str] | None = None, context: str = "") -> None:
        run, choices = self._run(session_id), list(options or ())
        if not question.strip() or len(set(choices)) < len(choices):
            raise Invalid("Ask something, and give each option once.", status=422, code="invalid")
        asked = {"question": question, "context": context, "options": choices}
        run.update(pending_clarification=asked, clarification_answer=None)
        self._changed(self._session(session_id))

    def answer(self, session_id: str, answer: str) -> None:
        run = self._run(session_id)
        asked = run["pending_clarification"]
        if asked is None:
            raise Conflict("The run waits for no answer.", status=409, code="no_pending_question")
        if asked["options"] and answer not in asked["options"]:
            raise Invalid("The answer isn't one of the options.", status=422, code="invalid")
        run |= {"pending_clarification": None, "clarification_answer": answer}
        self._changed(self._session(session_id))

    def _session(self, session_id: str) -> Json:
        for session in list(self._sessions.values()):
            if session_id in (session["session_id"], session["short_id"]):
                return session
        raise NotFound("There is no such session.", status=404, code="session_not_found")

    def _open(self, session_id: str) -> Json:
        session = self._session(session_id)
        if session["archived"]:
            raise Conflict("The session is archived. Restore it first.", status=409, code="session_archived")
        return session

    def _run(self, session_id: str, *, write: bool = True) -> Json:
        session = self._open(session_id) if write else self._session(session_id)
        run = self._progress[session["session_id"]]
        if write:
            run["heartbeat_at"] = _now()
        return run

    def _changed(self, session: Json) -> Json:
        session["updated_at"] = _now()
        self._order[session["session_id"]] = next(self._numbers)
        return session


def _new_session(session_id: str, name: str) -> Json:
    now = _now()
    return {
        "session_id": session_id, "short_id": session_id.replace("-", "")[:10], "name": name, "description": "",
        "status": "active", "archived": False, "pinned": False, "tags": [], "model": None, "phase": None,
        "metadata": {}, "message_count": 0, "created_at": now, "updated_at": now,
    }  # fmt: skip


def _check(given: Mapping[str, Any], known: set[str], *required: str) -> None:
    """A typo must not pass silently here either."""
    wrong = [*sorted(set(given) - known), *(name for name in required if given.get(name) is None)]
    if wrong:
        raise Invalid(f"Unknown or missing: {', '.join(wrong)}.", status=422, code="invalid")


def _check_message(message: Json) -> None:
    _check(message, _FIELDS_OF_MESSAGES, "role", "content")
    if message["role"] not in ROLES:
        raise Invalid(f"role is one of {', '.join(ROLES)}.", status=422, code="invalid")


def _nothing() -> Json:
    return {
        "phase": None, "phases": [], "current_question_index": 0, "answers": {}, "artifacts": {}, "tasks": [],
        "errors": [], "logs": [], "pending_clarification": None, "clarification_answer": None, "heartbeat_at": None,
        "is_aborted": False, "failure_reason": None,
    }  # fmt: skip


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def _among(word: Any, words: Sequence[str], name: str) -> str:
    if str(word).lower() not in words:
        raise Invalid(f"{name} is one of {', '.join(words)}.", status=422, code="invalid")
    return str(word).lower()


def _status(status: Any) -> str:
    return _among(status or "pending", TASK_STATUSES, "status")
