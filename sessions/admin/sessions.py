"""Sessions in the admin: everybody's, changed by the same operations as on pages and in the API."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import actions as django_actions
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from sessions.access import Actor, SessionRef
from sessions.admin.bases import ChecksAddresses, Pages, SessionModelAdmin
from sessions.admin.counts import KeptPaginator, ShortPaginator, kept_groups
from sessions.admin.filters import FILTERS, kept_count, within_reach
from sessions.admin.form import OBJECTS, SessionForm
from sessions.admin.messages import LastMessages
from sessions.exceptions import SessionError
from sessions.models import Session, Status
from sessions.operations.bulk import MAX_SESSIONS, Outcome, apply_to_sessions
from sessions.operations.lifecycle import purge_session
from sessions.operations.sessions import create_session, update_session
from sessions.operations.tags import tags_of
from sessions.storage import workspaces

_SORTED_FREELY = 20_000  # more sessions than that are sorted by an index or not at all
_DONE = {"archive": "archived", "restore": "restored", "delete": "moved to the trash", "purge": "deleted for ever"}
_ARCHIVE, _RESTORE, _TRASH = ("archive", "Archive"), ("restore", "Restore"), ("delete", "Move to the trash")
_OFFERED = {"active": [_ARCHIVE, _TRASH], "archived": [_RESTORE, _TRASH], "deleted": [_RESTORE]}
_WRITTEN = ("name", "description", "tag_words", "model", "phase", "ttl_seconds")
_KEPT = ("short_id", "owner", "status", "message_count", "version")
_TIMES = ("created_at", "updated_at", "last_accessed", "archived_at", "deleted_at")
_WORKSPACE = ("workspace_path", "is_indexed", "content_count")
_SETTINGS = ("Settings", {"fields": OBJECTS, "classes": ["collapse"]})


class SessionChangeList(ChangeList):
    """The list, in no order but those that it offers, and quick at a million sessions."""

    def get_ordering_field(self, field_name: Any) -> Any:
        """The field behind a column, unless the column can't be sorted by now."""
        return super().get_ordering_field(field_name) if field_name in (self.sortable_by or ()) else None

    def get_results(self, request: HttpRequest) -> None:
        """Read one page."""
        self.queryset = within_reach(request, self.queryset)
        super().get_results(request)


