"""What is done to sessions from lists and pages: pin, archive, trash, restore; to one or many; and renaming.

One address takes them all. A row's button says `archive=<id>`; the bar over a list says
`bulk=archive` with the selected ids, and so does Undo.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django_htmx.http import HttpResponseClientRefresh, reswap, retarget

from sessions.access import Actor, session_for_writing, visible_sessions
from sessions.exceptions import Invalid, SessionNotFound
from sessions.htmx import PageRequest, current_address, fragment, go_to, next_address, wants_fragment
from sessions.models import Status
from sessions.operations.bulk import MAX_SESSIONS, Outcome, apply_to_sessions
from sessions.operations.sessions import update_session
from sessions.views.changes import answer_changes
from sessions.views.errors import sentence_of
from sessions.views.exporting import CHOSEN
from sessions.views.listing import ListQuery
from sessions.views.page import page, render_page
from sessions.views.rows import one_row
from sessions.views.toasts import toast
from sessions.views.trash import confirm_purge


@dataclass(frozen=True, slots=True)
class Act:
    """An action as people see it: its operation and the sentence about it."""

    operation: str
    done: str


ACTS = {
    "pin": Act("pin", "Pinned {}"),
    "unpin": Act("unpin", "Unpinned {}"),
    "archive": Act("archive", "Archived {}"),
    "restore": Act("restore", "Restored {}"),
    "trash": Act("delete", "Moved {} to the trash"),
}


_ASKING = ("rename", "purge", "export", "merge", "compare", "tag", "untag")  # these go on elsewhere


@page("POST")
def act(request: PageRequest) -> HttpResponse:
    """Do one action to one session or to the selected ones."""
    action, ids = _wanted(request)
    if not ids:
        toast(request, "Nothing is selected. Tick the sessions first.", problem=True)
        return answer_changes(request, "", [])
    if action == "purge":
        return confirm_purge(request, ids)
    if action == "export":
        request.session[CHOSEN] = [str(session_id) for session_id in ids]
        return go_to(request, f"{reverse('export_sessions')}?chosen")
    if action == "merge":
        return go_to(request, f"{reverse('session_merge')}?{urlencode([('id', session_id) for session_id in ids])}")
    if action == "compare":
        return _compare(request, ids)
    if action in ("tag", "untag"):
        return _tag(request, action, ids)
    if action == "rename":
        return _rename_form(request, ids[0])
    before = _before(request, ids)
    outcomes = apply_to_sessions(actor=request.user, action=ACTS[action].operation, session_ids=ids)
    if len(outcomes) == 1 and (problem := outcomes[0].problem):
        raise problem
    _say(request, action, outcomes, before)
    return answer_changes(request, action, [outcome.session_id for outcome in outcomes if outcome.problem is None])


def _compare(request: PageRequest, ids: Sequence[UUID]) -> HttpResponse:
    if len(ids) != 2:
        toast(request, f"Comparing takes two sessions, these are {len(ids)}.", problem=True)
        return answer_changes(request, "", [])
    return go_to(request, f"{reverse('compare')}?{urlencode({'a': ids[0], 'b': ids[1]})}")


def _tag(request: PageRequest, action: str, ids: Sequence[UUID]) -> HttpResponse:
    """Give the sessions the tag in `tag_name`, or take it off them."""
    tag = str(request.POST.get("tag_name", "")).strip()
    if not tag:
        toast(request, "Write the tag into the field first.", problem=True)
        return answer_changes(request, "", [])
    outcomes = apply_to_sessions(actor=request.user, action=action, session_ids=ids, tag=tag)
    done = [outcome.session_id for outcome in outcomes if outcome.problem is None]
    refused = [outcome.problem for outcome in outcomes if outcome.problem is not None]
    if done:
        said = "Tagged {} “{}”" if action == "tag" else "Took the tag off {}: “{}”"
        toast(request, said.format(_sessions(len(done)), tag))
    if refused:
        toast(request, f"{_sessions(len(refused))} stayed as before: {sentence_of(refused[0])}", problem=True)
    return answer_changes(request, action, done)


def _wanted(request: PageRequest) -> tuple[str, list[UUID]]:
    """The action and the sessions; a row's own button counts before the selection."""
    for action in (*ACTS, *_ASKING):
        if action in request.POST:
            return action, _ids(request.POST.getlist(action))
    action = request.POST.get("bulk", "")
    if action not in (*ACTS, *_ASKING):
        raise Invalid("That button isn't known. Reload the page and try again.")
    return action, _ids(request.POST.getlist("id"))


