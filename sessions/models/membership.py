"""Who else works on a session, beside its owner."""

from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone

from sessions.models.session import Session


class MemberRole(models.TextChoices):
    """What somebody may do in a session that is somebody else's."""

    VIEWER = "viewer", "Viewer"
    EDITOR = "editor", "Editor"


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Who is in which session."""

    def of(self, session_id: object) -> Self:
        """One session's members by name."""
        return self.filter(session_id=session_id).select_related("user").order_by("user__username")


class Membership(models.Model):
    """One person in one session. The owner stands on the session itself, and has no membership."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="memberships", db_index=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="research_memberships", db_index=False
    )
    role = models.CharField(max_length=8, choices=MemberRole, default=MemberRole.VIEWER)
    created_at = models.DateTimeField(default=timezone.now)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        # The first is asked by every write of a member, the second is the list of what is shared with somebody.
        constraints = [
            models.UniqueConstraint(fields=["session", "user"], name="member_once"),
            models.CheckConstraint(condition=models.Q(role__in=MemberRole.values), name="member_role_known"),
        ]
        indexes = [models.Index(fields=["user", "session"], name="membership_by_user")]
        ordering = ["session", "user"]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.session_id}: {self.role}"


MEMBERSHIP = Membership._meta.db_table


def role_in(session: str) -> str:
    """The role of the user of one parameter in the session with this id, as SQL; NULL for none, or for the owner."""
    return f"(SELECT m.role FROM {MEMBERSHIP} m WHERE m.session_id = {session} AND m.user_id = %s)"


def has_members(session: str) -> str:
    """Whether the session with this id has members, as SQL."""
    return f"EXISTS (SELECT 1 FROM {MEMBERSHIP} m WHERE m.session_id = {session})"


def is_member(session: str) -> str:
    """Whether the user of one parameter is a member of the session with this id, as SQL."""
    return f"EXISTS (SELECT 1 FROM {MEMBERSHIP} m WHERE m.session_id = {session} AND m.user_id = %s)"


def may_write(session: str) -> str:
    """Whether the user of two parameters owns or edits the session in this table or alias, as SQL."""
    return (
        f"({session}.owner_id = %s OR EXISTS (SELECT 1 FROM {MEMBERSHIP} m WHERE m.session_id = {session}.id "
        f"AND m.user_id = %s AND m.role = '{MemberRole.EDITOR.value}'))"
    )
