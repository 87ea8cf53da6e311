"""Users in the admin: as Django has them, with their sessions, which go with them."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from sessions.access import Actor
from sessions.admin.bases import ChecksAddresses, UserModelAdmin
from sessions.admin.counts import kept_groups
from sessions.models import ApiToken, SessionCount, Tag
from sessions.operations.accounts import delete_account, note_password_set, save_account

admin.site.unregister(User)


@admin.register(User)
class UserAdmin(ChecksAddresses, UserModelAdmin):
    """Accounts. Deleting one purges its sessions, workspaces and all."""

    list_display = ("username", "email", "first_name", "last_name", "is_active", "is_staff", "last_login", "sessions")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """With the kept numbers of sessions."""
        kept = SessionCount.objects.filter(owner_id=OuterRef("pk"), tag_id=None).order_by()
        total = kept.values("owner_id").annotate(total=Sum("amount")).values("total")
        users: QuerySet[User] = super().get_queryset(request)
        return users.annotate(session_total=Coalesce(Subquery(total), 0))

    @admin.display(description="Sessions")
    def sessions(self, user: Any) -> SafeString:
        """How many, as a link to them."""
        address = f"{reverse('admin:research_session_changelist')}?owner={user.pk}"
        return format_html('<a href="{}">{}</a>', address, f"{user.session_total:,}")

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """Name what goes, without loading every message to do so."""
        users = list(objs)
        lacking = set() if self.has_delete_permission(request) else {"user"}
        totals = {
            "users": len(users),
            "sessions, with their transcripts and workspaces": sum(_sessions_of(request, user) for user in users),
            "tags": Tag.objects.filter(owner__in=users).count(),
            "API tokens": ApiToken.objects.filter(user__in=users).count(),
        }
        return (
            [f"{user.get_username()}: {_sessions_of(request, user):,} sessions" for user in users],
            totals,
            lacking,
            [],
        )

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """With its event; groups and single rights are written by the form right after, in the same transaction."""
        save_account(
            actor=Actor.for_administration(request.user),
            account=obj,
            changed=form.changed_data,
            save=lambda: super(UserAdmin, self).save_model(request, obj, form, change),
        )

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Django's page, in one transaction with the event."""
        with transaction.atomic():
            before = self.get_object(request, unquote(id))
            answer = super().user_change_password(request, id, form_url)
            account = self.get_object(request, unquote(id))
            if before is not None and account is not None and account.password != before.password:
                note_password_set(actor=Actor.for_administration(request.user), account=account)
        return answer

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        """Purge the sessions, each with its event, then the user."""
        delete_account(actor=Actor.for_administration(request.user), account=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Each like one alone."""
        for user in queryset:
            self.delete_model(request, user)


def _sessions_of(request: HttpRequest, user: User) -> int:
    return sum(group.total for group in kept_groups(request) if group.owner_id == user.pk)
