"""What open pages ask each second, and what they are told when something has changed."""

import re
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote_plus
from uuid import UUID

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from sessions.exceptions import NotFound
from sessions.htmx import PageRequest, current_address, fragment, go_to
from sessions.models import Run, Session, Verb
from sessions.models.open_page import list_state, look_at_list, look_at_session, session_state
from sessions.views import transcript
from sessions.views.activity import Activity, activity
from sessions.views.changes import MOST_REFRESHED
from sessions.views.listing import PAGE_SIZE, ListQuery
from sessions.views.page import is_live, over, page
from sessions.views.rows import page_of
from sessions.views.session_page import load, number, page_context
from sessions.views.shell import shell_context

# What of a session's page shows something else after each; the feed of events and the count always do.
PARTS: Final[dict[str, tuple[str, ...]]] = {
    Verb.CREATED: (),
    Verb.APPENDED: (),
    Verb.RENAMED: ("bar",),
    Verb.PINNED: ("bar",),
    Verb.UNPINNED: ("bar",),
    Verb.ARCHIVED: ("bar", "panel", "composer"),
    Verb.RESTORED: ("bar", "panel", "composer"),
    Verb.TRASHED: ("bar", "panel", "composer"),
    Verb.EDITED: ("panel", "transcript"),
    Verb.REVISION_RESTORED: ("panel", "transcript"),
    Verb.SYSTEM_PROMPT_SET: ("panel", "transcript"),
    Verb.SYSTEM_PROMPT_REMOVED: ("panel", "transcript"),
    Verb.UPDATED: ("panel", "composer"),
    Verb.ROLE_CHANGED: ("bar", "panel", "composer"),
    # A run's section follows by itself while it is going; this brings it to a page that has none, or one that was over.
    Verb.PHASE_ENTERED: ("run",),
    Verb.QUESTION_ANSWERED: ("run",),
    Verb.ARTIFACT_SET: ("run",),
    Verb.TASKS_SET: ("run",),
    Verb.TASK_UPDATED: ("run",),
    Verb.ERROR_REPORTED: ("run",),
    Verb.CLARIFICATION_ASKED: ("run",),
    Verb.CLARIFICATION_ANSWERED: ("run",),
    Verb.RUN_FAILED: ("run",),
    Verb.RUN_ABORTED: ("run",),
    Verb.RUN_REOPENED: ("run",),
}  # all others: the panel
_ADDRESS = re.compile(r"/(?:sessions/(?P<id>[0-9a-f-]{36})/)?live/")
_READER, _SEEN = re.compile(r"(?:^|&)reader=([0-9]{1,9})(?:&|$)"), re.compile(r"(?:^|&)seen=([^&]+)")


def nothing_new(path: str, query: str, login_key: str) -> bool:
    """Whether a page that asks is its reader's still, and shows what is there. One statement, no middleware needed.

    False for all else: another login, a session out of reach, an odd question. Then the page's view answers.
    """
    found = _ADDRESS.fullmatch(path)
    reader, seen = _READER.search(query), _SEEN.search(query)
    if not (found and reader and seen):
        return False
    if found["id"] is None:
        look = look_at_list(login_key, int(reader[1]))
    else:
        look = look_at_session(login_key, int(reader[1]), UUID(found["id"]))
    if look is None or look.state != unquote_plus(seen[1]):
        return False
    return _reader_of(look.login, look.password) == reader[1]


@lru_cache(maxsize=2000)
def _reader_of(kept: str, password: str) -> str:
    """Whose login it is, as Django's own middleware decides it: by user, backend, and password since the login.

    Both texts have just been read, and say the same each time; empty for a login that is good for nobody.
    """
    login = SessionStore().decode(kept)
    expected = get_user_model()(password=password).get_session_auth_hash()
    is_good = constant_time_compare(login.get(HASH_SESSION_KEY, ""), expected)
    is_good = is_good and login.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS
    return str(login.get(SESSION_KEY, "")) if is_good else ""


@page("GET")
def of_lists(request: PageRequest) -> HttpResponse:
    """A list that has changed since it was shown, with as many rows as its reader has loaded.

    Who has loaded more than are shown anew at once is far down: the rows stay, and what is beside them follows.
    """
    query = ListQuery.at(current_address(request))
    if not is_live(request) or query is None:
        return go_to(request, reverse("session_list"))
    state = list_state(request.user.pk)  # before the rows: what changes in between is asked for again
    if state == request.GET.get("seen"):
        return HttpResponse(status=204)
    context = shell_context(request, here=query.view.name, tag=query.tag)
    context["state"] = state
    loaded = number(request.GET.get("shown")) or 0
    if loaded <= MOST_REFRESHED:
        context["list"] = page_of(query, request.user.pk, limit=max(loaded, PAGE_SIZE))
    return fragment(request, "sessions/_live_list.html", context)


@page("GET")
def of_session(request: PageRequest, session_id: str) -> HttpResponse:
    """What has changed of a session since its page was shown: new messages, and the parts that show something else."""
    if not is_live(request):
        return go_to(request, reverse("session_detail", args=[session_id]))
    try:
        session = load(request, session_id)
    except NotFound:
        return over(request, 404)
    run_state = Run.objects.filter(pk=session.pk).values_list("state", flat=True).first()
    state, seen = session_state(session.version, run_state), request.GET.get("seen", "")
    if state == seen:
        return HttpResponse(status=204)
    happened = activity(session.pk, reader_id=request.user.pk, since=number(request.GET.get("since")) or 0)
    version, _, run_seen = seen.partition("_")
    parts = _parts(session, happened, number(version) or 0) | ({"run"} if run_seen != (run_state or "") else set())
    context = page_context(request, session) | shell_context(request) if parts & {"bar", "panel", "run"} else {}
    context |= {"session": session, "parts": parts, "state": state, "since": happened.newest, "activity": happened}
    context |= _messages(session, number(request.GET.get("shown")), parts) | {"said": _said(happened)}
    return fragment(request, "sessions/_live_session.html", context)


def _parts(session: Session, happened: Activity, version: int) -> set[str]:
    """The parts of the page that show something else now: all of them, where not every new version has its event."""
    if session.version - version > len(happened.verbs):
        return {"bar", "panel", "run", "composer", "transcript"}
    parts = {part for verb in happened.verbs for part in PARTS.get(verb, ("panel",))}
    return parts | {"bar"} if session.name_is_automatic else parts


def _messages(session: Session, shown: int | None, parts: set[str]) -> dict[str, Any]:
    """The messages after the last one that is shown, unless what is shown is another transcript by now."""
    if shown is None or "transcript" in parts:
        return {"shown": None}
    if session.message_count <= shown + 1:
        return {"shown": shown}
    added = replace(transcript.following(session, after=shown), earlier=None)
    return {"transcript": added, "shown": added.last}


def _said(happened: Activity) -> str:
    """The newest that happened, for those who listen to the page."""
    return f"{happened.lines[0].who} {happened.lines[0].what}." if happened.verbs else ""
