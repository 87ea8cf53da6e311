"""The retention policy in the admin: one page, the same operation behind it."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from sessions.access import Actor
from sessions.admin.bases import RecordModelAdmin
from sessions.models import RetentionPolicy
from sessions.models.retention import POLICY_FIELDS
from sessions.operations.retention.policy import set_policy


@admin.register(RetentionPolicy)
class RetentionPolicyAdmin(RecordModelAdmin):
    """There is one policy, from the beginning. What it would do is shown under Settings, Retention."""

    fields = POLICY_FIELDS
    view_on_site = False

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> RetentionPolicy | None:
        """The policy, also before anybody has set one."""
        policy = RetentionPolicy.objects.current()
        return policy if str(policy.pk) == object_id else None

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Straight to the one."""
        return HttpResponseRedirect(reverse("admin:research_retentionpolicy_change", args=[RetentionPolicy().pk]))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Administrators alone, as everywhere."""
        return bool(request.user.is_superuser)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """There is one already."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It is turned off instead."""
        return False

    def save_model(self, request: HttpRequest, obj: RetentionPolicy, form: Any, change: bool) -> None:
        """Through the operation, with its event."""
        set_policy(actor=Actor.of(request.user), **{name: form.cleaned_data[name] for name in form.changed_data})
