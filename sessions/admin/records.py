"""What nobody edits: tags, events, tokens and removals that wait."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from sessions.access import Actor, SessionRef
from sessions.admin.bases import ChecksAddresses, RecordModelAdmin
from sessions.admin.counts import ShortPaginator
from sessions.exceptions import SessionError
from sessions.models import (
    ApiToken,
    Event,
    Job,
    Lineage,
    Run,
    Session,
    SessionCount,
    Tag,
    VectorRemoval,
    WorkspaceRemoval,
)
from sessions.models.event import OF_ACCOUNTS
from sessions.models.session import short_id_range
from sessions.operations.tokens import revoke_token
from sessions.operations.vectors.removals import remove_collection
from sessions.operations.workspaces import remove_workspace


class ReadOnlyAdmin(ChecksAddresses, RecordModelAdmin):
    """Rows to look at. They grow without end, so they are counted to a limit and sorted by an index alone."""

    list_per_page = 50
    paginator = ShortPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    view_on_site = False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, under its plain name."""
        title = capfirst(str(self.opts.verbose_name_plural))
        return super().changelist_view(request, {"title": title} | (extra_context or {}))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No."""
        return False


@admin.register(Tag)
class TagAdmin(ReadOnlyAdmin):
    """Words, and how many sessions carry them."""

    list_display = ("name", "owner", "on_sessions")
    list_select_related = ("owner",)
    search_fields = ("name",)
    sortable_by = ()
    ordering = ("pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tag]:
        """With the kept numbers of sessions."""
        kept = SessionCount.objects.filter(owner_id=OuterRef("owner_id"), tag_id=OuterRef("pk")).order_by()
        total = kept.values("tag_id").annotate(total=Sum("amount")).values("total")
        tags: QuerySet[Tag] = super().get_queryset(request)
        return tags.annotate(session_total=Coalesce(Subquery(total), 0))

    @admin.display(description="Sessions")
    def on_sessions(self, tag: Any) -> int:
        """How many sessions have it, in the trash too."""
        return int(tag.session_total)


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """Everything that happened, newest first."""

    list_display = ("at", "actor_name", "verb", "session", "token_name", "detail")
    list_display_links = ("at",)
    list_filter = ("verb",)
    search_fields = ("session_id",)
    search_help_text = "The id or short id of a session, or a user name."
    fields = ("at", "actor_name", "token_name", "verb", "session", "detail")
    sortable_by = ()
    ordering = ("-pk",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Event], search_term: str
    ) -> tuple[QuerySet[Event], bool]:
        """Events of one session, by one actor, or about one account."""
        wanted = search_term.strip()
        if not wanted:
            return queryset, False
        try:
            ref = SessionRef.parse(wanted)
        except SessionError:
            about = Q(verb__in=OF_ACCOUNTS, detail__username=wanted)
            return queryset.filter(Q(actor_name=wanted) | about), False
        if ref.whole is not None:
            return queryset.filter(session_id=ref.whole), False
        return queryset.filter(session_id__range=short_id_range(ref.short)), False

    @admin.display(description="Session")
    def session(self, event: Event) -> str | SafeString:
        """The session's short id, as a link while the session exists."""
        if event.session_id is None:
            return "–"
        address = reverse("admin:research_session_change", args=[event.session_id])
        return format_html('<a href="{}">{}</a>', address, Session(pk=event.session_id).short_id)


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """Runs of agents: where they are and when they were last heard of."""

    list_display = ("session", "owner", "state", "phase", "started_at", "heartbeat_at")
    list_filter = ("state",)
    list_select_related = ("session", "owner")
    sortable_by = ()
    ordering = ("pk",)

    @admin.display(description="Phase")
    def phase(self, run: Run) -> str:
        """The session's phase."""
        return run.session.phase.replace("_", " ")


