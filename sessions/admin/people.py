"""Who is in which session, and public links: looked at, taken back by the same operations, never edited."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from sessions.access import Actor
from sessions.admin.records import ReadOnlyAdmin, said
from sessions.models import Membership, ShareLink, Status
from sessions.operations.sharing import remove_member, revoke_link


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    """Who is in whose session, and as what."""

    list_display = ("session", "owner", "user", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("session__owner", "user")
    search_fields = ("user__username", "session__owner__username")
    fields = ("session", "user", "role", "created_at")
    sortable_by = ()
    ordering = ("-pk",)
    actions = ("take_out",)

    @admin.display(description="Owner")
    def owner(self, member: Membership) -> str:
        """The session's owner."""
        return str(member.session.owner)

    def has_share_permission(self, request: HttpRequest) -> bool:
        """Whoever may change sessions may say who is in them."""
        return request.user.has_perm("research.change_session")

    @admin.action(description="Take the session from them", permissions=["share"])
    def take_out(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        """Take the chosen people out, from the next request on; a session in the trash is shown to none of them."""
        actor = Actor.for_administration(request.user)
        chosen = list(queryset.exclude(session__status=Status.DELETED).values_list("session_id", "user_id"))
        for session_id, user_id in chosen:
            remove_member(actor=actor, session_id=session_id, user_id=user_id)
        self.message_user(request, said(len(chosen), "member", "taken out"), messages.SUCCESS)


@admin.register(ShareLink)
class ShareLinkAdmin(ReadOnlyAdmin):
    """Public links, without anything that could be used as one."""

    list_display = ("pk", "session", "owner", "is_usable", "include_files", "created_at", "expires_at", "revoked_at")
    list_filter = ("include_files",)
    list_select_related = ("session__owner",)
    search_fields = ("session__owner__username",)
    fields = ("session", "include_files", "created_at", "expires_at", "revoked_at")
    sortable_by = ()
    ordering = ("-pk",)
    actions = ("revoke",)

    @admin.display(description="Owner")
    def owner(self, link: ShareLink) -> str:
        """The session's owner."""
        return str(link.session.owner)

    @admin.display(description="Usable", boolean=True)
    def is_usable(self, link: ShareLink) -> bool:
        """Neither revoked nor expired."""
        return link.is_usable

    def has_share_permission(self, request: HttpRequest) -> bool:
        """Whoever may change sessions may say who reads them."""
        return request.user.has_perm("research.change_session")

    @admin.action(description="Revoke", permissions=["share"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ShareLink]) -> None:
        """Let the chosen links lead nowhere from the next request on; in the trash they do so already."""
        actor = Actor.for_administration(request.user)
        usable = queryset.filter(revoked_at=None).exclude(session__status=Status.DELETED)
        chosen = list(usable.values_list("session_id", "pk"))
        for session_id, link_id in chosen:
            revoke_link(actor=actor, session_id=session_id, link_id=link_id)
        self.message_user(request, said(len(chosen), "link", "revoked"), messages.SUCCESS)
