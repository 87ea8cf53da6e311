"""Settings, Retention: the policy, what it would do now, and doing that. For administrators."""

from typing import Any

from django.http import HttpResponse
from django.urls import reverse

from sessions.exceptions import SessionError
from sessions.forms import RetentionForm, add_refusal
from sessions.htmx import PageRequest, fragment, go_to, wants_fragment
from sessions.models import RetentionPolicy
from sessions.models.retention import POLICY_FIELDS
from sessions.operations.retention.applying import Report, apply_policy, preview
from sessions.operations.retention.policy import read_policy, require_administrator, set_policy, with_changes
from sessions.operations.retention.rules import Act, Reason
from sessions.views.errors import status_of
from sessions.views.page import page, render_page
from sessions.views.toasts import toast
from sessions.views.words import counted

_WORDS = {
    Reason.IN_TRASH: "in the trash since",
    Reason.EXPIRED: "expired, last opened",
    Reason.TOO_OLD: "created",
    Reason.ARCHIVED: "in the archive since",
    Reason.TOO_MANY: "one too many, last opened",
    Reason.INACTIVE: "last opened",
}
_TITLES = {Act.ARCHIVE: "to the archive", Act.TRASH: "to the trash", Act.PURGE: "deleted for ever"}
_ICONS = {Act.ARCHIVE: "archive", Act.TRASH: "trash", Act.PURGE: "x"}


@page("GET", "POST")
def retention(request: PageRequest) -> HttpResponse:
    """The policy, and a form for another: seen first, then saved, or applied once."""
    require_administrator(request.user)
    stored = read_policy(actor=request.user)
    if request.method != "POST":
        return _page(request, RetentionForm(instance=stored), stored)
    form = RetentionForm(request.POST, instance=RetentionPolicy())
    if not form.is_valid():
        return _page(request, form, stored, status=422)
    try:
        return _answer(request, form, stored, request.POST.get("act", "preview"))
    except SessionError as error:
        add_refusal(form, error)
        return _page(request, form, stored, status=status_of(error))


def _answer(request: PageRequest, form: RetentionForm, stored: RetentionPolicy, act: str) -> HttpResponse:
    """Do what was pressed. Turning it on for the first time is asked about, with what it would do."""
    wanted = {name: form.cleaned_data[name] for name in POLICY_FIELDS}
    policy = with_changes(stored, wanted)
    turns_on = act == "save" and policy.enabled and not stored.enabled
    if act == "apply":
        toast(request, _said(apply_policy(actor=request.user, policy=policy)))
        return go_to(request, reverse("retention"))
    if act in ("save", "confirm") and not turns_on:
        set_policy(actor=request.user, **wanted)
        toast(request, "Saved. The worker applies it once a minute." if policy.enabled else "Saved")
        return go_to(request, reverse("retention"))
    report = preview(actor=request.user, policy=policy)
    return _page(request, form, stored, report=report, parts=_parts(report), turns_on=turns_on)


def _parts(report: Report) -> list[dict[str, Any]]:
    """What is shown of a report: the acts in the order of a session's life."""
    return [
        {
            "title": _TITLES[act],
            "icon": _ICONS[act],
            "count": part.count,
            "more": part.count - len(part.sessions),
            "sessions": [
                {"name": line.name, "owner": line.owner, "why": _WORDS[line.reason], "since": line.since}
                for line in part.sessions
            ],
        }
        for act, part in report.parts.items()
    ]


def _said(report: Report) -> str:
    done = [
        f"{verb} {counted(report.parts[act].count, 'session')}"
        for act, verb in ((Act.ARCHIVE, "archived"), (Act.TRASH, "trashed"), (Act.PURGE, "deleted for ever"))
        if report.parts[act].count
    ]
    said = ", ".join(done).capitalize() if done else "There was nothing to do"
    return said if report.is_complete else f"{said}; there is more to do, press again to go on"


def _page(
    request: PageRequest, form: RetentionForm, stored: RetentionPolicy, *, status: int = 200, **context: Any
) -> HttpResponse:
    context |= {"form": form, "tab": "retention", "is_on": stored.enabled}
    if wants_fragment(request):
        return fragment(request, "settings/_retention.html", context, status=status)
    return render_page(request, "settings/retention.html", context, status=status, here="settings")
