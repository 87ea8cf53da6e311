"""Deleting for ever: what goes is named and measured first, on a page or in a dialog."""

from collections.abc import Sequence
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django_htmx.http import reswap, retarget

from sessions.access import Actor, visible_sessions
from sessions.exceptions import SessionNotFound
from sessions.htmx import PageRequest, current_address, fragment, go_to, next_address, wants_fragment
from sessions.models import SessionCount, Status
from sessions.operations.bulk import apply_to_sessions
from sessions.operations.jobs.purging import empty_trash_later, purge_later
from sessions.operations.lifecycle import empty_trash
from sessions.storage.disk_use import MOST_MEASURED, disk_use
from sessions.views.changes import answer_changes
from sessions.views.page import page, render_page
from sessions.views.toasts import toast

_NAMED = 20  # sessions that a confirmation lists by name


@page("GET", "POST")
def purge(request: PageRequest) -> HttpResponse:
    """Delete sessions for ever, once that was confirmed."""
    wanted = request.POST.getlist("id") if request.method == "POST" else request.GET.getlist("id")
    try:
        ids = [UUID(text) for text in wanted]
    except ValueError:
        raise SessionNotFound(wanted[0]) from None
    if not ids or request.method != "POST" or "confirmed" not in request.POST:
        return confirm_purge(request, ids)
    job = purge_later(actor=request.user, session_ids=ids)
    if job is not None:
        return go_to(request, reverse("job", args=[job.pk]))
    outcomes = apply_to_sessions(actor=request.user, action="purge", session_ids=ids)
    done = [outcome.session_id for outcome in outcomes if outcome.problem is None]
    if not done:
        raise outcomes[0].problem or SessionNotFound(ids[0])
    toast(request, "Deleted 1 session for ever" if len(done) == 1 else f"Deleted {len(done)} sessions for ever")
    return answer_changes(request, "purge", done)


def confirm_purge(request: PageRequest, ids: Sequence[UUID]) -> HttpResponse:
    """Ask, with the names, the messages and the size on disk of what would go. Raises SessionNotFound."""
    sessions = list(
        visible_sessions(Actor.of(request.user))
        .filter(pk__in=ids, owner=request.user.pk)
        .order_by("-updated_at", "-pk")
        .values("pk", "name", "status", "message_count")
    )
    if not sessions:
        raise SessionNotFound(ids[0] if ids else "")
    budget = MOST_MEASURED // len(sessions)
    sizes = [disk_use(session["pk"], in_trash=session["status"] == Status.DELETED, most=budget) for session in sessions]
    return _dialog(
        request,
        "sessions/confirm_purge.html",
        {
            "post_to": reverse("session_purge"),
            "sessions": sessions[:_NAMED],
            "unnamed": max(0, len(sessions) - _NAMED),
            "all_ids": [session["pk"] for session in sessions],
            "messages_count": sum(session["message_count"] for session in sessions),
            "bytes": sum(size.bytes for size in sizes),
            "files": sum(size.files for size in sizes),
            "is_whole": all(size.is_whole for size in sizes),
            "next": current_address(request) if wants_fragment(request) else next_address(request, "trash"),
        },
    )


@page("GET", "POST")
def empty(request: PageRequest) -> HttpResponse:
    """Delete everything in the trash for ever, once that was confirmed."""
    if request.method == "POST":
        job = empty_trash_later(actor=request.user)
        if job is not None:
            return go_to(request, reverse("job", args=[job.pk]))
        gone = empty_trash(actor=request.user)
        toast(request, "Deleted 1 session for ever" if gone == 1 else f"Deleted {gone} sessions for ever")
        return go_to(request, reverse("trash"))
    count = SessionCount.objects.sessions(request.user.pk, [Status.DELETED])
    return _dialog(request, "sessions/confirm_empty.html", {"post_to": reverse("empty_trash"), "count": count})


def _dialog(request: PageRequest, template: str, context: dict[str, object]) -> HttpResponse:
    """The same question as a page, or in the page's dialog."""
    if not wants_fragment(request):
        return render_page(request, template, context | {"base": "sessions/confirm_page.html"}, here="trash")
    response = fragment(request, template, context | {"base": "sessions/confirm_dialog.html"})
    return reswap(retarget(response, "#dialog"), "innerHTML")