@admin.register(Session)
class SessionAdmin(ChecksAddresses, SessionModelAdmin):
    """What an operator sees of sessions and does with them."""

    form = SessionForm
    list_display = ("name", "short_id", "owner", "state", "messages", "changed")
    list_filter = FILTERS
    list_select_related = ("owner",)
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    ordering = ("-updated_at", "-pk")
    search_fields = ("name",)
    search_help_text = "Part of a name, an id, or a short id."
    actions = ("archive", "restore", "move_to_trash", "delete_selected")
    inlines = (LastMessages,)
    readonly_fields = (*_KEPT, *_TIMES, *_WORKSPACE, "preview", "summary", "summary_model")
    view_on_site = False  # its page is its owner's alone

    # What the list shows

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, under its plain name."""
        return super().changelist_view(request, {"title": "Sessions"} | (extra_context or {}))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The class of the list."""
        return SessionChangeList

    def get_sortable_by(self, request: HttpRequest) -> Any:
        """Every column while there are few sessions; the indexed one at any number."""
        few = sum(group.total for group in kept_groups(request)) <= _SORTED_FREELY
        return self.get_list_display(request) if few else ["changed"]

    def get_paginator(
        self, request: HttpRequest, queryset: QuerySet[Session], per_page: int, *args: Any, **kwargs: Any
    ) -> Pages:
        """Pages whose number is kept, or counted to a limit."""
        kept = kept_count(request)
        if kept is None:
            return ShortPaginator(queryset, per_page, *args, **kwargs)
        return KeptPaginator(queryset, per_page, *args, kept_count=kept, **kwargs)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Session], search_term: str
    ) -> tuple[QuerySet[Session], bool]:
        """Sessions with this id or short id, else those with this in their name."""
        wanted = search_term.strip()
        if not wanted:
            return queryset, False
        try:
            ref = SessionRef.parse(wanted)
        except SessionError:
            return queryset.filter(name__icontains=wanted), False
        by_id = Session.objects.with_id(ref.whole, ref.short).values("pk")
        return queryset.filter(pk__in=by_id), False

    @admin.display(description="Status", ordering="status")
    def state(self, session: Session) -> str:
        """Where it is in its life, and whether it is pinned."""
        status = str(Status(session.status).label)
        return f"{status}, pinned" if session.pinned else status

    @admin.display(description="Messages", ordering="message_count")
    def messages(self, session: Session) -> str:
        """How many."""
        return f"{session.message_count:,}"

    @admin.display(description="Changed (UTC)", ordering="updated_at")
    def changed(self, session: Session) -> str:
        """When, to the minute."""
        return f"{session.updated_at:%Y-%m-%d %H:%M}"

    # What a session's page shows

    def get_fieldsets(self, request: HttpRequest, obj: Session | None = None) -> Any:
        """Few fields for a new session, all of them for one that exists."""
        if obj is None:
            return [(None, {"fields": ("owner", *_WRITTEN)}), _SETTINGS]
        written = (*_WRITTEN, "pinned")
        seen = ("version_seen",) if self.has_change_permission(request, obj) else ()
        return [
            (None, {"fields": (*written, *seen)}),
            ("About it", {"fields": (*_KEPT, "preview", "summary", "summary_model")}),
            ("Workspace", {"fields": _WORKSPACE}),
            ("Times", {"fields": _TIMES, "classes": ["collapse"]}),
            _SETTINGS,
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Session | None = None) -> list[str]:
        """The owner is chosen once."""
        return [name for name in self.readonly_fields if obj is not None or name != "owner"]

    def get_inlines(self, request: HttpRequest, obj: Session | None) -> Any:
        """A new session has no messages yet."""
        return self.inlines if obj is not None else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A new session is one's own unless somebody else is chosen."""
        return {"owner": request.user.get_username()} | super().get_changeform_initial_data(request)

    def has_change_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        """Nothing in the trash can be changed."""
        return super().has_change_permission(request, obj) and (obj is None or not obj.in_trash)

    @admin.display(description="Tags")
    def tag_words(self, session: Session) -> str:
        """The tags, where they can't be changed."""
        return ", ".join(tags_of(session))

    @admin.display(description="Directory")
    def workspace_path(self, session: Session) -> SafeString:
        """Where the workspace is now."""
        in_trash = session.in_trash
        return format_html(
            "<code>{}</code>",
            workspaces.trashed_path(session.pk) if in_trash else workspaces.workspace_path(session.pk),
        )

    @admin.display(description="Indexed", boolean=True)
    def is_indexed(self, session: Session) -> bool:
        """Whether the disk holds an index."""
        return workspaces.state(session.pk, in_trash=session.in_trash).is_indexed

    @admin.display(description="Entries in content/")
    def content_count(self, session: Session) -> int:
        """How many entries the disk shows."""
        return workspaces.state(session.pk, in_trash=session.in_trash).content_count

    # What an operator does with them

    def save_model(self, request: HttpRequest, obj: Session, form: SessionForm, change: bool) -> None:
        """Create or update by the operation."""
        actor = Actor.for_administration(request.user)
        changes = form.changes()
        if change:
            update_session(
                actor=actor, session_id=obj.pk, expected_version=form.cleaned_data["version_seen"], **changes
            )
        else:
            obj.pk = create_session(actor=actor, owner_id=obj.owner_id, **changes).pk
        obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: Session) -> None:
        """Purge, with the event that says who did it."""
        purge_session(actor=Actor.for_administration(request.user), session_id=obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        """Purge each by the operation."""
        self._apply(request, "purge", list(queryset.values_list("pk", "name")), tell=False)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """Name what goes, without loading every message to do so."""
        sessions = list(objs)
        lacking = set() if self.has_delete_permission(request) else {str(self.opts.verbose_name)}
        totals = {
            "sessions, with their workspaces": len(sessions),
            "messages": sum(one.message_count for one in sessions),
        }
        return [_what_goes(session) for session in sessions], totals, lacking, []

    @admin.action(description="Archive", permissions=["change"])
    def archive(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        """Put the chosen ones away."""
        self._apply_to_chosen(request, "archive", queryset)

    @admin.action(description="Restore from archive or trash", permissions=["change"])
    def restore(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        """Bring the chosen ones back."""
        self._apply_to_chosen(request, "restore", queryset)

    @admin.action(description="Move to the trash", permissions=["delete"])
    def move_to_trash(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        """Put the chosen ones, with their workspaces, where they can be restored from."""
        self._apply_to_chosen(request, "delete", queryset)

    @admin.action(description="Delete for ever…", permissions=["delete"])
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Session]) -> HttpResponse | None:
        """Purge the chosen ones after a page that names them."""
        if queryset.order_by()[: MAX_SESSIONS + 1].count() > MAX_SESSIONS:
            self._too_many(request)
            return None
        return django_actions.delete_selected(self, request, queryset)

    def _apply_to_chosen(self, request: HttpRequest, action: str, queryset: QuerySet[Session]) -> None:
        chosen = list(queryset.values_list("pk", "name")[: MAX_SESSIONS + 1])
        if len(chosen) > MAX_SESSIONS:
            self._too_many(request)
        else:
            self._apply(request, action, chosen)

    def _too_many(self, request: HttpRequest) -> None:
        sentence = f"Nothing was done: at most {MAX_SESSIONS} sessions at once. Choose fewer, or narrow the list."
        self.message_user(request, sentence, messages.ERROR)

    def _apply(self, request: HttpRequest, action: str, chosen: list[tuple[Any, str]], *, tell: bool = True) -> None:
        actor = Actor.for_administration(request.user)
        names = {str(pk): name for pk, name in chosen}
        outcomes = apply_to_sessions(actor=actor, action=action, session_ids=list(names))
        worked = sum(outcome.problem is None for outcome in outcomes)
        if worked and tell:
            noun = "session" if worked == 1 else "sessions"
            self.message_user(request, f"{worked} {noun} {_DONE[action]}.", messages.SUCCESS)
        for outcome in outcomes:
            if outcome.problem is not None:
                self.message_user(request, f"{names[outcome.session_id]}: {_why(outcome)}", messages.WARNING)

    # One session's buttons

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The form, with the buttons that fit the session's status and the operator's rights."""
        session = context.get("original")
        offered = _OFFERED[session.status] if isinstance(session, Session) else ()
        context["session_actions"] = [(action, label) for action, label in offered if self._allows(request, action)]
        context["show_save_and_add_another"] = False
        return super().render_change_form(request, context, *args, **kwargs)

    def _allows(self, request: HttpRequest, action: str) -> bool:
        if action == "delete":
            return self.has_delete_permission(request)
        return action in _DONE and action != "purge" and self.has_change_permission(request)

    def get_urls(self) -> list[URLPattern]:
        """The admin's own addresses, and one that a session's buttons post to."""
        act = self.admin_site.admin_view(self.act_view)
        return [path("<path:object_id>/act/", act, name="research_session_act"), *super().get_urls()]

    @method_decorator(require_POST)
    def act_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Archive, restore or trash one session, and come back to its page."""
        action = request.POST.get("action", "")
        if not self._allows(request, action):
            raise PermissionDenied
        session = self.get_object(request, object_id)
        if session is None:
            raise Http404
        self._apply(request, action, [(session.pk, session.name)])
        return redirect(reverse("admin:research_session_change", args=[session.pk]))

    # What the operations refuse

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The form; a refusal that only the write could find is said on the same page."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except SessionError as problem:
            return self._refused(request, problem)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The confirmation of "delete for ever", and the deed."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except SessionError as problem:
            return self._refused(request, problem)

    def _refused(self, request: HttpRequest, problem: SessionError) -> HttpResponse:
        self.message_user(request, problem.detail, messages.ERROR)
        return redirect(request.get_full_path())


def _why(outcome: Outcome) -> str:
    return outcome.problem.detail if outcome.problem is not None else ""


def _what_goes(session: Session) -> str:
    files = workspaces.state(session.pk, in_trash=session.in_trash).content_count
    parts = [f"{session.message_count:,} messages" if session.message_count != 1 else "1 message"]
    parts.append(f"{files:,} entries in its workspace" if files != 1 else "1 entry in its workspace")
    return f"{session.name} ({session.short_id}, {session.owner.get_username()}): {', '.join(parts)}"
