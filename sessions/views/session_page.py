"""One session: its transcript, what is kept about it, and adding to it."""

from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django_htmx.http import trigger_client_event

from sessions.access import Actor, session_for_reading, session_for_writing
from sessions.exceptions import NotAllowed, NotFound, SessionError
from sessions.htmx import PageRequest, fragment, go_to, wants_fragment
from sessions.models import Role, Session
from sessions.models.open_page import session_state
from sessions.operations.changing import mark_accessed
from sessions.operations.sessions import update_session
from sessions.operations.transcript import Appended, NewMessage, append_messages
from sessions.views import transcript
from sessions.views.errors import sentence_of, status_of
from sessions.views.page import page, render_page
from sessions.views.session_panel import LINK_DAYS, expiry_choices, panel

_LARGEST_INDEX = 2**31 - 2  # of the column


@page("GET")
def detail(request: PageRequest, session_id: str) -> HttpResponse:
    """The page of a session, or more of its transcript as a fragment.

    The newest messages are shown; `?before=N` and `?after=N` page through them, `?at=N` opens at one.
    """
    session = load(request, session_id)
    window = window_of(request, session)
    if wants_fragment(request):
        return _more(request, session, window)
    if not session.in_trash:
        mark_accessed(session.pk, session.last_accessed)
    return session_page(request, session, window, opened=number(request.GET.get("at")))


@page("POST")
def append(request: PageRequest, session_id: str) -> HttpResponse:
    """Add a message of the reader's. What was typed stays in the composer when that fails."""
    text = typed(request, "content")
    try:
        if not text.strip():
            return not_added(request, load(request, session_id), text, "Write something first.", 422)
        appended = append_messages(
            actor=request.user, session_id=session_id, messages=[NewMessage(role=Role.USER.value, content=text)]
        )
    except (NotFound, NotAllowed):
        raise
    except SessionError as error:
        return not_added(request, load(request, session_id), text, sentence_of(error), status_of(error))
    return added(request, load(request, session_id), appended)


@page("GET", "POST")
def name(request: PageRequest, session_id: str) -> HttpResponse:
    """The session's name in the page's bar: the name, the form to change it (`?edit=1`), or the change itself."""
    session = load(request, session_id) if request.method == "GET" else load_to_write(request, session_id)
    context: dict[str, Any] = {"session": session, "name": session.name}
    context |= {"editing": "edit" in request.GET and session.reader_may_write, "focus_name": "focus" in request.GET}
    status = 200
    if request.method == "POST":
        try:
            context["session"] = update_session(actor=request.user, session_id=session.pk, name=typed(request, "name"))
            context |= {"renamed": True, "focus_name": True}
        except (NotFound, NotAllowed):
            raise
        except SessionError as error:
            context |= {"editing": True, "name": typed(request, "name"), "error": sentence_of(error)}
            status = 422
    if wants_fragment(request):
        return fragment(request, "sessions/_name.html", context, status)
    if context.get("error"):
        return go_to(request, reverse("session_rename", args=[session.pk]))
    return go_to(request, reverse("session_detail", args=[session.pk]))


def added(request: PageRequest, session: Session, appended: Appended) -> HttpResponse:
    """The composer, empty again, where the page shows the end and asks what is new; else the page at what is new."""
    if wants_fragment(request):
        shown = number(request.POST.get("shown"))
        if shown is not None and appended.message_count - shown <= transcript.PAGE:
            response = fragment(request, "sessions/_composer.html", {"session": session})
            return trigger_client_event(response, "live")
    return go_to(
        request, f"{reverse('session_detail', args=[session.pk])}?at={appended.first_index}#m-{appended.first_index}"
    )


def load(request: PageRequest, session_id: str) -> Session:
    """The reader's session, in the trash too. Raises SessionNotFound, AmbiguousId."""
    return session_for_reading(Actor.of(request.user), session_id, include_deleted=True)


def load_to_write(request: PageRequest, session_id: str) -> Session:
    """The same for what changes it. Raises RoleTooLow for a viewer."""
    return session_for_writing(Actor.of(request.user), session_id, include_deleted=True)


def typed(request: PageRequest, field: str) -> str:
    """A text as it was typed: browsers send every line break as two characters."""
    return str(request.POST.get(field, "")).replace("\r\n", "\n")


def session_page(
    request: PageRequest,
    session: Session,
    window: transcript.TranscriptView,
    *,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    """The whole page around a part of the transcript."""
    context |= page_context(request, session) | {"transcript": window, "shown": window.last}
    return render_page(request, "sessions/session_page.html", context, status=status)


def page_context(request: PageRequest, session: Session) -> dict[str, Any]:
    """What `_panel.html` needs; the cookie `folded` names what this reader has folded away."""
    beside = panel(session, Actor.of(request.user))
    return {
        "session": session,
        "panel": beside,
        "live_address": reverse("session_live", args=[session.pk]),
        "state": session_state(session.version, beside.run_state),
        "since": beside.activity.newest,
        "link_days": list(LINK_DAYS.items()),
        "expiry_choices": expiry_choices(session.ttl_seconds),
        "chosen_expiry": str(session.ttl_seconds or ""),
        "folded": request.COOKIES.get("folded", "").split("."),
    }


def _more(request: PageRequest, session: Session, window: transcript.TranscriptView) -> HttpResponse:
    """Messages that join the ones already shown: only the end that they lie on goes on."""
    if "after" not in request.GET:
        return fragment(
            request, "sessions/_window.html", {"session": session, "transcript": replace(window, later=None)}
        )
    context = {"session": session, "transcript": replace(window, earlier=None), "shown": window.last}
    return fragment(request, "sessions/_window.html", context)


def not_added(request: PageRequest, session: Session, text: str, problem: str, status: int) -> HttpResponse:
    """The composer with what was typed and why it wasn't taken; without htmx the page around it."""
    context = {"session": session, "text": text, "problem": problem}
    if wants_fragment(request):
        shown = number(request.POST.get("shown"))
        return fragment(request, "sessions/_composer.html", context | {"shown": shown}, 422)
    return session_page(request, session, transcript.newest(session), status=status, text=text, problem=problem)


def window_of(request: HttpRequest, session: Session, *, link: str = "") -> transcript.TranscriptView:
    """The part of the transcript that the address asks for; `link` is the secret of a public one."""
    before, after, at = (number(request.GET.get(name)) for name in ("before", "after", "at"))
    if before is not None:
        return transcript.newest(session, before=before, link=link)
    if after is not None:
        return transcript.following(session, after=after, link=link)
    if at is not None and session.message_count:
        return transcript.around(session, at=min(at, session.message_count - 1), link=link)
    return transcript.newest(session, link=link)


def number(text: str | None) -> int | None:
    """An index from an address or a form; -1 stands before the first. None for anything else."""
    try:
        index = int(text or "")
    except ValueError:
        return None
    return index if -1 <= index <= _LARGEST_INDEX else None