def _ids(texts: Sequence[str]) -> list[UUID]:
    if len(texts) > MAX_SESSIONS:
        raise Invalid(f"These are {len(texts)} sessions. Select at most {MAX_SESSIONS} at once.")
    try:
        return [UUID(text) for text in dict.fromkeys(texts)]
    except ValueError:
        raise SessionNotFound(texts[0]) from None


def _before(request: PageRequest, ids: Sequence[UUID]) -> Mapping[str, dict[str, Any]]:
    """Name, status and pin of each session before anything is done; what isn't visible is missing."""
    found = visible_sessions(Actor.of(request.user)).filter(pk__in=ids).values("pk", "name", "status", "pinned")
    return {str(row["pk"]): dict(row) for row in found}


def _say(request: PageRequest, action: str, outcomes: Sequence[Outcome], before: Mapping[str, dict[str, Any]]) -> None:
    """Toasts: what was done, with Undo, and what couldn't be."""
    done = [outcome.session_id for outcome in outcomes if outcome.problem is None]
    refused = [outcome.problem for outcome in outcomes if outcome.problem is not None]
    if done and "undone" in request.POST:
        toast(request, "Undone")
    elif done:
        what = f"“{before[done[0]]['name']}”" if len(outcomes) == 1 else _sessions(len(done))
        toast(request, ACTS[action].done.format(what), undo=_undo(action, done, before))
    if refused:
        toast(request, f"{_sessions(len(refused))} stayed as before: {sentence_of(refused[0])}", problem=True)


def _undo(action: str, done: Sequence[str], before: Mapping[str, dict[str, Any]]) -> tuple[str, list[str]] | None:
    """What takes the action back, for the sessions that it changed; None if there is no one such action."""
    takes_back = {session_id: _inverse(action, before[session_id]) for session_id in done}
    actions = {inverse for inverse in takes_back.values() if inverse}
    if len(actions) != 1:
        return None
    return actions.pop(), [session_id for session_id, inverse in takes_back.items() if inverse]


def _inverse(action: str, before: dict[str, Any]) -> str:
    """The action that brings the session back to how it was; empty if it was so already."""
    status, pinned = before["status"], before["pinned"]
    inverses = {
        "pin": "" if pinned else "unpin",
        "unpin": "pin" if pinned else "",
        "archive": "restore" if status == Status.ACTIVE else "",
        "trash": "restore",
        "restore": {Status.DELETED: "trash", Status.ARCHIVED: "archive"}.get(status, ""),
    }
    return inverses[action]


def _sessions(count: int) -> str:
    return "1 session" if count == 1 else f"{count} sessions"


def _rename_form(request: PageRequest, session_id: UUID) -> HttpResponse:
    """The form in the row, or the page that has it."""
    if not wants_fragment(request):
        address = reverse("session_rename", args=[session_id])
        return go_to(request, f"{address}?{urlencode({'next': next_address(request)})}")
    session = session_for_writing(Actor.of(request.user), session_id)
    response = fragment(request, "sessions/_rename.html", {"session": session, "name": session.name})
    return reswap(retarget(response, f"#s-{session.pk}"), "afterbegin")


@page("GET", "POST")
def rename(request: PageRequest, session_id: str) -> HttpResponse:
    """Give a session another name: in its row, or on a page of its own."""
    session = session_for_writing(Actor.of(request.user), session_id)
    context: dict[str, Any] = {"session": session, "name": session.name, "next": next_address(request)}
    if request.method == "POST":
        context["name"] = request.POST.get("name", "")
        try:
            update_session(actor=request.user, session_id=session.pk, name=context["name"])
        except Invalid as error:
            context["error"] = " ".join(advice for _, advice in error.errors) or error.detail
        else:
            return _renamed(request, str(session.pk), context["next"])
    status = 422 if "error" in context else 200
    if not wants_fragment(request):
        return render_page(request, "sessions/rename.html", context, status=status)
    response = fragment(request, "sessions/_rename.html", context, status=status)
    if status == 422:
        response.headers["HX-Retarget"] = "this"
    return response


def _renamed(request: PageRequest, session_id: str, address: str) -> HttpResponse:
    if not wants_fragment(request):
        toast(request, "Renamed")
        return go_to(request, address)
    query = ListQuery.at(current_address(request))
    if query is None:
        return HttpResponseClientRefresh()
    rows = one_row(query, request.user.pk, session_id)
    return fragment(request, "sessions/_row.html", {"list": rows, "row": rows.rows[0], "focus_name": True})
