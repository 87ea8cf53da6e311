"""Single messages: read whole, edit, and the system prompt, which is message 0."""

import json
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django_htmx.http import reswap, retarget

from sessions.exceptions import (
    Conflict,
    MessageNotFound,
    NotAllowed,
    NotAUserMessage,
    NotFound,
    SessionError,
    StaleVersion,
)
from sessions.htmx import PageRequest, fragment, go_to, wants_fragment
from sessions.models import Message, Role, Session
from sessions.models.message import TranscriptEntry
from sessions.operations.changing import check_active
from sessions.operations.editing import edit_message, remove_system_prompt, set_system_prompt
from sessions.operations.jobs.forking import fork_later, is_long
from sessions.operations.restructure.forking import fork_session
from sessions.views import transcript
from sessions.views.errors import sentence_of
from sessions.views.page import page, render_page
from sessions.views.session_page import load, load_to_write, page_context, typed
from sessions.views.toasts import toast
from sessions.views.words import amount


@page("GET")
def message(request: PageRequest, session_id: str, index: int) -> HttpResponse:
    """One message as a fragment; for a browser, the page opened at it."""
    session = load(request, session_id)
    if not wants_fragment(request):
        return go_to(request, _address(session, index))
    shown = transcript.single(session, index=index)
    if shown is None:
        raise _no_message(session, index)
    return fragment(request, "sessions/_message.html", {"session": session, "message": shown, "focus": index})


@page("GET")
def message_text(request: PageRequest, session_id: str, index: int) -> HttpResponse:
    """A message's whole text, as it is: `?part=` content, thinking or tool_calls."""
    session = load(request, session_id)
    found = Message.objects.of(session.pk).filter(index=index).first()
    if found is None:
        raise _no_message(session, index)
    return whole_text(found, request.GET.get("part", ""))


@page("GET", "POST")
def edit(request: PageRequest, session_id: str, index: int) -> HttpResponse:
    """Edit a user message. The form says how much that cuts off; what is cut off stays as a revision."""
    session = load_to_write(request, session_id)
    context: dict[str, Any] = {"index": index}
    status = 200
    if request.method == "POST":
        context["text"] = typed(request, "content")
        try:
            return _save(request, session, index, context["text"])
        except (NotFound, NotAllowed, NotAUserMessage):
            raise
        except SessionError as error:
            context["problem"] = _problem(error)
            status = 422
            session = load(request, session_id)
    else:
        check_active(session)
        context["text"] = _user_message(session, index).content
    context |= {"session": session, "version": session.version, "cuts": session.message_count - index - 1}
    if wants_fragment(request):
        response = fragment(request, "sessions/_edit_message.html", context | {"inline": True}, status)
        return reswap(retarget(response, f"#m-{index}"), "outerHTML")
    return render_page(request, "sessions/edit_message.html", context, status=status)


def _save(request: PageRequest, session: Session, index: int, text: str) -> HttpResponse:
    if not text.strip():
        raise Conflict("A message needs some text. Nothing was changed.")
    if "fork" in request.POST:
        return _save_in_fork(request, session, index, text)
    cut = session.message_count - index - 1
    session = edit_message(
        actor=request.user,
        session_id=session.pk,
        index=index,
        content=text,
        expected_version=version_seen(request),
    )
    toast(request, f"Saved. {amount(cut, 'message')} went into a revision." if cut else "Saved.")
    if not wants_fragment(request):
        return go_to(request, _address(session, index))
    window = transcript.newest(session)
    context = page_context(request, session) | {"transcript": window, "shown": window.last, "focus": index}
    return fragment(request, "sessions/_edited.html", context)


def _save_in_fork(request: PageRequest, session: Session, index: int, text: str) -> HttpResponse:
    what: dict[str, Any] = {"actor": request.user, "session_id": session.pk, "at_index": index}
    edited: dict[str, Any] = {"content": text, "expected_version": version_seen(request)}
    if is_long(**what):
        return go_to(request, reverse("job", args=[fork_later(**what, **edited).pk]))
    fork = fork_session(**what, **edited)
    here = reverse("session_detail", args=[session.pk])
    toast(request, "Saved in a fork. The session that it comes from stays as it was.", link=(here, "Back to it"))
    return go_to(request, _address(fork, index))


@page("GET", "POST")
def system_prompt(request: PageRequest, session_id: str) -> HttpResponse:
    """Set, replace or remove the system prompt. Nothing of the transcript is cut off by that."""
    session = load_to_write(request, session_id)
    check_active(session)
    prompt = Message.objects.of(session.pk).filter(index=0, role=Role.SYSTEM).first()
    context: dict[str, Any] = {"session": session, "prompt": prompt, "text": prompt.content if prompt else ""}
    if request.method == "POST":
        try:
            return _change_prompt(request, session)
        except (NotFound, NotAllowed):
            raise
        except SessionError as error:
            context |= {"text": typed(request, "content"), "problem": _problem(error)}
    context["version"] = load(request, session_id).version
    return render_page(request, "sessions/system_prompt.html", context, status=422 if "problem" in context else 200)


def _change_prompt(request: PageRequest, session: Session) -> HttpResponse:
    version = version_seen(request)
    if "remove" in request.POST:
        remove_system_prompt(actor=request.user, session_id=session.pk, expected_version=version)
        toast(request, "Removed the system prompt. It stays under Revisions.")
        return go_to(request, reverse("session_detail", args=[session.pk]))
    text = typed(request, "content")
    if not text.strip():
        raise Conflict("A system prompt needs some text. To have none, remove it.")
    set_system_prompt(actor=request.user, session_id=session.pk, content=text, expected_version=version)
    toast(request, "Saved the system prompt.")
    return go_to(request, _address(session, 0))


def whole_text(message: TranscriptEntry, part: str) -> HttpResponse:
    """One of a message's texts for a tab of its own; `nosniff` keeps browsers from taking it for anything else."""
    if part == "tool_calls":
        text = json.dumps(message.tool_calls, ensure_ascii=False, indent=2)
    else:
        text = message.thinking if part == "thinking" else message.content
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


def version_seen(request: PageRequest) -> int | None:
    """The version of the session that a form was made from; None if it doesn't say."""
    text = str(request.POST.get("version", ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _problem(error: SessionError) -> str:
    if isinstance(error, StaleVersion):
        return (
            "The session has changed while you were writing, so nothing was saved. "
            "Look at what it would do now, and save again."
        )
    return sentence_of(error)


def _user_message(session: Session, index: int) -> Message:
    found = Message.objects.of(session.pk).filter(index=index).first()
    if found is None:
        raise _no_message(session, index)
    if found.role != Role.USER:
        raise NotAUserMessage("Only messages of users can be edited.", index=index)
    return found


def _no_message(session: Session, index: int) -> MessageNotFound:
    return MessageNotFound(
        f"The transcript has {session.message_count} messages; there is none with the number {index}.",
        session_id=str(session.pk),
    )


def _address(session: Session, index: int) -> str:
    return f"{reverse('session_detail', args=[session.pk])}?at={index}#m-{index}"