@admin.register(Lineage)
class LineageAdmin(ReadOnlyAdmin):
    """Which session came out of which. A parent's id stays when the parent is gone."""

    list_display = ("child", "kind", "parent_short_id", "created_at", "detail")
    list_filter = ("kind",)
    list_select_related = ("child",)
    fields = ("child", "kind", "parent_short_id", "created_at", "detail")
    sortable_by = ()
    ordering = ("-pk",)

    @admin.display(description="Parent")
    def parent_short_id(self, lineage: Lineage) -> str:
        """The parent's short id."""
        return Session(pk=lineage.parent_id).short_id if lineage.parent_id else "–"


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """What the worker does, has done and will do."""

    list_display = (
        "created_at",
        "kind",
        "subject",
        "owner",
        "state",
        "done",
        "total",
        "attempts",
        "finished_at",
        "error",
    )
    list_filter = ("state", "kind")
    list_select_related = ("owner",)
    sortable_by = ()
    ordering = ("-created_at",)


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Whose tokens there are and what they may do, without anything that could be used as one."""

    list_display = (
        "name",
        "prefix",
        "user",
        "scope",
        "is_usable",
        "created_at",
        "expires_at",
        "last_used_at",
        "revoked_at",
    )
    list_filter = ("scope",)
    list_select_related = ("user",)
    search_fields = ("name", "prefix", "user__username")
    fields = ("name", "prefix", "user", "scope", "session", "created_at", "expires_at", "last_used_at", "revoked_at")
    actions = ("revoke",)

    @admin.display(description="Usable", boolean=True)
    def is_usable(self, token: ApiToken) -> bool:
        """Neither revoked nor expired."""
        return token.is_usable

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whoever may change tokens may revoke them; nothing else about them changes."""
        return request.user.has_perm("research.change_apitoken")

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """Refuse the chosen tokens from the next request on."""
        actor = Actor.for_administration(request.user)
        chosen = list(queryset.filter(revoked_at=None).values_list("pk", flat=True))
        for token_id in chosen:
            revoke_token(actor=actor, token_id=token_id)
        self.message_user(request, said(len(chosen), "token", "revoked"), messages.SUCCESS)


class RemovalAdmin(ReadOnlyAdmin):
    """What is left of deleted sessions and could not be removed yet. The worker tries again by itself."""

    list_display: tuple[str, ...] = ("session_id", "requested_at", "attempts", "last_attempt_at", "last_error")
    actions = ("try_now",)
    noun: str

    def remove(self, session_id: UUID) -> bool:
        """Remove it; return whether it is gone."""
        raise NotImplementedError

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Whoever may delete sessions may see to it that they go."""
        return request.user.has_perm("research.delete_session")

    @admin.action(description="Try now", permissions=["retry"])
    def try_now(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Try the chosen removals once more."""
        chosen = list(queryset.values_list("session_id", flat=True))
        gone = sum(self.remove(session_id) for session_id in chosen)
        if gone:
            self.message_user(request, said(gone, self.noun, "removed"), messages.SUCCESS)
        if gone < len(chosen):
            waiting = said(len(chosen) - gone, self.noun, "still there: the last column says why")
            self.message_user(request, waiting, messages.WARNING)


@admin.register(WorkspaceRemoval)
class WorkspaceRemovalAdmin(RemovalAdmin):
    """Workspaces that are still there."""

    noun = "workspace"

    def remove(self, session_id: UUID) -> bool:
        """Remove the directory."""
        return remove_workspace(session_id)


@admin.register(VectorRemoval)
class VectorRemovalAdmin(RemovalAdmin):
    """Collections that Qdrant still has."""

    list_display = ("session_id", "requested_at", "due_at", "attempts", "last_attempt_at", "last_error")
    noun = "collection"

    def remove(self, session_id: UUID) -> bool:
        """Remove the collection, if it is due."""
        return remove_collection(session_id, seconds=3)


def said(number: int, noun: str, what: str) -> str:
    return f"{number} {noun} {what}." if number == 1 else f"{number} {noun}s {what}."
