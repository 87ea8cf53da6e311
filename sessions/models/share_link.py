"""Links under which anybody may read a session: the address is shown once, and kept as a digest."""

import secrets
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from sessions.models.session import Session, Status
from sessions.models.token import is_usable


def new_link_secret() -> str:
    """Return what the address of a link ends with: 192 random bits."""
    return secrets.token_urlsafe(24)


class ShareLinkQuerySet(models.QuerySet["ShareLink"]):
    """Links that work, and links of a session."""

    def of(self, session_id: object) -> Self:
        """One session's links that nobody has revoked, expired ones too, the newest first."""
        return self.filter(session_id=session_id, revoked_at=None).order_by("-created_at", "-pk")

    def working(self) -> Self:
        """Neither revoked nor expired, of a session that isn't in the trash and whose owner may sign in."""
        in_time = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        found = self.filter(in_time, revoked_at=None, session__owner__is_active=True)
        return found.exclude(session__status=Status.DELETED)


class ShareLink(models.Model):
    """A public, read-only address of one session's transcript."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="share_links")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    include_files = models.BooleanField(default=False, help_text="Whether the files of the workspace are shown too.")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ShareLinkQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"Link {self.pk}"

    @property
    def is_usable(self) -> bool:
        """Neither revoked nor expired."""
        return is_usable(revoked_at=self.revoked_at, expires_at=self.expires_at)
